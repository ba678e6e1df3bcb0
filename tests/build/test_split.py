"""Tests of the split rules."""

from __future__ import annotations

import random

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from molmix_bench.build.split import (
    TEST,
    TEST_SEEN,
    TRAIN,
    VALIDATION,
    split_keys,
    split_rows,
    split_sizes,
    unite_splits,
)
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


# Rows of the file, rows set aside as test_seen, and the sizes that the authors' scripts printed for train, validation
# and test. Rows in all are the printed shapes of the tables, and the sums of the printed sizes.
PUBLISHED_SIZES = {
    "l1000_vcap": (15_220, 748, 0.04, (13_316, 578, 578)),
    "l1000_mcf7": (11_622, 1_065, 0.04, (9_713, 422, 422)),
    "pcba_1328": (1_563_664, 56_512, 0.04, (1_386_580, 60_286, 60_286)),
    "pm6_83m": (83_746_835, 0, 0.01, (82_071_899, 837_468, 837_468)),
}


@pytest.mark.parametrize("name", list(PUBLISHED_SIZES))
def test_published_sizes(name):
    """Row counts alone give the split sizes that upstream printed."""
    num_rows, num_seen, fraction, sizes = PUBLISHED_SIZES[name]
    assert sum(sizes) + num_seen == num_rows
    assert split_sizes(num_rows - num_seen, SplitSpec(validation=fraction, test=fraction)) == sizes


@pytest.mark.parametrize("name", ["l1000_vcap", "l1000_mcf7", "pcba_1328"])
def test_rows_come_in_these_sizes(name):
    """The rule that splits rows gives as many of each split, with as many rows set aside as upstream's."""
    num_rows, num_seen, fraction, sizes = PUBLISHED_SIZES[name]
    aside = np.random.default_rng(0).choice(num_rows, size=num_seen, replace=False)
    codes = split_rows(num_rows, SplitSpec(validation=fraction, test=fraction), aside=aside, aside_code=TEST_SEEN)
    assert np.bincount(codes).tolist() == [*sizes, num_seen]
    assert (codes[aside] == TEST_SEEN).all()


def test_published_sizes_of_pcqm4m():
    """PCQM4M: 148,759 rows each follow for any 91,324 to 91,348 rows that go to train unshuffled.

    Upstream prints how many of its rows have their molecule in VCAP (1,443), MCF7 (2,373) and PCBA (91,174), not
    how many in any of them: at least 91,174 and at most the sum. The printed sizes leave room for 25 of these numbers.
    """
    spec = SplitSpec(validation=0.04, test=0.04)
    num_rows = 3_810_323
    assert num_rows == 3_512_805 + 2 * 148_759
    fitting = [aside for aside in range(91_174, 91_174 + 2_373 + 1_443) if _pcqm4m_sizes(num_rows, aside, spec)]
    assert fitting == list(range(91_324, 91_349))


def _pcqm4m_sizes(num_rows, aside, spec):
    train, validation, test = split_sizes(num_rows - aside, spec)
    return (train + aside, validation, test) == (3_512_805, 148_759, 148_759)


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
