"""Tests of the statistics, against counts by hand and other implementations."""

from __future__ import annotations

import hashlib

import numpy as np
import polars as pl
import pytest
from sklearn.decomposition import PCA

from molmix_bench.cards.facts import gather
from molmix_bench.cards.sample import sample_rows
from molmix_bench.cards.space import embed
from molmix_bench.chem.fingerprint import morgan_bits
from tests.build.tiny import ALKANES, build_tiny, numbered, table_source

DRUGS = ["c1ccccc1O", "CC(=O)N", "CCOCC", "c1ccncc1", "OCC(O)CO", "CC(C)C#N", "ClCCl", "CS(=O)C", "C1CCNCC1", "CCN"]


@pytest.fixture(scope="module")
def facts(carded):
    """Returns the statistics of the mix of four datasets."""
    return gather(carded)


def test_density(carded, facts):
    """The cells of all splits add up to the labels: of `bin`, 35 molecules with b-1 and 12 of them with b-2."""
    labels = {
        name: sum(facts.density[name][split] * rows * len(item.tasks) for split, rows in item.splits.items())
        for name, item in carded.datasets.items()
    }
    # `many`: of 130 tasks in a row, those with (row + task) divisible by four are missing; 33 or 32 of them.
    missing = sum((row + task) % 4 == 0 for row in range(20) for task in range(130))
    assert labels == pytest.approx({"one": 60, "bin": 35 + 12, "many": 20 * 130 - missing, "classes": 40})
    assert all(share == 1 for share in facts.density["one"].values())


def test_shared(facts):
    """Alkanes 1-30, 6-40, 1-20 and 1-40 have so many in common."""
    assert facts.shared.tolist() == [[30, 25, 20, 30], [25, 35, 15, 35], [20, 15, 20, 20], [30, 35, 20, 40]]


def test_sizes_and_quantiles(carded, facts):
    """Atoms are counted, and quantiles are NumPy's of the labels, standardised by train."""
    assert sorted(facts.num_atoms["one"]) == list(range(1, 31))
    train = carded.tasks.filter(dataset="one", task="t0").row(0, named=True)
    expected = (np.quantile(np.arange(30.0), [0.01, 0.25, 0.5, 0.75, 0.99]) - train["train_mean"]) / train["train_std"]
    np.testing.assert_allclose(facts.quantiles["one"][0], expected)
    assert set(facts.quantiles) == {"one"}


def test_density_of_atoms(atoms):
    """Of atoms that have a list, the share with a value: ethanol 2 of 3, methane 1 of 1, propane without a list."""
    assert list(gather(atoms).density["atoms"].values()) == [pytest.approx(3 / 4)]


@pytest.mark.parametrize("size", [1, 7, 39, 40, 100])
def test_sample(carded, size):
    """The sample is the rows of the smallest hashes, as a sort of all rows finds them, in whatever file they are."""
    rows = pl.concat([carded.scan("classes", split) for split in carded.datasets["classes"].splits]).collect()
    key = [hashlib.blake2b(text.encode(), digest_size=8, key=b"molmix-card-sample").digest() for text in rows["mol_id"]]
    expected = rows.with_columns(key=pl.Series(key)).sort("key").drop("key").head(size)
    assert sample_rows(carded, "classes", size=size).to_pylist() == expected.to_dicts()


def test_space_is_principal_components():
    """Points and shares of variance are scikit-learn's, but for the sign of an axis."""
    smiles = {"a": DRUGS, "b": list(ALKANES[:15])}
    bits = morgan_bits([*DRUGS, *ALKANES[:15]]).astype(float)
    bits /= np.linalg.norm(bits, axis=1, keepdims=True)
    pca = PCA(2, svd_solver="full").fit(bits)
    found = embed(smiles)
    points = np.concatenate([found.points["a"], found.points["b"]])
    np.testing.assert_allclose(np.abs(points), np.abs(pca.transform(bits)), atol=1e-8)
    np.testing.assert_allclose(found.explained, pca.explained_variance_ratio_, atol=1e-8)


def test_space_of_one_molecule():
    """A single molecule, and several that are the same, lie in one point."""
    for smiles in (["C"], ["CC", "CC"]):
        found = embed({"a": smiles})
        np.testing.assert_allclose(found.points["a"], 0, atol=1e-12)
        assert found.explained == pytest.approx((0, 0), abs=1e-6)


def test_gather_is_blind_to_workers(tmp_path):
    """Two processes find what one finds."""
    mix = build_tiny(tmp_path, table_source("one", numbered(ALKANES), tmp_path))
    one, two = gather(mix), gather(mix, workers=2)
    assert one.leakage.equals(two.leakage)
    assert one.space.points["one"].tolist() == two.space.points["one"].tolist()
