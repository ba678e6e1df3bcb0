"""The steps of checking a submission, one after the other; meant to run where limits hold.

Everything is checked against everything: what `submission.yaml` says, the files that are there, and the mix.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from functools import cached_property
from itertools import groupby, islice
from pathlib import Path
from typing import Any

import polars as pl

from molmix_bench.errors import SpecError, SubmissionError, UsageError
from molmix_bench.metrics.align import align
from molmix_bench.metrics.reference import Reference, read_reference
from molmix_bench.mix import Dataset, Mix
from molmix_bench.specs.base import MAX_SPEC_BYTES, nearest, spec_problems
from molmix_bench.specs.submission import (
    FILL_IN,
    SUBMISSION_FILE,
    Declared,
    SubmissionSpec,
    declared,
    read_submission_data,
)
from molmix_bench.submissions.folder import PredictionFile, list_predictions
from molmix_bench.submissions.format import read_predictions
from molmix_bench.submissions.lists import PredictionShape
from molmix_bench.submissions.screen import is_right_throughout, read_molecules
from molmix_bench.vocab import Level, Split

PREDICTIONS_DIR = "predictions"
RUN_FILE = "run.yaml"
"""May lie beside the predictions: the spec of the run that made them."""
ATOMS_PER_MOLECULE = 64
"""For sizes at node level; most molecules have fewer."""
_MAX_FILES = 1_000
"""Of predictions, read one by one; LargeMix with 20 seeds in three splits has 300."""

Item = dict[str, str | int]


def check_steps(folder: str, mix: str, skip: Collection[str], part: int = 0, num_parts: int = 1) -> Iterator[Item]:
    """Yields `step` and its `order` as each step begins; for each problem its `where`, `found`, `expected` and `fix`.

    Args:
        folder: of the submission.
        mix: the directory of the mix that is predicted.
        skip: names of steps to leave out.
        part: which share of the prediction files is read; the first also has all that is not in them.
        num_parts: shares in which they are read side by side, by as many calls.
    """
    root, opened = Path(folder), Mix(mix)
    predictions = root / PREDICTIONS_DIR
    if part == 0:
        yield from _check_around(root, opened, skip)
    files = () if predictions.is_symlink() else list_predictions(predictions, opened)[0][:_MAX_FILES]
    order = {file: number for number, file in enumerate(files, 1)}
    for (dataset, split), group in _share(files, opened, part=part, num_parts=num_parts):
        wanted = [file for file in group if _step_of(file, root) not in skip]
        if wanted:
            labels = _Labels(opened, opened.datasets[dataset], split)
            for file in wanted:
                yield {"step": _step_of(file, root), "order": order[file]}
                yield from _check_file(file, labels, root=root)


def _check_around(root: Path, mix: Mix, skip: Collection[str]) -> Iterator[Item]:
    """Does the steps that read no predictions."""
    yield {"step": ".", "order": 0}
    yield from _strange_entries(root)
    spec = None
    if SUBMISSION_FILE not in skip:
        yield {"step": SUBMISSION_FILE, "order": 0}
        data, problems = _read_yaml(root)
        yield from problems
        spec = declared(data)
        yield from _mix_problems(spec, mix) if spec else ()
    yield {"step": PREDICTIONS_DIR, "order": 0}
    predictions = root / PREDICTIONS_DIR
    if predictions.is_symlink():
        yield _problem(PREDICTIONS_DIR, "a link", "a folder", "copy the files themselves")
        return
    files, sentences = list_predictions(predictions, mix)
    for sentence in sentences:
        fix = f"move or delete it; files lie at {PREDICTIONS_DIR}/<dataset>/<split>/seed=<k>.parquet"
        yield _problem(PREDICTIONS_DIR, sentence, f"nothing but predictions for mix {mix.name}", fix)
    yield from _missing(files, mix, spec)
    if len(files) > _MAX_FILES:
        yield _problem(PREDICTIONS_DIR, f"{len(files):,} files", f"at most {_MAX_FILES:,}", "submit fewer seeds")


Group = tuple[tuple[str, Split], list[PredictionFile]]


def _share(files: Sequence[PredictionFile], mix: Mix, *, part: int, num_parts: int) -> list[Group]:
    """Returns the files of one part, by dataset and split: the largest first to the part that has least so far."""
    grouped = groupby(files, key=lambda file: (file.dataset, file.split))
    groups = [(key, list(group)) for key, group in grouped]
    sizes = [len(group) * num_values(mix.datasets[dataset], split) for (dataset, split), group in groups]
    taken, owner = [0] * num_parts, [0] * len(groups)
    for index in sorted(range(len(groups)), key=lambda index: -sizes[index]):
        owner[index] = taken.index(min(taken))
        taken[owner[index]] += sizes[index]
    return [group for index, group in enumerate(groups) if owner[index] == part]


def num_values(dataset: Dataset, split: Split) -> int:
    """Returns how many predictions one file holds, at node level about."""
    each = len(dataset.tasks) * (dataset.num_classes or 1)
    return dataset.splits.get(split, 0) * each * (ATOMS_PER_MOLECULE if dataset.level is Level.NODE else 1)


def _step_of(file: PredictionFile, root: Path) -> str:
    return file.path.relative_to(root).as_posix()


def _problem(where: str, found: str, expected: str, fix: str) -> Item:
    return {"where": where, "found": found, "expected": expected, "fix": fix}


def _strange_entries(root: Path) -> Iterator[Item]:
    known = {SUBMISSION_FILE, PREDICTIONS_DIR, RUN_FILE}
    names = sorted(path.name for path in islice(root.iterdir(), 100))
    for name in names:
        if name not in known:
            found = f"{name!r:.80}{nearest(name, known)}"
            yield _problem(".", found, f"{', '.join(sorted(known))} and nothing else", "delete it")
    run = root / RUN_FILE
    if run.is_symlink() or (run.exists() and not (run.is_file() and run.stat().st_size <= MAX_SPEC_BYTES)):
        yield _problem(RUN_FILE, "a link, a folder or a large file", f"at most {MAX_SPEC_BYTES:,} bytes", "copy it")


def _read_yaml(root: Path) -> tuple[dict[str, Any], list[Item]]:
    """Returns what `submission.yaml` holds and all that is wrong with it."""
    path = root / SUBMISSION_FILE
    try:
        data = read_submission_data(path)
    except (SpecError, UsageError) as error:
        fix = "`molmix-bench submit --init RUN` writes one" if isinstance(error, UsageError) else error.fix
        return {}, [_problem(SUBMISSION_FILE, error.found, error.expected or "plain YAML", fix or "correct the file")]
    problems = []
    wrong = spec_problems(SubmissionSpec, data)
    parents = {".".join(parts[:depth]) for parts in (key.split(".") for key in wrong) for depth in range(1, len(parts))}
    for key, text in wrong.items():
        if key in parents:
            continue  # pydantic says of a list whose items are wrong that it is too short
        fix = f"replace the text from {FILL_IN} on" if "still to be filled in" in text else "correct the key"
        # The text may quote the file, which can hold anything.
        shown = "".join(letter if letter.isprintable() else "?" for letter in text)[:600]
        problems.append(_problem(f"{SUBMISSION_FILE} {key:.100}".strip(), shown, "as its JSON schema says", fix))
    return data, problems


def _mix_problems(spec: Declared, mix: Mix) -> Iterator[Item]:
    """Yields what `predicts` says of the mix that is not so."""
    given, where = spec.predicts, f"{SUBMISSION_FILE} predicts"
    facts = [("name", given.name, mix.name), ("version", given.version, mix.version)]
    if given.build_key is not None:
        facts.append(("build_key", given.build_key, mix.manifest.build_key))
    for key, found, expected in facts:
        if found != expected:
            fix = "check against that mix, or predict this one: `molmix-bench predict RUN --mix MIX --out DIR`"
            yield _problem(f"{where}.{key}", found, f"{expected}, as in {mix.path}", fix)
    for name in given.datasets:
        if name not in mix.datasets:
            found = f"no dataset of {mix.name}: {name!r}{nearest(name, mix.datasets)}"
            yield _problem(f"{where}.datasets", found, f"among {', '.join(mix.datasets)}", "correct or remove the name")


def _missing(files: tuple[PredictionFile, ...], mix: Mix, spec: Declared | None) -> Iterator[Item]:
    """Yields each file that is missing or not declared; all of the mix's test split where nothing is declared."""
    present: dict[tuple[str, Split], set[int]] = {}
    for file in files:
        present.setdefault((file.dataset, file.split), set()).add(file.seed)
    datasets = [name for name in (spec.predicts.datasets if spec else mix.datasets) if name in mix.datasets]
    splits = spec.predicts.splits if spec else (Split.TEST,)
    seeds = set(spec.seeds) if spec else set().union(*present.values())
    wanted = {(name, split) for name in datasets for split in splits if split in mix.datasets[name].splits}
    for name, split in sorted(wanted - set(present)):
        place = f"{PREDICTIONS_DIR}/{name}/{split}"
        fix = f"predict it, or leave {name} out of predicts.datasets or {split} out of predicts.splits"
        yield _problem(place, "no file", f"one per seed: {_numbers(seeds) or 'none found'}", fix)
    for (name, split), found in present.items():
        place = f"{PREDICTIONS_DIR}/{name}/{split}"
        if spec and (name, split) not in wanted:
            expected = f"datasets {', '.join(datasets)} in splits {', '.join(splits)}, as predicts says"
            yield _problem(place, "files that are not declared", expected, "name it in predicts, or delete the files")
        elif found != seeds:
            lacking, strange = _numbers(seeds - found), _numbers(found - seeds)
            parts = [f"no seed {lacking}" if lacking else "", f"seed {strange} besides" if strange else ""]
            fix = "list in submission.yaml the seeds that have files, in every dataset and split the same"
            yield _problem(place, " and ".join(filter(None, parts)), f"seeds {_numbers(seeds)}", fix)


def _numbers(seeds: set[int]) -> str:
    return ", ".join(map(str, sorted(seeds)))


class _Labels:
    """What the files of one dataset and split are compared with, read when it is first needed."""

    def __init__(self, mix: Mix, dataset: Dataset, split: Split) -> None:
        self.mix, self.dataset, self.split = mix, dataset, split

    @cached_property
    def molecules(self) -> pl.DataFrame:
        """As `screen.read_molecules` returns them."""
        return read_molecules(self.mix, self.dataset.name, self.split)

    @cached_property
    def reference(self) -> Reference:
        """As `read_reference` returns it."""
        return read_reference(self.mix, self.dataset.name, self.split)


def _check_file(file: PredictionFile, labels: _Labels, *, root: Path) -> Iterator[Item]:
    dataset, where = labels.dataset, _step_of(file, root)
    shape = PredictionShape(dataset.level, len(dataset.tasks), dataset.num_classes)
    fix = "write the file as `molmix_bench.metrics.predictions.write_predictions` does"
    try:
        if is_right_throughout(file.path, dataset, shape, labels.molecules):
            return
        given = read_predictions(file.path, shape)
        fix = f"predict every molecule of {file.dataset}/{file.split} as it stands in the mix, and nothing else"
        align(
            labels.reference,
            mol_id=given.mol_id,
            prediction=given.values,
            num_nodes=given.num_nodes,
            where=str(file.path),
        )
    except SubmissionError as error:
        place = error.where.replace(str(file.path), where)
        yield _problem(place, error.found, error.expected or "predictions as the protocol asks", error.fix or fix)
