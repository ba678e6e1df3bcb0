"""The prediction files of a folder: where they have to lie, and what else lies there."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

from molmix_bench.errors import SubmissionError
from molmix_bench.mix import Mix
from molmix_bench.specs.base import nearest
from molmix_bench.specs.submission import MAX_SEEDS
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


def find_predictions(folder: Path, mix: Mix) -> tuple[PredictionFile, ...]:
    """Returns a folder's prediction files: datasets in the mix's order, splits in theirs, seeds increasing.

    Raises:
        SubmissionError: naming everything in the folder that is not in its place, and splits in which one dataset
            has other seeds than another.
    """
    files, problems = list_predictions(folder, mix)
    if problems:
        rest = f"; and {len(problems) - _NUM_SHOWN:,} more" if len(problems) > _NUM_SHOWN else ""
        expected = (
            f"nothing but <dataset>/<split>/seed=<k>.parquet for mix {mix.name}, the same seeds throughout a split"
        )
        raise SubmissionError(str(folder), found="; ".join(problems[:_NUM_SHOWN]) + rest, expected=expected)
    return files


def list_predictions(folder: Path, mix: Mix) -> tuple[tuple[PredictionFile, ...], list[str]]:
    """Returns a folder's prediction files as `find_predictions`, and a sentence for each thing that is wrong in it."""
    found = list(_walk(folder, mix))
    files = [item for item in found if isinstance(item, PredictionFile)]
    problems = [item for item in found if isinstance(item, str)] + _seed_problems(files)
    order = {name: index for index, name in enumerate(mix.datasets)}
    files.sort(key=lambda file: (order[file.dataset], SPLITS.index(file.split), file.seed))
    return tuple(files), problems


def _walk(folder: Path, mix: Mix) -> Iterator[PredictionFile | str]:
    """Yields the prediction files of a folder, and a sentence for everything else in it."""
    for dataset in _entries(folder, ""):
        if isinstance(dataset, str):
            yield dataset
        elif dataset.name not in mix.datasets:
            yield f"{dataset.name!r:.80} is no dataset{nearest(dataset.name, mix.datasets)}"
        else:
            yield from _walk_dataset(dataset, mix.datasets[dataset.name].splits)


def _walk_dataset(folder: Path, splits: Mapping[Split, int]) -> Iterator[PredictionFile | str]:
    for split in _entries(folder, f"{folder.name}/"):
        if isinstance(split, str):
            yield split
            continue
        place = f"{folder.name}/{split.name}"
        if split.name not in splits:
            yield f"{place!r:.80} is no split of {folder.name}{nearest(split.name, map(str, splits))}"
            continue
        files = list(_entries(split, f"{place}/"))
        if len(files) > MAX_SEEDS:
            yield f"{place} holds {len(files):,} files, more than {MAX_SEEDS} seeds"
        for file in files[:MAX_SEEDS]:
            if isinstance(file, str):
                yield file
            elif match := _FILE_NAME.fullmatch(file.name):
                yield PredictionFile(file, folder.name, Split(split.name), int(match[1]))
            else:
                yield f"{place + '/' + file.name!r:.120} is no seed=<k>.parquet"


def _entries(folder: Path, place: str) -> Iterator[Path | str]:
    """Yields what a folder holds, sorted; a sentence where it is no folder, empty, too full, or holds a link."""
    name = place.rstrip("/") or "it"
    if not folder.is_dir():
        yield f"{name} is no folder"
        return
    with os.scandir(folder) as entries:
        found = {entry.name: entry.is_symlink() for entry in islice(entries, MAX_ENTRIES + 1)}
    if not found:
        yield f"{name} is an empty folder"
    elif len(found) > MAX_ENTRIES:
        yield f"{name} holds over {MAX_ENTRIES:,} files"
    else:
        for entry_name in sorted(found):
            yield f"{place + entry_name!r:.120} is a link" if found[entry_name] else folder / entry_name


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
