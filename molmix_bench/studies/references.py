"""What pre-trained networks are compared with: the same network from scratch, and trees."""

from __future__ import annotations

from molmix_bench.specs.finetune import Method
from molmix_bench.specs.study import NetworkTraining, TaskSpec, TuneSpec
from molmix_bench.studies.bench import Bench
from molmix_bench.studies.tune_cell import TuneCell, tune_cell

SCRATCH, FINGERPRINTS = "scratch", "fingerprints"
REFERENCES = "the same network from scratch and trees on fingerprints and descriptors, named fingerprints"
"""In words."""
_METHODS: tuple[Method, ...] = ("scratch", "fingerprints")


def reference_cells(
    network: NetworkTraining, task: TaskSpec, bench: Bench, tune: TuneSpec, *, draw: tuple[int, int]
) -> list[TuneCell]:
    """Returns the cells of all references for one task, number of labels and seed.

    Args:
        network: that is trained from scratch.
        task: what is learnt.
        bench: for its measurements.
        tune: how.
        draw: molecules to train and validate on, and the seed.
    """
    return [
        tune_cell(
            network,
            task,
            bench,
            tune=(tune, method),
            draw=draw,
            factors={"body": method, "num_labels": draw[0]},
        )
        for method in _METHODS
    ]
