"""Scores of a folder of prediction files.

`score` and `compare` read in this process, as suits one's own predictions; those of others are read by `apart`.
"""

from __future__ import annotations

from collections.abc import Generator, Sequence
from dataclasses import replace
from itertools import groupby
from pathlib import Path
from typing import TypeVar

from molmix_bench.errors import UsageError
from molmix_bench.metrics.compare import Comparison, differences, only_macro
from molmix_bench.metrics.compare import compare as compare_scores
from molmix_bench.metrics.evaluate import evaluate_reference
from molmix_bench.metrics.protocol import REPLICATES
from molmix_bench.metrics.reference import Reference, read_reference
from molmix_bench.metrics.scores import Scores
from molmix_bench.mix import Mix
from molmix_bench.submissions.folder import PredictionFile, find_predictions
from molmix_bench.submissions.format import read_predictions
from molmix_bench.submissions.lists import PredictionShape

Result = TypeVar("Result")
Steps = Generator[str, None, Result]
"""Yields the path of each file before it is read, and returns the result."""


def score(
    predictions: str | Path, mix: Mix, *, replicates: int = REPLICATES, against: str | Path | None = None
) -> Scores:
    """Returns the scores of every prediction file in a folder: each seed's, then their mean and standard deviation.

    Args:
        predictions: a folder of `<dataset>/<split>/seed=<k>.parquet`, and of nothing else.
        mix: the labels.
        replicates: of the bootstrap that gives the intervals; 0 for none.
        against: another such folder; what both predict is compared, the means over seeds with paired intervals.

    Raises:
        SubmissionError: the folder holds something else, or a file cannot be scored; the error names it.
        UsageError: both folders have nothing in common to compare, or the number of replicates is not possible.
    """
    return result_of(score_steps(predictions, mix, replicates=replicates, against=against))


def compare(folders: Sequence[str | Path], mix: Mix, *, replicates: int = REPLICATES) -> Comparison:
    """Returns the ranks of several folders of predictions, named as they are given, and their differences.

    Args:
        folders: two or more.
        mix: the labels.
        replicates: of the bootstrap; without it there are no ranks.

    Raises:
        SubmissionError: as `score`.
        UsageError: there is one folder only, or the same twice, or no replicate.
    """
    return result_of(compare_steps(folders, mix, replicates=replicates))


def score_steps(
    predictions: str | Path, mix: Mix, *, replicates: int, against: str | Path | None = None
) -> Steps[Scores]:
    """As `score`, file by file."""
    seeds, means = yield from means_steps(predictions, mix, replicates=replicates)
    scores = Scores.concat([seeds, replace(means, replicates=None)])
    if against is None:
        return scores
    _, others = yield from means_steps(against, mix, replicates=replicates)
    compared = differences(means, others, names=(str(predictions), str(against)))
    if compared.is_empty():
        expected = f"predictions for a dataset and split that {predictions} has too"
        raise UsageError("--against", found=f"nothing in {against} to compare with", expected=expected)
    return replace(scores, differences=compared)


def compare_steps(folders: Sequence[str | Path], mix: Mix, *, replicates: int) -> Steps[Comparison]:
    """As `compare`, file by file."""
    names = [str(folder) for folder in folders]
    if len(names) < 2 or len(set(names)) < len(names):  # noqa: PLR2004  # a model and another
        raise UsageError("compare", found=", ".join(names) or "nothing", expected="two or more different folders")
    if replicates == 0:
        raise UsageError("replicates", found="0", expected="1 or more", fix="ranks follow from intervals")
    macros = {}
    for name in names:
        _, means = yield from means_steps(name, mix, replicates=replicates)
        # Replicates of each task would take gigabytes for a few dozen folders.
        macros[name] = only_macro(means)
    return compare_scores(macros)


def means_steps(predictions: str | Path, mix: Mix, *, replicates: int) -> Steps[tuple[Scores, Scores]]:
    """Returns the scores of every seed, and their means over seeds; only these with their replicates.

    Those of single seeds would be as many times larger as there are seeds.
    """
    files = find_predictions(Path(predictions), mix)
    pairs = []
    for _, group in groupby(files, key=lambda file: (file.dataset, file.split)):
        pairs.append((yield from group_steps(list(group), mix, replicates=replicates)))
    seeds = Scores.concat(of_seeds for of_seeds, _ in pairs)
    return replace(seeds, not_submitted=_not_submitted(files, mix)), Scores.concat(means for _, means in pairs)


def group_steps(files: Sequence[PredictionFile], mix: Mix, *, replicates: int) -> Steps[tuple[Scores, Scores]]:
    """Returns what `means_steps` returns for the files of one dataset and split.

    Raises:
        SubmissionError: a file cannot be scored; the error names it.
    """
    reference = read_reference(mix, files[0].dataset, files[0].split, replicates=replicates)
    parts = []
    for file in files:
        yield str(file.path)
        parts.append(_score_file(file, reference, mix))
    scores = Scores.concat(parts)
    return replace(scores, replicates=None), scores.over_seeds()


def result_of(steps: Steps[Result]) -> Result:
    """Returns what steps return, done one after the other."""
    while True:
        try:
            next(steps)
        except StopIteration as end:
            result: Result = end.value
            return result


def _score_file(file: PredictionFile, reference: Reference, mix: Mix) -> Scores:
    entry = mix.datasets[file.dataset]
    given = read_predictions(file.path, PredictionShape(entry.level, len(entry.tasks), entry.num_classes))
    return evaluate_reference(
        reference,
        mol_id=given.mol_id,
        prediction=given.values,
        num_nodes=given.num_nodes,
        seed=file.seed,
        where=str(file.path),
    )


def _not_submitted(files: tuple[PredictionFile, ...], mix: Mix) -> tuple[str, ...]:
    """Returns `<dataset>/<split>` for all that the mix has in the splits predicted, and the folder has not."""
    given = {(file.dataset, file.split) for file in files}
    splits = {split for _, split in given}
    return tuple(
        f"{name}/{split}"
        for name, dataset in mix.datasets.items()
        for split in dataset.splits
        if split in splits and (name, split) not in given
    )
