"""Tests of measurements in memory: every row is a molecule, merged into one, or dropped with its reason."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from molmix_bench.transfer.measurements import RawMeasurements, clean
from molmix_bench.vocab import DropReason, Kind

NAN = float("nan")


def _raw(smiles, labels, kind=Kind.REGRESSION, **more):
    labels = np.array(labels, float).reshape(len(smiles), -1)
    tasks = tuple(f"t{task}" for task in range(labels.shape[1]))
    return RawMeasurements("mine", tasks, kind, more.pop("num_classes", None), smiles, labels, **more)


def _problems(found):
    return [(row["row"], row["task"], row["reason"], row["dropped"]) for row in found.problems.iter_rows(named=True)]


def test_duplicates_of_a_molecule_become_one():
    """Two ways to write ethanol are one molecule; labels that differ become their mean, and both rows are named."""
    found = clean(_raw(["CCO", "C", "OCC"], [1.0, 5.0, 2.0]))
    assert found.smiles == ["CCO", "C"]
    assert found.labels.tolist() == [[1.5], [5.0]]
    assert found.rows.tolist() == [0, 1]
    assert _problems(found) == [(0, "t0", "conflict", False), (2, "t0", "conflict", False)]
    assert found.problems["detail"][0] == "1 in row 0, 2 in row 2; their mean, 1.5, is taken"
    assert (found.accounting.read, found.accounting.kept, found.accounting.merged) == (3, 2, 1)


def test_equal_duplicates_are_no_problem():
    """Rows that agree are merged without a word."""
    found = clean(_raw(["CCO", "OCC"], [[1.0, NAN], [1.0, 3.0]]))
    assert found.labels.tolist() == [[1.0, 3.0]]
    assert found.problems.is_empty()


def test_classes_are_decided_by_the_majority():
    """Two against one wins; one against one is a tie, and a molecule left without a label is dropped with its rows."""
    smiles = ["C", "C", "C", "CC", "CC"]
    found = clean(_raw(smiles, [1.0, 0.0, 1.0, 0.0, 1.0], Kind.BINARY))
    assert found.smiles == ["C"]
    assert found.labels.tolist() == [[1.0]]
    assert found.accounting.dropped == {DropReason.CONFLICT: 2}
    assert "a tie, no label is taken" in " ".join(found.problems["detail"])


def test_every_reason():
    """No text, no molecule, no label, no part of a split: each row is dropped with its own reason."""
    smiles = [None, "C1CC", "", "CC", "CCC", "CCCC"]
    groups = ["train", "train", "train", "train", None, "test"]
    found = clean(_raw(smiles, [1.0, 1.0, 1.0, NAN, 1.0, 1.0], groups=groups))
    assert found.smiles == ["CCCC"]
    assert found.groups == ("test",)
    assert _problems(found) == [
        (0, None, "empty_smiles", True),
        (1, None, "unparsable", True),
        (2, None, "empty_smiles", True),
        (3, None, "no_labels", True),
        (4, None, "no_split", True),
    ]
    assert found.problem_counts() == {
        DropReason.EMPTY_SMILES: 2,
        DropReason.UNPARSABLE: 1,
        DropReason.NO_LABELS: 1,
        DropReason.NO_SPLIT: 1,
    }


def test_one_molecule_in_two_parts_is_a_problem():
    """The first row decides, and the other is named."""
    found = clean(_raw(["CCO", "OCC", "C"], [1.0, 1.0, 2.0], groups=["train", "test", "test"]))
    assert found.groups == ("train", "test")
    assert found.problems["detail"].to_list() == [
        "its molecule is in 'train' by row 0, which holds, and in 'test' here"
    ]


@given(
    st.lists(
        st.tuples(
            st.sampled_from(["C", "CC", "OCC", "CCO", "C1CC", "", None, "[NH4+]"]),
            st.sampled_from([0.0, 1.0, NAN]),
        ),
        min_size=1,
        max_size=12,
    ),
    st.sampled_from([Kind.REGRESSION, Kind.BINARY]),
)
def test_every_row_is_accounted_for(rows, kind):
    """Kept, merged and dropped rows add up, no kept molecule is without a label, and identities are distinct."""
    found = clean(_raw([smiles for smiles, _ in rows], [label for _, label in rows], kind))
    account = found.accounting
    assert account.read == len(rows) == account.kept + account.merged + sum(account.dropped.values())
    assert account.kept == len(found) == len(set(found.mol_ids))
    assert not np.isnan(found.labels).all(axis=1).any()
    dropped = set(found.problems.filter("dropped")["row"])
    assert len(dropped) == sum(account.dropped.values())


def test_the_digest_is_of_what_is_learnt():
    """Another label or name of a task gives another digest; another name of the file does not."""
    one = clean(_raw(["C", "CC"], [1.0, 2.0]))
    assert one.digest == clean(_raw(["C", "CC"], [1.0, 2.0])).digest
    assert one.digest != clean(_raw(["C", "CC"], [1.0, 2.5])).digest
