"""A finished run, read from its directory as far as a report shows it; no network is opened, and no torch needed."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

import polars as pl

from molmix_bench.errors import RunError, UsageError
from molmix_bench.metrics.scores import Scores
from molmix_bench.mix import Mix
from molmix_bench.specs.result import EpochRecord, Origin, RunResult
from molmix_bench.specs.run import RunSpec
from molmix_bench.training.folder import RunFolder
from molmix_bench.training.journal import read_records
from molmix_bench.vocab import Split

_PREFERRED = (Split.TEST, Split.TEST_SEEN, Split.VALIDATION)
"""The split whose single predictions are looked at is the first of these that a dataset was scored in."""


@dataclass(frozen=True, slots=True)
class ReportedRun:
    """What a run left, but for its predictions."""

    folder: RunFolder
    spec: RunSpec
    origin: Origin
    result: RunResult
    scores: Scores
    versions: dict[str, str]
    """Of the software the run was begun with."""
    records: dict[int, tuple[EpochRecord, ...]]
    """The epochs of each seed; none of a model that is not trained in epochs."""

    @property
    def seeds(self) -> tuple[int, ...]:
        """The seeds that were trained to the end, as the spec has them."""
        return tuple(item.seed for item in self.result.seeds)

    def splits(self) -> dict[str, Split]:
        """Returns, for each dataset with scores, the split whose predictions are shown."""
        found: dict[str, Split] = {}
        for target in self.origin.targets:
            scored = set(self.scores.table.filter(dataset=target.dataset)["split"])
            if shown := [split for split in _PREFERRED if split in scored]:
                found[target.dataset] = shown[0]
        return found

    def means(self) -> pl.DataFrame:
        """Returns the scores over all seeds."""
        return self.scores.table.filter(pl.col("seed").is_null())


def read_run(path: str | Path) -> ReportedRun:
    """Returns the finished run in a directory.

    Raises:
        UsageError: the directory holds no run.
        RunError: the run is not finished, or a file of it is missing or damaged.
    """
    folder = RunFolder(Path(path))
    spec = folder.read_spec()
    folder.check_finished()
    return ReportedRun(
        folder=folder,
        spec=spec,
        origin=folder.read_origin(),
        result=folder.read_result(),
        scores=_read_scores(folder.scores),
        versions=_read_versions(folder.versions),
        records={seed: read_records(folder.seed(seed).metrics) for seed in spec.training.seeds},
    )


def check_mix(run: ReportedRun, mix: Mix) -> None:
    """Refuses a mix that is not the build that the run was trained and scored on.

    Raises:
        RunError: it is another mix, version or build.
    """
    trained = run.origin.mix
    if mix.manifest.build_key != trained.build_key:
        raise RunError(
            str(run.folder.path),
            found=f"mix {mix.name} {mix.version}, build {mix.manifest.build_key[:12]}",
            expected=f"that of the run, {trained.name} {trained.version}, build {trained.build_key[:12]}",
            fix="name its directory with --mix",
        )


def _read_scores(path: Path) -> Scores:
    fix = "delete result.json and run again; what was trained is kept"
    if not path.is_file():
        raise RunError(str(path), found="no such file", expected="the scores of the run", fix=fix)
    try:
        return Scores.from_json(path.read_text(encoding="utf-8"))
    except (UsageError, UnicodeDecodeError) as error:
        reason = error.found if isinstance(error, UsageError) else str(error)
        raise RunError(str(path), found=reason, expected="the scores of the run", fix=fix) from None


def _read_versions(path: Path) -> dict[str, str]:
    """Returns the versions; none where there is no such file."""
    if not path.is_file():
        return {}
    try:
        data = json.loads(path.read_text(encoding="utf-8"))
    except (json.JSONDecodeError, UnicodeDecodeError) as error:
        raise RunError(str(path), found=f"no readable JSON ({error})", fix="delete it") from None
    if not isinstance(data, dict):
        raise RunError(str(path), found="no mapping of names to versions", fix="delete it")
    return {str(name): str(version) for name, version in data.items()}
