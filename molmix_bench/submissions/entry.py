"""What a board knows of a submission: what it says of itself, its files by their hashes, and its scores.

Nothing in it is a number that the submitter states of the predictions: scores come from predictions alone.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from itertools import groupby
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from molmix_bench.errors import MolmixError, SubmissionError
from molmix_bench.metrics.cells import FloatArray
from molmix_bench.metrics.protocol import REPLICATES, Aggregation
from molmix_bench.metrics.scores import Scores
from molmix_bench.mix import Mix
from molmix_bench.specs.base import validate_spec
from molmix_bench.specs.submission import SUBMISSION_FILE, SubmissionSpec, read_submission, read_submission_data
from molmix_bench.submissions.answers import no_answer, read_items, scores_of
from molmix_bench.submissions.apart import scoring_limits
from molmix_bench.submissions.confined import Limits, run_confined
from molmix_bench.submissions.folder import find_predictions
from molmix_bench.submissions.score import group_steps
from molmix_bench.submissions.steps import PREDICTIONS_DIR
from molmix_bench.vocab import Split

BOARD_SPLITS = (Split.TEST, Split.TEST_SEEN)
"""Models are chosen on validation, so it is no board's."""


@dataclass(frozen=True, slots=True)
class HashedFile:
    """A prediction file, so that anyone can tell which one was scored."""

    path: str
    """Below the submission's folder."""
    sha256: str
    num_bytes: int


@dataclass(frozen=True, slots=True, eq=False)
class ScoredSubmission:
    """A submission with its scores."""

    spec: SubmissionSpec
    files: tuple[HashedFile, ...]
    table: Scores
    """Means over seeds, of tasks too; and of each seed what is taken over several tasks. Without replicates."""
    macros: Scores
    """The means over seeds of `macro`, with their replicates, by which models are compared."""


def score_submission(
    folder: str | Path,
    mix: Mix,
    *,
    splits: Sequence[Split] = BOARD_SPLITS,
    replicates: int = REPLICATES,
    limits: Limits | None = None,
) -> ScoredSubmission:
    """Returns the scores of a submission whose check found nothing wrong; read in another process, with limits.

    Args:
        folder: with `submission.yaml` and `predictions/`.
        mix: the labels.
        splits: those of the mix that are scored; predictions of others are left unread.
        replicates: of the bootstrap.
        limits: on the process; by the size of the mix when not given.

    Raises:
        SubmissionError: a file cannot be scored or is changed meanwhile, a limit was reached, or that process crashed.
        SpecError, UsageError: `submission.yaml` is wrong or missing.
    """
    arguments = {
        "folder": str(folder),
        "mix": str(mix.path),
        "splits": [str(split) for split in splits],
        "replicates": replicates,
    }
    limits = limits or scoring_limits(mix, [Path(folder) / PREDICTIONS_DIR], replicates=replicates)
    items = list(read_items(entry_items, arguments, limits=limits))
    try:
        (spec,) = (
            validate_spec(SubmissionSpec, item["spec"], where=SUBMISSION_FILE) for item in items if "spec" in item
        )
        files = tuple(HashedFile(**item["file"]) for item in items if "file" in item)
        parts = [_scored(item, mix, splits, replicates=replicates) for item in items if "scores" in item]
        table, macros = Scores.concat(some for some, _ in parts), Scores.concat(some for _, some in parts)
    except (TypeError, ValueError, MolmixError) as error:
        raise no_answer(str(folder), error) from None
    return ScoredSubmission(spec, files, table, macros)


def declared_mix(folder: str | Path, *, limits: Limits | None = None) -> str | None:
    """Returns the name of the mix that a submission says it predicts; none where it does not say so legibly.

    Raises:
        SubmissionError: reading ended the process that did it.
    """
    found = list(run_confined(mix_items, {"folder": str(folder)}, limits=limits))
    return found[0] if found and isinstance(found[0], str) else None


def entry_items(folder: str, mix: str, splits: Sequence[str], replicates: int) -> Iterator[str | dict[str, Any]]:
    """Yields the spec, then each file's hash and, by dataset and split, scores; meant to run where limits hold.

    Before each file it yields its path.
    """
    root, opened = Path(folder), Mix(mix)
    yield {"spec": read_submission(root / SUBMISSION_FILE).model_dump(mode="json")}
    files = [file for file in find_predictions(root / PREDICTIONS_DIR, opened) if str(file.split) in splits]
    states = {file.path: _state(file.path) for file in files}
    for file in files:
        yield str(file.path)
        with file.path.open("rb") as stream:
            digest = hashlib.file_digest(stream, "sha256").hexdigest()
            hashed = HashedFile(file.path.relative_to(root).as_posix(), digest, stream.tell())
        yield {"file": asdict(hashed)}
    for _, group in groupby(files, key=lambda file: (file.dataset, file.split)):
        seeds, means = yield from group_steps(list(group), opened, replicates=replicates)
        several = replace(seeds, table=seeds.table.filter(pl.col("task").is_null()))
        table = Scores.concat([several, replace(means, replicates=None)])
        every = np.empty((means.table.height, 0)) if means.replicates is None else means.replicates
        found = every[_is_macro(means.table).to_numpy()]
        # JSON has no NaN.
        numbers = np.where(np.isnan(found), np.array(None), found.astype(object))
        yield {"scores": table.to_records(), "replicates": numbers.tolist()}
    for path, state in states.items():
        if _state(path) != state:
            fix = "score it again when nothing writes to it"
            raise SubmissionError(str(path), found="a file that changed meanwhile", expected="one that stays", fix=fix)


def _state(path: Path) -> tuple[int, ...]:
    """Returns what changes when a file is written or another takes its place: the hash is of what was scored."""
    found = path.stat()
    return found.st_dev, found.st_ino, found.st_size, found.st_mtime_ns, found.st_ctime_ns


def mix_items(folder: str) -> Iterator[str]:
    """Yields the mix that `submission.yaml` names, or nothing; meant to run where limits hold."""
    try:
        data = read_submission_data(Path(folder) / SUBMISSION_FILE)
    except MolmixError:
        # The check says what is wrong with it.
        return
    predicts = data.get("predicts")
    name = predicts.get("name") if isinstance(predicts, dict) else None
    if isinstance(name, str):
        yield name[:100]


def _is_macro(table: pl.DataFrame) -> pl.Series:
    return table["seed"].is_null() & (table["aggregation"] == str(Aggregation.MACRO))


def _scored(item: Any, mix: Mix, splits: Sequence[Split], *, replicates: int) -> tuple[Scores, Scores]:
    """Returns the scores of one dataset and split, and those of `macro` with their replicates.

    Raises:
        UsageError, TypeError, ValueError: they are of something else than the mix and the protocol have.
    """
    scores = scores_of(item["scores"], mix, splits)
    macros = scores.table.filter(_is_macro(scores.table))
    found: FloatArray = np.array(item["replicates"], dtype=np.float64).reshape(macros.height, replicates)
    return scores, Scores(macros, scores.excluded, replicates=found)
