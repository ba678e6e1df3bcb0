"""Tests of the split rules."""

from __future__ import annotations

import random

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from molmix_bench.build.split import TEST, TRAIN, VALIDATION, split_keys, split_rows, unite_splits
from molmix_bench.specs.mix import SplitSpec


def _published_rule(num_rows, validation, test):
    """The rule in plain Python, as the authors' script has it."""
    rows = list(range(num_rows))
    random.seed(42)
    random.shuffle(rows)
    num_validation, num_test = int(num_rows * validation), int(num_rows * test)
    num_train = num_rows - num_validation - num_test
    return rows[:num_train], rows[num_train : num_train + num_validation], rows[num_train + num_validation :]


@pytest.mark.parametrize("num_rows", [1, 9, 10, 11, 997, 7_831])
@pytest.mark.parametrize("fraction", [0.1, 0.04, 0.01])
def test_paper_rule(num_rows, fraction):
    """The array rule gives the rows of the published list rule."""
    codes = split_rows(num_rows, SplitSpec(validation=fraction, test=fraction))
    for code, rows in zip((TRAIN, VALIDATION, TEST), _published_rule(num_rows, fraction, fraction), strict=True):
        assert np.flatnonzero(codes == code).tolist() == sorted(rows)


@pytest.mark.parametrize(
    ("num_rows", "fraction", "sizes"),
    [
        # Printed by the authors' scripts for their files (rows without test_seen).
        (14_472, 0.04, (13_316, 578, 578)),
        (10_557, 0.04, (9_713, 422, 422)),
        (1_507_152, 0.04, (1_386_580, 60_286, 60_286)),
    ],
)
def test_published_sizes(num_rows, fraction, sizes):
    """Row counts give the split sizes that upstream printed."""
    codes = split_rows(num_rows, SplitSpec(validation=fraction, test=fraction))
    assert tuple(np.bincount(codes, minlength=3)[:3]) == sizes


@given(st.lists(st.text(min_size=1, max_size=8), unique=True, max_size=50), st.integers(0, 5))
def test_hash_rule_is_stable(keys, seed):
    """A key's split depends on nothing but the key and the seed: neither on order nor on company."""
    spec = SplitSpec(method="hash", seed=seed)
    together = dict(zip(keys, split_keys(keys, spec).tolist(), strict=True))
    assert together == {key: split_keys([key], spec)[0] for key in keys}


def test_hash_fractions():
    """Fractions are met within three standard deviations of the binomial."""
    codes = split_keys((str(number) for number in range(20_000)), SplitSpec(method="hash", validation=0.2, test=0.1))
    validation, test = (codes == VALIDATION).mean(), (codes == TEST).mean()
    assert abs(validation - 0.2) < 3 * (0.2 * 0.8 / 20_000) ** 0.5
    assert abs(test - 0.1) < 3 * (0.1 * 0.9 / 20_000) ** 0.5


def test_growing_fractions_move_nothing_out_of_test():
    """A larger validation fraction takes molecules from train only."""
    keys = [str(number) for number in range(2_000)]
    small = split_keys(keys, SplitSpec(method="hash", validation=0.1, test=0.1))
    large = split_keys(keys, SplitSpec(method="hash", validation=0.3, test=0.1))
    assert ((small == TEST) == (large == TEST)).all()
    assert (large[small == VALIDATION] == VALIDATION).all()


def test_strict_takes_the_most_held_out_split():
    """Test wins over validation, validation over train, for all rows of a molecule."""
    molecule = np.array([0, 0, 1, 1, 2, 2, 3])
    codes = np.array([TRAIN, TEST, VALIDATION, TRAIN, TEST, VALIDATION, TRAIN], dtype=np.int8)
    united = unite_splits(molecule, codes, num_molecules=4)
    assert united.tolist() == [TEST, TEST, VALIDATION, VALIDATION, TEST, TEST, TRAIN]
