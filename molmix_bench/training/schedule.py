"""The learning rate as a function of the step alone, so that a resumed run needs no memory of it."""

from __future__ import annotations

import math
from typing import assert_never

from molmix_bench.specs.run import ScheduleSpec


def rate_factor(spec: ScheduleSpec, *, step: int, num_steps: int) -> float:
    """Returns the rate of one step as a fraction of the highest.

    It rises linearly over the warm-up, from 1/n at the first of its n steps to 1 at its last, then falls to `final` at
    the last step of the run along half a cosine wave or a line.

    Args:
        spec: shape, warm-up and final fraction.
        step: from 0.
        num_steps: of the whole run.

    >>> spec = ScheduleSpec(shape="linear", warmup=0.4, final=0.0)
    >>> [round(rate_factor(spec, step=step, num_steps=5), 2) for step in range(5)]
    [0.5, 1.0, 0.67, 0.33, 0.0]
    """
    num_warmup = round(spec.warmup * num_steps)
    if step < num_warmup:
        return (step + 1) / num_warmup
    # The last step of the warm-up is the highest; without a warm-up the first step is.
    highest = max(num_warmup - 1, 0)
    done = (step - highest) / max(num_steps - 1 - highest, 1)
    match spec.shape:
        case "constant":
            return 1.0
        case "linear":
            return 1 - (1 - spec.final) * done
        case "cosine":
            return spec.final + (1 - spec.final) * (1 + math.cos(math.pi * done)) / 2
        case _:
            assert_never(spec.shape)
