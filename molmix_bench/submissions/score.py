"""Scores of a folder of prediction files."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import groupby
from pathlib import Path

from molmix_bench.errors import UsageError
from molmix_bench.metrics.compare import Comparison, differences
from molmix_bench.metrics.compare import compare as compare_scores
from molmix_bench.metrics.evaluate import evaluate_reference
from molmix_bench.metrics.protocol import REPLICATES
from molmix_bench.metrics.reference import Reference, read_reference
from molmix_bench.metrics.scores import Scores
from molmix_bench.mix import Mix
from molmix_bench.submissions.folder import PredictionFile, find_predictions
from molmix_bench.submissions.format import read_predictions
from molmix_bench.submissions.lists import PredictionShape


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
    seeds, means = score_means(predictions, mix, replicates=replicates)
    scores = Scores.concat([seeds, replace(means, replicates=None)])
    if against is None:
        return scores
    _, others = score_means(against, mix, replicates=replicates)
    compared = differences(means, others, names=(str(predictions), str(against)))
    if compared.is_empty():
        expected = f"predictions for a dataset and split that {predictions} has too"
        raise UsageError("--against", found=f"nothing in {against} to compare with", expected=expected)
    return replace(scores, differences=compared)


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
    names = [str(folder) for folder in folders]
    if len(names) < 2 or len(set(names)) < len(names):  # noqa: PLR2004  # a model and another
        raise UsageError("compare", found=", ".join(names) or "nothing", expected="two or more different folders")
    if replicates == 0:
        raise UsageError("replicates", found="0", expected="1 or more", fix="ranks follow from intervals")
    return compare_scores({name: score_means(name, mix, replicates=replicates)[1] for name in names})


def score_means(predictions: str | Path, mix: Mix, *, replicates: int) -> tuple[Scores, Scores]:
    """Returns the scores of every seed, and their means over seeds; only these with their replicates.

    Those of single seeds would be as many times larger as there are seeds.
    """
    files = find_predictions(Path(predictions), mix)
    pairs = list(score_each(files, mix, replicates=replicates))
    seeds = Scores.concat(of_seeds for of_seeds, _ in pairs)
    return replace(seeds, not_submitted=_not_submitted(files, mix)), Scores.concat(means for _, means in pairs)


def score_each(files: Sequence[PredictionFile], mix: Mix, *, replicates: int) -> Iterator[tuple[Scores, Scores]]:
    """Yields what `score_means` returns for each dataset and split; the files of one stand together.

    Raises:
        SubmissionError: a file cannot be scored; the error names it.
    """
    for (dataset, split), group in groupby(files, key=lambda file: (file.dataset, file.split)):
        reference = read_reference(mix, dataset, split, replicates=replicates)
        scores = Scores.concat(_score_file(file, reference, mix) for file in group)
        yield replace(scores, replicates=None), scores.over_seeds()


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
