"""Tests of the engine: cells done once, in order, each for itself."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import pytest
from filelock import FileLock

from molmix_bench.errors import RunError, UsageError
from molmix_bench.studies.bench import Bench
from molmix_bench.studies.cells import Measured, Score
from molmix_bench.studies.engine import read_cells, run_cells
from molmix_bench.studies.results import Results, results_table

FACTORS = {"size": 1}


@dataclass
class Fake:
    """A cell that gives a number, or fails as often as it is told."""

    key: str
    value: float = 0.5
    needs: tuple[str, ...] = ()
    failures: list[Exception] = field(default_factory=list)
    factors: dict[str, int] = field(default_factory=lambda: dict(FACTORS))
    seed: int = 0
    work: float = 1.0
    times: int = 0

    @property
    def label(self):
        """As `Cell`."""
        return self.key

    def measure(self, folder, bench):  # noqa: ARG002  # as `Cell`
        """Gives it, or fails."""
        self.times += 1
        if self.failures:
            raise self.failures.pop()
        score = Score("d", "ap", "higher", True, self.value, np.array([self.value, 1.0]), {"layer": 2})
        return Measured((score, Score("d", "auroc", "higher", False, 0.7)), {"num_parameters": 3})


def test_a_failure_loses_nothing_else(tmp_path):
    """What needs a failed cell waits; the others are done; the next call tries it again and does no other twice."""
    bad = Fake("bad", failures=[RunError("bad", found="bad luck")])
    cells = [bad, Fake("after", needs=("bad",)), Fake("good")]
    found = run_cells(cells, Bench(tmp_path))
    assert [item.cell.key for item in found.done] == ["good"]
    assert found.failed == {"bad": "bad: bad luck"}
    assert found.waiting == ("after",)
    again = run_cells(cells, Bench(tmp_path))
    assert [item.cell.key for item in again.done] == ["bad", "after", "good"]
    assert (again.failed, again.waiting) == ({}, ())
    assert [cell.times for cell in cells] == [2, 1, 1]


def test_what_is_read_is_what_was_measured(tmp_path):
    """Scores, replicates, facts and cost come back from the disk."""
    run_cells([Fake("a", value=0.25)], Bench(tmp_path))
    (done,) = read_cells([Fake("a")], Bench(tmp_path)).done
    assert done.found.scores[0].value == 0.25
    assert done.found.scores[0].replicates.tolist() == [0.25, 1.0]
    assert done.found.scores[0].factors == {"layer": 2}
    assert done.found.scores[1].replicates is None
    assert done.cost.cpu_seconds is not None
    table = results_table("s", [done])
    assert table.select("cell", "size", "layer", "metric", "value", "num_parameters").rows() == [
        ("a", 1, 2, "ap", 0.25, 3),
        ("a", 1, None, "auroc", 0.7, 3),
    ]


def test_cells_can_be_done_a_few_at_a_time(tmp_path):
    """At most as many as asked for, and none for 0; equal keys are done once."""
    cells = [Fake("a"), Fake("a"), Fake("b"), Fake("c")]
    assert len(run_cells(cells, Bench(tmp_path), most=0).done) == 0
    first = run_cells(cells, Bench(tmp_path), most=2)
    assert [item.cell.key for item in first.done] == ["a", "b"]
    assert first.waiting == ("c",)
    assert len(run_cells(cells, Bench(tmp_path), most=2).done) == 3
    assert [cell.times for cell in cells] == [1, 0, 1, 1]


def test_errors_that_are_not_of_a_cell(tmp_path):
    """A mistake of the caller's ends the study, as do bugs; a damaged file is named."""
    with pytest.raises(UsageError):
        run_cells([Fake("a", failures=[UsageError("a", found="no such thing")])], Bench(tmp_path))
    with pytest.raises(ZeroDivisionError):
        run_cells([Fake("a", failures=[ZeroDivisionError()])], Bench(tmp_path))
    run_cells([Fake("a")], Bench(tmp_path))
    (tmp_path / "a" / "measured.npz").write_bytes(b"no numbers")
    with pytest.raises(RunError, match=r"measured\.npz: no readable scores"):
        read_cells([Fake("a")], Bench(tmp_path))


def test_two_processes_do_not_share_a_study(tmp_path):
    """The second is refused."""
    with FileLock(tmp_path / "lock"), pytest.raises(RunError, match="another process at work on the same study"):
        run_cells([Fake("a")], Bench(tmp_path))


def test_samples_are_over_seeds(tmp_path):
    """Scores of one place are put in the order of seeds, their replicates averaged; two of one seed are a mistake."""
    cells = [Fake("b", value=0.75, seed=1), Fake("a", value=0.25)]
    results = Results.of(run_cells(cells, Bench(tmp_path)).done)
    sample = results.where(dataset="d", size=1, layer=2).sample("x")
    assert (sample.seeds, sample.values.tolist(), sample.replicates.tolist()) == ((0, 1), [0.25, 0.75], [0.5, 1.0])
    assert (sample.mean, sample.std) == (0.5, pytest.approx(0.5 / np.sqrt(2)))
    assert results.where(size=2).sample("x") is None
    assert (results.levels("size"), results.datasets) == ((1,), ("d",))
    twice = Results.of(run_cells([*cells, Fake("c")], Bench(tmp_path)).done)
    with pytest.raises(ValueError, match="3 scores of 2 seeds"):
        twice.sample("x")
