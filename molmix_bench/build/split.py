"""The rules that put rows and molecules into splits.

`paper`: the rule of the datasets' authors, on raw rows in file order, duplicates and unreadable rows included.
`hash`: a keyed hash of mol_id, so that a molecule keeps its split when the data grow.
`scaffold`: the same hash, of the Murcko scaffold (`chem/scaffold.py` says what molecules without rings do).
`strict`: every molecule goes where its most held-out row is, in all datasets: test, then validation, then train.
The test sets stay whole and no label leaves the mix, at the price of a few labels that move out of train.
"""

from __future__ import annotations

import hashlib
import random
from array import array
from collections.abc import Iterable

import numpy as np
import numpy.typing as npt

from molmix_bench.specs.mix import SplitSpec
from molmix_bench.vocab import SPLITS

SplitCodes = npt.NDArray[np.int8]
"""Positions in `vocab.SPLITS`."""

TRAIN, VALIDATION, TEST, TEST_SEEN = (np.int8(SPLITS.index(split)) for split in SPLITS)


def split_sizes(num_shuffled: int, spec: SplitSpec) -> tuple[int, int, int]:
    """Returns how many of the shuffled rows go to train, validation and test under the `paper` rule.

    >>> split_sizes(83_746_835, SplitSpec(validation=0.01, test=0.01))
    (82071899, 837468, 837468)
    """
    num_validation, num_test = int(num_shuffled * spec.validation), int(num_shuffled * spec.test)
    return num_shuffled - num_validation - num_test, num_validation, num_test


def split_rows(
    num_rows: int, spec: SplitSpec, *, aside: npt.NDArray[np.int64] | None = None, aside_code: np.int8 = TRAIN
) -> SplitCodes:
    """Returns the split of each raw row under the `paper` rule.

    `random.Random(seed).shuffle` over the row numbers; of the result, first train, then validation, then test, the
    last two with `int(n * fraction)` rows each, n being the number of rows shuffled. Rows set aside are not shuffled.

    Args:
        num_rows: raw rows of the source.
        spec: fractions and seed.
        aside: rows that the `test_seen` rule sets aside; None where the mix has no such rule.
        aside_code: the split of these rows.

    >>> split_rows(10, SplitSpec(validation=0.2, test=0.2)).tolist()
    [2, 2, 0, 0, 1, 0, 0, 0, 0, 1]
    """
    if aside is None:
        # Shuffled exactly like a list, at a tenth of its memory.
        order = array("i", range(num_rows))
    else:
        # The authors' own expression: a set of so many numbers does not always come out in increasing order.
        order = array("i", list(set(range(num_rows)) - set(aside.tolist())))
    random.Random(spec.seed).shuffle(order)  # noqa: S311 - the published rule, no secret
    rows = np.frombuffer(order, dtype=np.intc)
    _, num_validation, num_test = split_sizes(len(rows), spec)
    codes = np.full(num_rows, aside_code, dtype=np.int8)
    codes[rows] = TRAIN
    codes[rows[len(rows) - num_validation - num_test : len(rows) - num_test]] = VALIDATION
    codes[rows[len(rows) - num_test :]] = TEST
    return codes


def split_keys(keys: Iterable[str], spec: SplitSpec) -> SplitCodes:
    """Returns the split of each key (a mol_id or a scaffold), by hash alone.

    The 64-bit blake2b of the key, keyed by the seed, as a fraction of 2**64: below `test` it is test, below
    `test + validation` validation, else train.
    """
    secret = f"molmix-split-{spec.seed}".encode()
    digests = b"".join(hashlib.blake2b(key.encode(), digest_size=8, key=secret).digest() for key in keys)
    fraction = np.frombuffer(digests, dtype=">u8") / 2.0**64
    codes = np.full(len(fraction), TRAIN, dtype=np.int8)
    codes[fraction < spec.test + spec.validation] = VALIDATION
    codes[fraction < spec.test] = TEST
    return codes


def unite_splits(molecule: npt.NDArray[np.int64], codes: SplitCodes, *, num_molecules: int) -> SplitCodes:
    """Returns, for every row, the most held-out split that any row of its molecule has.

    Shapes:
        molecule: (num_rows,) in 0 .. num_molecules - 1. codes: (num_rows,).
    """
    # The codes of train, validation and test increase in just this order.
    most = np.full(num_molecules, TRAIN, dtype=np.int8)
    np.maximum.at(most, molecule, codes)
    united: SplitCodes = most[molecule]
    return united
