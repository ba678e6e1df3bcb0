"""Random numbers that depend on a seed and an epoch alone, so that a resumed epoch draws what it would have drawn."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
import torch


@contextmanager
def seeded(seed: int, epoch: int, *, device: torch.device, rank: int = 0) -> Iterator[None]:
    """Seeds torch for one epoch of one seed, and gives the caller's random state back afterwards.

    Args:
        seed: of the network.
        epoch: from 1; 0 stands for the initial weights.
        device: whose generator is seeded beside the CPU's.
        rank: of the process among those that train one network; each draws numbers of its own.

    >>> with seeded(0, 1, device=torch.device("cpu")):
    ...     first = torch.rand(1)
    >>> with seeded(0, 1, device=torch.device("cpu")):
    ...     bool(torch.rand(1) == first)
    True
    """
    # Mixed rather than added, or seed 0 in epoch 2 would draw what seed 1 drew in epoch 1.
    mixed = int(np.random.SeedSequence((seed, epoch, rank) if rank else (seed, epoch)).generate_state(1, np.uint64)[0])
    with torch.random.fork_rng(devices=[device] if device.type == "cuda" else []):
        torch.manual_seed(mixed)
        yield
