"""The directory a run leaves: where each file lies, and whether a directory belongs to this run.

run.yaml                              the resolved spec
origin.json, versions.json            the mix, what each head predicts; versions of the software
seed=<k>/metrics.jsonl                a line per epoch
seed=<k>/tensorboard/                 the same numbers, where TensorBoard is installed
seed=<k>/checkpoint/last.safetensors  weights, optimizer and progress after the last complete epoch
seed=<k>/checkpoint/best-<epoch>.safetensors
predictions/<dataset>/<split>/seed=<k>.parquet
scores.json, result.json              written last
report.html                           where `report` writes
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import yaml
from filelock import FileLock, Timeout

from molmix_bench.atomic import PART_SUFFIX, write_text
from molmix_bench.errors import RunError, UsageError
from molmix_bench.specs.base import Spec, SpecT, read_yaml, validate_spec
from molmix_bench.specs.result import Origin, RunResult
from molmix_bench.specs.run import RunSpec
from molmix_bench.vocab import SEED_STEM

DEVICES = "devices"
"""Among the versions: how many processes trained each network together."""
PIECES = "pieces"
"""The folder that a fine-tuning has and a run has not; else both begin alike."""
_SPEC_FILE = "run.yaml"
_LOCK_FILE = "lock"


@dataclass(frozen=True, slots=True)
class SeedFolder:
    """The files of one seed."""

    path: Path

    @property
    def metrics(self) -> Path:
        """A JSON line per epoch."""
        return self.path / "metrics.jsonl"

    @property
    def last(self) -> Path:
        """The checkpoint that training goes on from."""
        return self.path / "checkpoint" / "last.safetensors"

    @property
    def failed_batch(self) -> Path:
        """The batch whose loss was not finite."""
        return self.path / "failed_batch.safetensors"

    @property
    def board(self) -> Path:
        """TensorBoard's files, where it is installed."""
        return self.path / "tensorboard"

    def best(self, epoch: int) -> Path:
        """Weights of an epoch that was the best so far; the name tells which, should a kill leave two."""
        return self.path / "checkpoint" / f"best-{epoch:04d}.safetensors"

    def weights(self, epoch: int, rule: Literal["best", "last"]) -> Path:
        """Returns the file with the weights that predict."""
        return self.best(epoch) if rule == "best" else self.last

    def trained(self) -> bool:
        """Whether there is anything to lose, or to mistake for ours: more than a seed leaves that failed at once."""
        return any(path.is_file() and not self._is_left_over(path) for path in self.path.rglob("*"))

    def clear(self) -> None:
        """Deletes what a seed has left that failed in its first epoch."""
        for path in list(self.path.rglob("*")):
            if self._is_left_over(path):
                path.unlink()

    def _is_left_over(self, path: Path) -> bool:
        if not path.is_file():
            return False
        if path == self.metrics:
            return not path.stat().st_size
        # Other processes than the first add their number to the name of a batch.
        own_batch = path.parent == self.path and path.match(f"{self.failed_batch.stem}*{self.failed_batch.suffix}")
        return own_batch or self.board in path.parents

    def remove_other_bests(self, epoch: int) -> None:
        """Deletes the weights of all best epochs but one."""
        for path in self.last.parent.glob("best-*.safetensors"):
            if path != self.best(epoch):
                path.unlink()


@dataclass(frozen=True, slots=True)
class RunFolder:
    """The files of a run."""

    path: Path

    @property
    def predictions(self) -> Path:
        """The folder that is scored."""
        return self.path / "predictions"

    @property
    def scores(self) -> Path:
        """All scores, those of single tasks among them."""
        return self.path / "scores.json"

    @property
    def result(self) -> Path:
        """Present once the run is finished."""
        return self.path / "result.json"

    @property
    def origin(self) -> Path:
        """The mix and what each head predicts."""
        return self.path / "origin.json"

    @property
    def versions(self) -> Path:
        """The software the run was begun with."""
        return self.path / "versions.json"

    @property
    def report(self) -> Path:
        """The page that shows the run, where it is asked for."""
        return self.path / "report.html"

    def seed(self, seed: int) -> SeedFolder:
        """Returns the files of one seed."""
        return SeedFolder(self.path / SEED_STEM.format(seed=seed))

    def read_spec(self) -> RunSpec:
        """Returns the resolved spec; raises `UsageError` where there is none."""
        path = self.path / _SPEC_FILE
        return validate_spec(RunSpec, read_yaml(path), where=str(path))

    def read_origin(self) -> Origin:
        """Returns what the run was begun with."""
        return read_json(Origin, self.origin)

    def read_result(self) -> RunResult:
        """Returns the result of a finished run."""
        return read_json(RunResult, self.result)

    def read_versions(self) -> dict[str, str]:
        """Returns the software that the run was begun with.

        Raises:
            RunError: the file is missing or damaged.
        """
        try:
            data = json.loads(self.versions.read_text(encoding="utf-8"))
        except (OSError, ValueError) as error:
            raise RunError(str(self.versions), found=f"no readable versions ({error})", fix="train it again") from None
        return {str(name): str(version) for name, version in data.items()}

    def check_finished(self) -> None:
        """Raises `RunError` where the run is not finished."""
        if not self.result.is_file():
            fix = "give the command that began it again"
            raise RunError(str(self.path), found="a run that is not finished", fix=fix)

    def prepare(self, spec: RunSpec, origin: Origin, *, versions: Mapping[str, str]) -> tuple[str, ...]:
        """Begins a run here, or checks that the one begun here is this one; returns what changed harmlessly since.

        A run that was refused before its first seed, or all of whose seeds failed in their first epoch, is begun anew:
        so it may have other settings. A run may be given more seeds: its networks stay, and it is finished once those
        of the others are.

        Raises:
            RunError: the directory holds a run of another spec or another mix, or files that are no run's.
        """
        if not (self.path / _SPEC_FILE).is_file() or not self._has_trained():
            self._begin(spec, origin, versions)
            return ()
        begun = self.read_spec()
        more_seeds = set(spec.training.seeds) > set(begun.training.seeds)
        kept = {"training.seeds": spec.training.seeds} if more_seeds else {}
        if changes := changes_between(flat(begun) | kept, flat(spec) | kept):
            found = f"a run of another spec ({'; '.join(changes)})"
            raise RunError(str(self.path), found=found, fix="choose another directory, or undo the change")
        if changes := changes_between(flat(self.read_origin()), flat(origin)):
            found = f"a run on another build of the mix ({'; '.join(changes[:3])})"
            raise RunError(str(self.path), found=found, fix="choose another directory, or the mix it was begun with")
        if (found := self.read_versions().get(DEVICES, "1")) != versions.get(DEVICES, "1"):
            fix = f"give --devices {found}, or choose another directory"
            what = f"a run begun with --devices {found}, whose steps are of other batches"
            raise RunError(str(self.path), found=what, expected=f"{versions[DEVICES]}, as asked for", fix=fix)
        if more_seeds:
            # In this order: a kill in between leaves a run of the seeds it had, to be scored again.
            self.result.unlink(missing_ok=True)
            self._write_spec(spec)
        return changes_between(self.read_versions(), versions)

    def _has_trained(self) -> bool:
        """Whether there is anything to lose."""
        return self.result.is_file() or any(folder.trained() for folder in self._seeds())

    def _seeds(self) -> list[SeedFolder]:
        """Returns the folders of all seeds that are there."""
        return [SeedFolder(path) for path in self.path.glob(SEED_STEM.format(seed="*"))]

    def _begin(self, spec: RunSpec, origin: Origin, versions: Mapping[str, str]) -> None:
        # A kill between the files written here may have left some of them.
        own = {self.origin.name, self.versions.name, _SPEC_FILE}
        failed = self._seeds() if (self.path / _SPEC_FILE).is_file() else []
        refuse_strange_files(self.path, own | {folder.path.name for folder in failed}, what="run")
        for folder in failed:
            folder.clear()
        write_text(self.origin, origin.model_dump_json(indent=2))
        write_text(self.versions, json.dumps(versions, indent=2))
        # Last, since its presence says that a run was begun here.
        self._write_spec(spec)

    def _write_spec(self, spec: RunSpec) -> None:
        text = yaml.safe_dump(spec.model_dump(mode="json"), sort_keys=False, allow_unicode=True)
        write_text(self.path / _SPEC_FILE, text)

    def locked(self) -> AbstractContextManager[None]:
        """Keeps other processes from the same run, as `locked_against_others` does."""
        return locked_against_others(self.path, what="run")


@contextmanager
def locked_against_others(path: Path, *, what: str) -> Iterator[None]:
    """Makes a directory where there is none, and keeps other processes from it.

    Args:
        path: the directory.
        what: it is that of.

    Raises:
        RunError: another process is at it.
    """
    path.mkdir(parents=True, exist_ok=True)
    try:
        with FileLock(path / _LOCK_FILE).acquire(timeout=0):
            yield
    except Timeout:
        raise RunError(str(path), found=f"another process at work on the same {what}", fix="wait for it") from None


def refuse_strange_files(path: Path, own: Iterable[str], *, what: str) -> None:
    """Refuses a directory in which there is anything else than a kill while it was begun may have left.

    Args:
        path: the directory.
        own: names of the files that are written when it is begun.
        what: it should be that of.

    Raises:
        RunError: there are other files.
    """
    ours = {_LOCK_FILE, *(f"{name}{end}" for name in own for end in ("", PART_SUFFIX))}
    if strange := sorted({item.name for item in path.iterdir()} - ours):
        found = f"files that no {what} left there ({', '.join(strange[:3])})"
        raise RunError(str(path), found=found, fix="choose another directory")


def read_json(model: type[SpecT], path: Path, *, what: str = "a run") -> SpecT:
    """Returns what a JSON file of a directory says.

    Args:
        model: of what is in the file.
        path: the file.
        what: the directory should be that of.

    Raises:
        UsageError: there is no such file.
        RunError: it is damaged.
    """
    if not path.is_file():
        raise UsageError(str(path), found="no such file", expected=f"the directory of {what}")
    try:
        data = json.loads(path.read_text(encoding="utf-8"))
    except (json.JSONDecodeError, UnicodeDecodeError) as error:
        raise RunError(str(path), found=f"no readable JSON ({error})", fix="delete it and run again") from None
    return validate_spec(model, data, where=str(path))


def flat(spec: Spec) -> dict[str, Any]:
    """Returns a spec's values by dotted key."""
    values: dict[str, Any] = {}

    def visit(prefix: str, item: Any) -> None:
        if isinstance(item, dict):
            for key, child in item.items():
                visit(f"{prefix}.{key}" if prefix else key, child)
        else:
            values[prefix] = item

    visit("", spec.model_dump(mode="json"))
    return values


def changes_between(old: Mapping[str, Any], new: Mapping[str, Any]) -> tuple[str, ...]:
    """Returns `key: old -> new` for each that differs."""
    keys = [key for key in {**old, **new} if old.get(key) != new.get(key)]
    return tuple(f"{key}: {old.get(key)!r:.60} -> {new.get(key)!r:.60}" for key in keys)
