"""Scores of a folder of prediction files."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import groupby, islice
from pathlib import Path

from molmix_bench.errors import SubmissionError, UsageError
from molmix_bench.metrics.compare import Comparison, differences
from molmix_bench.metrics.compare import compare as compare_scores
from molmix_bench.metrics.evaluate import evaluate_reference
from molmix_bench.metrics.protocol import REPLICATES
from molmix_bench.metrics.reference import Reference, read_reference
from molmix_bench.metrics.scores import Scores
from molmix_bench.mix import Mix
from molmix_bench.specs.base import nearest
from molmix_bench.submissions.format import read_predictions
from molmix_bench.submissions.lists import PredictionShape
from molmix_bench.vocab import SPLITS, Split

MAX_ENTRIES = 1_000
"""Names read from any one folder: many more than a mix has datasets, or a submission seeds."""
_NUM_SHOWN = 20
_FILE_NAME = re.compile(r"seed=(0|[1-9][0-9]{0,8})\.parquet")


@dataclass(frozen=True, slots=True)
class PredictionFile:
    """One file of a folder of predictions."""

    path: Path
    dataset: str
    split: Split
    seed: int


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
    seeds, means = [], []
    for (dataset, split), group in groupby(files, key=lambda file: (file.dataset, file.split)):
        reference = read_reference(mix, dataset, split, replicates=replicates)
        scores = Scores.concat(_score_file(file, reference, mix) for file in group)
        means.append(scores.over_seeds())
        seeds.append(replace(scores, replicates=None))
    return replace(Scores.concat(seeds), not_submitted=_not_submitted(files, mix)), Scores.concat(means)


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


def find_predictions(folder: Path, mix: Mix) -> tuple[PredictionFile, ...]:
    """Returns a folder's prediction files: datasets in the mix's order, splits in theirs, seeds increasing.

    Raises:
        SubmissionError: naming everything in the folder that is not in its place, and splits in which one dataset
            has other seeds than another.
    """
    found = list(_walk(folder, mix))
    files = [item for item in found if isinstance(item, PredictionFile)]
    problems = [item for item in found if isinstance(item, str)] + _seed_problems(files)
    if problems:
        rest = f"; and {len(problems) - _NUM_SHOWN:,} more" if len(problems) > _NUM_SHOWN else ""
        expected = (
            f"nothing but <dataset>/<split>/seed=<k>.parquet for mix {mix.name}, the same seeds throughout a split"
        )
        raise SubmissionError(str(folder), found="; ".join(problems[:_NUM_SHOWN]) + rest, expected=expected)
    order = {name: index for index, name in enumerate(mix.datasets)}
    return tuple(sorted(files, key=lambda file: (order[file.dataset], SPLITS.index(file.split), file.seed)))


def _walk(folder: Path, mix: Mix) -> Iterator[PredictionFile | str]:
    """Yields the prediction files of a folder, and a sentence for everything else in it."""
    for dataset in _entries(folder):
        if dataset.name not in mix.datasets:
            yield f"{dataset.name!r:.80} is no dataset{nearest(dataset.name, mix.datasets)}"
            continue
        for split in _entries(dataset):
            place = f"{dataset.name}/{split.name}"
            splits = mix.datasets[dataset.name].splits
            if split.name not in splits:
                yield f"{place!r:.80} is no split of {dataset.name}{nearest(split.name, map(str, splits))}"
                continue
            for file in _entries(split):
                if match := _FILE_NAME.fullmatch(file.name):
                    yield PredictionFile(file, dataset.name, Split(split.name), int(match[1]))
                else:
                    yield f"{place + '/' + file.name!r:.120} is no seed=<k>.parquet"


def _entries(folder: Path) -> list[Path]:
    """Returns what a folder holds, sorted.

    Raises:
        SubmissionError: it is no folder, empty, holds a link, or too much to be one of ours.
    """
    if not folder.is_dir():
        raise SubmissionError(str(folder), found="no folder", expected="one with predictions")
    with os.scandir(folder) as entries:
        found = {entry.name: entry.is_symlink() for entry in islice(entries, MAX_ENTRIES + 1)}
    if not found:
        raise SubmissionError(str(folder), found="an empty folder", expected="one with predictions")
    if len(found) > MAX_ENTRIES:
        raise SubmissionError(str(folder), found=f"over {MAX_ENTRIES:,} files", expected=f"at most {MAX_ENTRIES:,}")
    if links := sorted(name for name, is_link in found.items() if is_link):
        raise SubmissionError(str(folder / links[0]), found="a link", expected="a file or folder of its own")
    return [folder / name for name in sorted(found)]


def _seed_problems(files: list[PredictionFile]) -> list[str]:
    """Returns a sentence for each split whose datasets have not all the same seeds."""
    problems = []
    for split in SPLITS:
        seeds: dict[str, list[int]] = {}
        for file in files:
            if file.split is split:
                seeds.setdefault(file.dataset, []).append(file.seed)
        if len({tuple(sorted(numbers)) for numbers in seeds.values()}) > 1:
            shown = ", ".join(f"{name}: {sorted(numbers)}" for name, numbers in seeds.items())
            problems.append(f"seeds differ within split {split} ({shown})")
    return problems


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
