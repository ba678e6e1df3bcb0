"""The cells of a study done one after the other, each once; what fails is told, and loses nothing else."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from filelock import FileLock, Timeout
from tqdm import tqdm

from molmix_bench.atomic import write_text
from molmix_bench.errors import MolmixError, RunError, UsageError
from molmix_bench.studies.bench import Bench
from molmix_bench.studies.cells import Cell, Measured
from molmix_bench.studies.cost import Cost, EnergyMeter, measured, read_cost
from molmix_bench.studies.kept import is_measured, read_measured, write_measured
from molmix_bench.talk import say

if TYPE_CHECKING:
    from collections.abc import Iterator

_ABOUT_FILE, _LOCK_FILE = "cell.json", "lock"


@dataclass(frozen=True, slots=True, eq=False)
class Done:
    """A finished cell."""

    cell: Cell
    found: Measured
    cost: Cost


@dataclass(frozen=True, slots=True, eq=False)
class Outcome:
    """What became of the cells of a study."""

    done: tuple[Done, ...]
    failed: dict[str, str]
    """By label, why."""
    waiting: tuple[str, ...]
    """Labels of those that were not begun: they go on from one that failed, or there was no time for them."""


def run_cells(cells: Sequence[Cell], bench: Bench, *, most: int | None = None) -> Outcome:
    """Does what is not done yet, in the order given, and returns what all cells have given.

    A cell whose own files say that it is finished is not done again; one that was interrupted goes on, and one that
    failed is tried again.

    Args:
        cells: each after those that it needs; of equal keys the first is done.
        bench: what they work with.
        most: cells to do now, at most.

    Raises:
        RunError: another process is at the same study.
    """
    cells = list({cell.key: cell for cell in reversed(cells)}.values())[::-1]
    finished = {cell.key for cell in cells if is_measured(bench.folder(cell.key))}
    meter = EnergyMeter(gpu=bench.accelerator != "cpu")
    failed: dict[str, str] = {}
    tried = 0
    with _locked(bench.cells), _bar(cells, finished) as bar:
        for cell in cells:
            if cell.key in finished or not finished.issuperset(cell.needs) or tried == most:
                continue
            tried += 1
            bar.set_description(f"cell {len(finished) + len(failed) + 1} of {len(cells)}")
            say(f"cell {len(finished) + len(failed) + 1} of {len(cells)}: {cell.label}")
            try:
                _do(cell, bench, meter)
                finished.add(cell.key)
            except UsageError:
                raise  # What the caller said is wrong, for other cells as well.
            except MolmixError as error:
                failed[cell.label] = str(error)
                say(f"failed: {cell.label}: {error}")
            bar.update(cell.work)
    done = tuple(_read(cell, bench, meter.source) for cell in cells if cell.key in finished)
    waiting = tuple(cell.label for cell in cells if cell.key not in finished and cell.label not in failed)
    return Outcome(done, failed, waiting)


def read_cells(cells: Iterable[Cell], bench: Bench) -> Outcome:
    """Returns what is finished of a study, and does nothing."""
    return run_cells(list(cells), bench, most=0)


def _do(cell: Cell, bench: Bench, meter: EnergyMeter) -> None:
    folder = bench.folder(cell.key)
    about = {"label": cell.label, "factors": dict(cell.factors), "seed": cell.seed, "needs": cell.needs}
    write_text(folder / _ABOUT_FILE, json.dumps(about, indent=1, ensure_ascii=False))
    with measured(folder, meter):
        found = cell.measure(folder, bench)
    write_measured(folder, found)


def _read(cell: Cell, bench: Bench, source: str) -> Done:
    folder = bench.folder(cell.key)
    return Done(cell, read_measured(folder), read_cost(folder, source))


def _bar(cells: Sequence[Cell], finished: set[str]) -> tqdm[Any]:
    """Returns the bar over all cells, whose rate and time left are by the molecules that networks see."""
    total = sum(cell.work for cell in cells)
    initial = sum(cell.work for cell in cells if cell.key in finished)
    if 0 < len(finished) < len(cells):
        say(f"going on: {len(finished):,} of {len(cells):,} cells are finished")
    return tqdm(total=total, initial=initial, unit="graph", unit_scale=True, disable=None)


@contextmanager
def _locked(folder: Path) -> Iterator[None]:
    folder.mkdir(parents=True, exist_ok=True)
    try:
        with FileLock(folder / _LOCK_FILE).acquire(timeout=0):
            yield
    except Timeout:
        raise RunError(str(folder), found="another process at work on the same study", fix="wait for it") from None
