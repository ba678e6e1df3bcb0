"""What the cells of a study work with: mixes, measurements of tasks, and the folders of other cells."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from molmix_bench.errors import UsageError
from molmix_bench.mix import Mix
from molmix_bench.resolve import load
from molmix_bench.specs.base import nearest
from molmix_bench.specs.finetune import FoldsSpec
from molmix_bench.specs.study import TaskSpec
from molmix_bench.specs.suite import SuiteTask, load_suite, suite_names, suite_tasks
from molmix_bench.training.trained import Run, open_run
from molmix_bench.transfer.read import Columns, OwnData, read_measurements
from molmix_bench.transfer.suite import read_task

RUN_DIR = "run"


class Bench:
    """Opens each thing once.

    Args:
        cells: the folder of all cells.
        mixes: in place of the names in a spec: directories or other names.
        raw: folders with the files of tasks; the rest is downloaded.
        accelerator: `auto`, `cpu` or `cuda`.
    """

    def __init__(
        self,
        cells: Path,
        *,
        mixes: Mapping[str, str | Path | Mix] | None = None,
        raw: Sequence[Path] = (),
        accelerator: str = "auto",
    ) -> None:
        self.cells = cells
        self.accelerator = accelerator
        self._given = dict(mixes or {})
        self._raw = tuple(raw)
        self._mixes: dict[str, Mix] = {}
        self._data: dict[TaskSpec, OwnData] = {}

    def mix(self, name: str) -> Mix:
        """Returns the mix of a name, as `resolve.load`."""
        if name not in self._mixes:
            given = self._given.get(name, name)
            self._mixes[name] = given if isinstance(given, Mix) else load(given)
        return self._mixes[name]

    def data(self, task: TaskSpec) -> OwnData:
        """Returns the measurements of a task.

        Raises:
            UsageError: there is no such dataset in any suite, or no such file or column.
            SourceError: the file cannot be had or read.
        """
        if task not in self._data:
            if task.file is not None:
                columns = Columns(task.smiles, task.tasks, task.kind, split=task.folds.column)
                self._data[task] = read_measurements(Path(task.file), columns)
            else:
                self._data[task] = read_task(_suite_task(str(task.source)), self._raw)
        return self._data[task]

    def folds(self, task: TaskSpec) -> FoldsSpec:
        """Returns how the molecules of a task are divided."""
        return task.folds if task.file is not None else _suite_task(str(task.source)).folds

    def folder(self, key: str) -> Path:
        """Returns where a cell works."""
        return self.cells / key

    def run(self, key: str) -> Run:
        """Returns the finished run of a cell that trains.

        Raises:
            RunError: it is not finished.
        """
        return open_run(self.folder(key) / RUN_DIR)

    def builds(self) -> dict[str, str]:
        """Returns which build each mix is that was opened, by its name in the spec."""
        return {
            name: f"{mix.name} {mix.version}, build {mix.manifest.build_key[:12]}" for name, mix in self._mixes.items()
        }


def _suite_task(name: str) -> SuiteTask:
    known = {task.source: task for suite in suite_names() for task in suite_tasks(load_suite(suite))}
    if name not in known:
        found = f"no dataset {name!r}{nearest(name, known)}"
        raise UsageError("tasks", found=found, expected=f"one of {', '.join(sorted(known))}")
    return known[name]
