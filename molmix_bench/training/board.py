"""The journal's numbers for TensorBoard, where it is installed; `metrics.jsonl` has them in any case."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from molmix_bench.specs.result import EpochRecord


class Board:
    """Writes the records of a seed's epochs as TensorBoard's scalars.

    Args:
        writer: PyTorch's `SummaryWriter`; None writes nothing.
    """

    def __init__(self, writer: Any) -> None:
        self._writer = writer

    def add(self, record: EpochRecord) -> None:
        """Writes one epoch."""
        if self._writer is None:
            return
        for name, value in _scalars(record):
            self._writer.add_scalar(name, value, record.epoch)
        self._writer.flush()


@contextmanager
def open_board(folder: Path, *, after: int) -> Iterator[Board]:
    """Opens the board of a seed.

    Args:
        folder: for its files.
        after: the last complete epoch; what was written of later ones no longer counts.
    """
    if find_spec("tensorboard") is None:
        yield Board(None)
        return
    from torch.utils.tensorboard import SummaryWriter

    with SummaryWriter(str(folder), purge_step=after + 1) as writer:
        yield Board(writer)


def _scalars(record: EpochRecord) -> Iterator[tuple[str, float]]:
    yield "loss", record.loss
    yield from ((f"loss/{name}", loss) for name, loss in record.losses.items())
    for name, scores in record.validation.items():
        yield from ((f"validation/{name}/{metric}", value) for metric, value in scores.items() if value is not None)
    if record.selection is not None:
        yield "validation/selection", record.selection
    yield "learning_rate", record.learning_rate
    yield "graphs_per_second", record.graphs_per_second
