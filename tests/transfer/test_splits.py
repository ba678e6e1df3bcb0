"""Tests of folds: who is trained on, validated on and tested."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from molmix_bench.chem.scaffold import scaffold_group
from molmix_bench.errors import SourceError
from molmix_bench.specs.finetune import FoldsSpec
from molmix_bench.transfer.splits import make_folds, standard_scaffold_split
from molmix_bench.vocab import Kind
from tests.transfer.small import own_data


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    """Fifty molecules, with columns that split them."""
    parts = ["Train"] * 30 + ["valid"] * 5 + ["test"] * 15
    folds = [row % 4 for row in range(50)]
    return own_data(tmp_path_factory.mktemp("data"), "size", part=parts, fold=folds).measurements


def _with_groups(found, texts):
    from dataclasses import replace

    return replace(found, groups=tuple(texts))


def _check(folds, size, *, disjoint):
    for fold in folds:
        everyone = np.concatenate([fold.train, fold.validation, fold.test])
        assert len(set(everyone.tolist())) == len(everyone)
        assert set(everyone.tolist()) == set(range(size))
    if disjoint:
        assert sorted(np.concatenate([fold.test for fold in folds]).tolist()) == list(range(size))


@pytest.mark.parametrize("split", ["scaffold", "random"])
@pytest.mark.parametrize("folds", [1, 2, 5])
def test_folds_partition(data, split, folds):
    """Each molecule is in one part of a fold, and of several folds each tests it once; the same again."""
    spec = FoldsSpec(split=split, folds=folds)
    found = make_folds(data, spec)
    assert len(found) == folds
    _check(found, 50, disjoint=folds > 1)
    again = make_folds(data, spec)
    assert all(np.array_equal(one.validation, other.validation) for one, other in zip(found, again, strict=True))


def test_scaffolds_stay_together(data):
    """Neither test nor validation shares a scaffold with train, and folds are of similar sizes."""
    groups = np.array([scaffold_group(item.smiles, item.mol_id) for item in data.molecules])
    folds = make_folds(data, FoldsSpec(split="scaffold", folds=5))
    for fold in folds:
        assert not set(groups[fold.train]) & set(groups[fold.test])
        assert not set(groups[fold.train]) & set(groups[fold.validation])
        assert 8 <= len(fold.test) <= 12


def test_the_standard_rule_by_hand():
    """Largest scaffolds first, of equal ones the later; what does not fit train goes to validation, then to test.

    The expected parts are worked out by the rule of DeepChem's ScaffoldSplitter: train holds 6 of ten, validation 2;
    `a` (3) and `b` (2) fit, then come `g`, `f`, `e`, `d`, `c`, one molecule each, of which `g` fits train.
    """
    fold = standard_scaffold_split(list("abacbadefg"), validation=0.2, test=0.2)
    assert fold.train.tolist() == [0, 1, 2, 4, 5, 9]
    assert fold.validation.tolist() == [7, 8]
    assert fold.test.tolist() == [3, 6]


@given(st.lists(st.sampled_from("abcdef"), min_size=5, max_size=40))
def test_the_standard_rule_keeps_scaffolds_together(scaffolds):
    """Whatever the scaffolds, each is in one part, parts partition, and none exceeds its share but test."""
    fold = standard_scaffold_split(scaffolds, validation=0.1, test=0.1)
    _check([fold], len(scaffolds), disjoint=False)
    parts = [{scaffolds[place] for place in part.tolist()} for part in (fold.train, fold.validation, fold.test)]
    assert not parts[0] & parts[1] | parts[0] & parts[2] | parts[1] & parts[2]
    assert len(fold.train) <= 0.8 * len(scaffolds) + 1e-9


def test_column_with_parts(data):
    """Names of parts are read in any case, and in their usual spellings."""
    texts = ["Train"] * 30 + ["valid"] * 5 + ["TEST"] * 15
    (fold,) = make_folds(_with_groups(data, texts), FoldsSpec(split="column", column="part"))
    assert [len(part) for part in (fold.train, fold.validation, fold.test)] == [30, 5, 15]


def test_column_without_validation(data):
    """Validation is then drawn from what is to be trained on."""
    (fold,) = make_folds(_with_groups(data, ["train"] * 35 + ["test"] * 15), FoldsSpec(split="column", column="p"))
    assert [len(part) for part in (fold.train, fold.validation, fold.test)] == [30, 5, 15]


def test_column_with_numbers(data):
    """Numbers are folds, each tested once, in their order."""
    texts = [str(row % 3 + 8) for row in range(50)]
    folds = make_folds(_with_groups(data, texts), FoldsSpec(split="column", column="fold"))
    _check(folds, 50, disjoint=True)
    assert [fold.test[0] for fold in folds] == [0, 1, 2]


def test_numbers_as_programs_write_them(data):
    """A fold that is 1 in one row, and 1.0 or 01 in another, as tables with gaps are written, is one fold."""
    texts = [(f"{row % 2}", f"{row % 2}.0", f"0{row % 2}")[row % 3] for row in range(50)]
    folds = make_folds(_with_groups(data, texts), FoldsSpec(split="column", column="fold"))
    assert [len(fold.test) for fold in folds] == [25, 25]
    _check(folds, 50, disjoint=True)


@pytest.mark.parametrize(
    ("texts", "message"),
    [
        (["train"] * 40 + ["tset"] * 10, r"2 different values \('train', 'tset'\)"),
        (["train"] * 50, "no molecule to test on"),
        (["1"] * 50, "1 different values"),
    ],
)
def test_columns_that_do_not_split(data, texts, message):
    """The error names the values, or the part that is empty."""
    with pytest.raises(SourceError, match=message):
        make_folds(_with_groups(data, texts), FoldsSpec(split="column", column="part"))


def test_a_limit_takes_some_of_train_and_validation(data):
    """So many molecules are left to learn from, the tested ones being the same; another seed draws others."""
    whole, limited, other = (
        make_folds(data, FoldsSpec(split="column", column="p", **more))[0]
        for data in [_with_groups(data, ["train"] * 35 + ["test"] * 15)]
        for more in ({}, {"limit": 14}, {"limit": 14, "seed": 1})
    )
    assert len(limited.train) + len(limited.validation) == 14
    assert limited.test.tolist() == whole.test.tolist()
    assert set(limited.train.tolist()) <= set(whole.train.tolist())
    assert limited.train.tolist() != other.train.tolist()


def test_a_seed_of_the_limit_alone_keeps_the_folds(data):
    """With another `limit_seed`, other molecules of the same folds are drawn."""
    one, other, same = (
        make_folds(data, FoldsSpec(split="random", folds=2, limit=14, **more))
        for more in ({"limit_seed": 1}, {"limit_seed": 2}, {"limit_seed": 0})
    )
    plain = make_folds(data, FoldsSpec(split="random", folds=2, limit=14))
    for number in range(2):
        assert one[number].test.tolist() == other[number].test.tolist() == plain[number].test.tolist()
        assert one[number].train.tolist() != other[number].train.tolist()
        assert same[number].train.tolist() == plain[number].train.tolist()


def test_kind_is_not_looked_at(data):
    """Folds follow from molecules alone, so tasks of one table share them."""
    from dataclasses import replace

    other = replace(data, kind=Kind.BINARY, labels=(data.labels > 3).astype(float))
    one, two = (make_folds(found, FoldsSpec(split="scaffold", folds=3)) for found in (data, other))
    assert [fold.test.tolist() for fold in one] == [fold.test.tolist() for fold in two]
