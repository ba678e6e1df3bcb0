"""Folds of a few hundred or thousand molecules: which are trained on, which validated on, which tested.

`scaffold` with one fold is the field's standard rule, that of DeepChem and of most papers since MoleculeNet (Wu et al.,
2018): molecules of one Bemis-Murcko scaffold stay together, those without rings being of one scaffold, the empty one;
the scaffolds with the most molecules are taken first, of equally many those whose first molecule comes last; each goes
to train where it fits there, else to validation where it fits there, else to test. It knows no chance.

`scaffold` with several folds has no standard. Here each scaffold, from the one with the most molecules on, goes to the
fold that has the fewest; molecules without rings are scaffolds of their own, as in a mix's splits by scaffold. Each
fold is tested once, and validation is made of whole scaffolds, drawn from the rest.

`random` shuffles molecules. `column` takes train, validation and test from the data, or numbers of folds; where it has
no validation, that is drawn from the rest.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from molmix_bench.chem.scaffold import scaffold_group, scaffold_smiles
from molmix_bench.errors import SourceError
from molmix_bench.graphs.order import generator, shuffled
from molmix_bench.metrics.cells import IntArray
from molmix_bench.specs.finetune import FoldsSpec
from molmix_bench.transfer.measurements import Measurements
from molmix_bench.vocab import Split

_PARTS = {
    **dict.fromkeys(("train", "training"), Split.TRAIN),
    **dict.fromkeys(("validation", "valid", "val", "dev"), Split.VALIDATION),
    **dict.fromkeys(("test", "testing"), Split.TEST),
}
_MAX_FOLDS = 100
_LIMIT = 1 << 20
"""Added to a fold's number where a limit is drawn, so that it draws other numbers than validation does."""


@dataclass(frozen=True, slots=True, eq=False)
class Fold:
    """One way to take the molecules apart; numbers of molecules, increasing.

    Shapes:
        train, validation, test: (n,) int64 each, none in two of them.
    """

    train: IntArray
    validation: IntArray
    test: IntArray


def make_folds(found: Measurements, spec: FoldsSpec) -> tuple[Fold, ...]:
    """Returns the folds of some measurements, the same for the same molecules and spec.

    Raises:
        SourceError: a part has no molecule, or the split column does not say what it should.
    """
    if spec.split == "column":
        folds = _by_column(found, spec)
    elif spec.folds == 1:
        folds = (_single(found, spec),)
    else:
        folds = _several(found, spec)
    folds = tuple(_limited(fold, spec, number) for number, fold in enumerate(folds))
    for number, fold in enumerate(folds):
        for part in ("train", "validation", "test"):
            if not len(getattr(fold, part)):
                raise SourceError(
                    f"{found.name}, fold {number}",
                    found=f"no molecule to {part.replace('validation', 'validate')} on",
                    expected="some in each of train, validation and test",
                    fix="use fewer folds, another split, or more measurements",
                )
    return folds


def standard_scaffold_split(scaffolds: Sequence[str], *, validation: float, test: float) -> Fold:
    """Returns the field's standard scaffold split; see the top of this file.

    Args:
        scaffolds: of each molecule.
        validation: share of the molecules.
        test: likewise.

    >>> fold = standard_scaffold_split(["a", "b", "a", "c", "b", "a", "d", "e", "f", "g"], validation=0.2, test=0.2)
    >>> fold.train.tolist(), fold.validation.tolist(), fold.test.tolist()
    ([0, 1, 2, 4, 5, 9], [7, 8], [3, 6])
    """
    groups = sorted(_groups(scaffolds), key=lambda group: (len(group), group[0]), reverse=True)
    num_train = (1 - validation - test) * len(scaffolds)
    num_before_test = (1 - test) * len(scaffolds)
    parts: dict[Split, list[int]] = {Split.TRAIN: [], Split.VALIDATION: [], Split.TEST: []}
    for group in groups:
        fits_train = len(parts[Split.TRAIN]) + len(group) <= num_train
        before = len(parts[Split.TRAIN]) + len(parts[Split.VALIDATION])
        fits_validation = before + len(group) <= num_before_test
        part = Split.TRAIN if fits_train else Split.VALIDATION if fits_validation else Split.TEST
        parts[part] += group
    return Fold(*(_sorted(parts[part]) for part in (Split.TRAIN, Split.VALIDATION, Split.TEST)))


def _single(found: Measurements, spec: FoldsSpec) -> Fold:
    if spec.split == "scaffold":
        scaffolds = [scaffold_smiles(smiles) for smiles in found.smiles]
        return standard_scaffold_split(scaffolds, validation=spec.validation, test=spec.test)
    order = shuffled(len(found), generator(spec.seed, 0)).tolist()
    num_test, num_validation = round(spec.test * len(found)), round(spec.validation * len(found))
    end = len(order) - num_test
    return Fold(
        _sorted(order[: end - num_validation]), _sorted(order[end - num_validation : end]), _sorted(order[end:])
    )


def _several(found: Measurements, spec: FoldsSpec) -> tuple[Fold, ...]:
    """Returns the folds of a cross-validation, by groups that stay together."""
    if spec.split == "scaffold":
        groups = _groups([scaffold_group(molecule.smiles, molecule.mol_id) for molecule in found.molecules])
        by_size = sorted(groups, key=lambda group: (-len(group), group[0]))
    else:
        by_size = [[molecule] for molecule in shuffled(len(found), generator(spec.seed, 0)).tolist()]
    tests: list[list[int]] = [[] for _ in range(spec.folds)]
    owners: list[list[list[int]]] = [[] for _ in range(spec.folds)]
    for group in by_size:
        smallest = min(range(spec.folds), key=lambda fold: (len(tests[fold]), fold))
        tests[smallest] += group
        owners[smallest].append(group)
    folds = []
    for number, test in enumerate(tests):
        rest = [group for fold in range(spec.folds) if fold != number for group in owners[fold]]
        train, validation = _draw_validation(rest, spec, number, total=len(found))
        folds.append(Fold(train, validation, _sorted(test)))
    return tuple(folds)


def _draw_validation(
    groups: Sequence[Sequence[int]], spec: FoldsSpec, number: int, *, total: int
) -> tuple[IntArray, IntArray]:
    """Returns the rest and a validation part of whole groups, as large as the spec says or a little less."""
    wanted = max(1, round(spec.validation * total))
    order = shuffled(len(groups), generator(spec.seed, number + 1)).tolist()
    chosen: list[int] = []
    for place in order:
        if len(chosen) + len(groups[place]) <= wanted:
            chosen += groups[place]
    if not chosen and len(groups) > 1:
        chosen += min((len(group), group[0], list(group)) for group in groups)[2]
    taken = set(chosen)
    rest = [molecule for group in groups for molecule in group if molecule not in taken]
    return _sorted(rest), _sorted(chosen)


def _by_column(found: Measurements, spec: FoldsSpec) -> tuple[Fold, ...]:
    texts = [_whole(text.lower()) for text in found.groups or ()]
    names = sorted(set(texts))
    molecules = np.arange(len(texts))
    if names and all(name in _PARTS for name in names):
        parts = np.array([_PARTS[text] for text in texts])
        train, validation, test = (molecules[parts == part] for part in (Split.TRAIN, Split.VALIDATION, Split.TEST))
        if not len(validation):
            train, validation = _draw_validation([[item] for item in train.tolist()], spec, 0, total=len(found))
        return (Fold(train, validation, test),)
    if names and all(name.isdecimal() for name in names) and 1 < len(names) <= _MAX_FOLDS:
        folds = []
        for number, name in enumerate(sorted(names, key=int)):
            is_test = np.array([text == name for text in texts])
            rest = [[item] for item in molecules[~is_test].tolist()]
            train, validation = _draw_validation(rest, spec, number, total=len(found))
            folds.append(Fold(train, validation, molecules[is_test]))
        return tuple(folds)
    shown = ", ".join(repr(name) for name in names[:8]) + (", ..." if len(names) > 8 else "")  # noqa: PLR2004  # as shown
    raise SourceError(
        f"{found.name}, column {spec.column!r}",
        found=f"{len(names):,} different values ({shown})",
        expected=f"train, validation and test, or numbers of 2 to {_MAX_FOLDS} folds",
        fix="correct the column, or split by scaffold or at random",
    )


def _whole(text: str) -> str:
    """Returns the number of a fold as one text, however a program has written it; other texts as they are.

    >>> _whole("03"), _whole("3.0"), _whole("test")
    ('3', '3', 'test')
    """
    number = text.partition(".")[0] if text.rstrip("0").endswith(".") else text
    return str(int(number)) if number.isdecimal() else text


def _limited(fold: Fold, spec: FoldsSpec, number: int) -> Fold:
    """Returns a fold with as many molecules to train and validate on as the limit says, drawn at random."""
    total = len(fold.train) + len(fold.validation)
    if spec.limit is None or spec.limit >= total:
        return fold
    num_validation = max(1, round(spec.limit * len(fold.validation) / total))
    parts = []
    seed = spec.seed if spec.limit_seed is None else spec.limit_seed
    for part, size in ((fold.train, spec.limit - num_validation), (fold.validation, num_validation)):
        chosen = shuffled(len(part), generator(seed, _LIMIT + number))[:size]
        parts.append(np.sort(part[chosen]))
    return Fold(parts[0], parts[1], fold.test)


def _groups(keys: Sequence[str]) -> list[list[int]]:
    """Returns the places of each key, increasing, keys in the order in which they first come."""
    found: dict[str, list[int]] = {}
    for place, key in enumerate(keys):
        found.setdefault(key, []).append(place)
    return list(found.values())


def _sorted(places: Sequence[int]) -> IntArray:
    return np.sort(np.array(places, np.int64))
