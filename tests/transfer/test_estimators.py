"""Tests of the estimators: the checks that scikit-learn has for all of them.

scikit-learn's checks make tables of numbers, and skip estimators that take texts. So they are run on subclasses that
turn each row of numbers into a molecule, which leaves everything else as it is: parameters, clones, pickles, classes,
labels that are refused, what fitting and predicting may change, errors. None is expected to fail.
"""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest
import torch
from sklearn.base import clone
from sklearn.exceptions import NotFittedError, SkipTestWarning
from sklearn.linear_model import Ridge
from sklearn.pipeline import make_pipeline
from sklearn.utils.estimator_checks import check_estimator
from sklearn.utils.validation import validate_data

from molmix_bench.chem.molecule import standardize
from molmix_bench.graphs.cached import open_store
from molmix_bench.transfer.estimators import MoleculeClassifier, MoleculeEmbedder, MoleculeRegressor
from tests.transfer.small import MOLECULES as OWN
from tests.transfer.small import RINGS

HALOGENS = ("F", "Cl", "Br", "I", "O", "N", "S", "P")
QUICK = {"epochs": 1, "head_epochs": 1, "batch_size": 64}


def _molecules(table):
    """Returns a molecule for each row of numbers, one of fifteen thousand, so that few rows have the same."""
    found = []
    for row in np.asarray(table, float):
        key = round(1000 * float(row @ np.sqrt(np.arange(1, len(row) + 1))))
        chain, branch, ring, end = key % 8, key // 8 % 8, key // 64 % 6, key // 384 % 40
        side = "".join(f"C({atom})" for atom in (HALOGENS[branch], HALOGENS[end % 8]))
        found.append("C" * (1 + chain) + side + ("", *RINGS)[ring] + "C" * (end // 8))
    return found


def _tags(tags):
    tags.input_tags.string = tags.input_tags.one_d_array = False
    tags.input_tags.two_d_array = True
    return tags


class NumbersEmbedder(MoleculeEmbedder):
    """The embedder on rows of numbers."""

    def fit(self, X, y=None):  # noqa: ARG002, N803
        """Fits to the molecules of rows."""
        super().fit(_molecules(validate_data(self, X)))
        return self

    def transform(self, X):  # noqa: N803
        """Embeds the molecules of rows."""
        return super().transform(_molecules(validate_data(self, X, reset=False)))

    def __sklearn_tags__(self):
        return _tags(super().__sklearn_tags__())


class NumbersRegressor(MoleculeRegressor):
    """The regressor on rows of numbers."""

    def fit(self, X, y):  # noqa: N803
        """Fits to the molecules of rows."""
        return super().fit(_molecules(validate_data(self, X)), y)

    def predict(self, X):  # noqa: N803
        """Predicts the molecules of rows."""
        return super().predict(_molecules(validate_data(self, X, reset=False)))

    def __sklearn_tags__(self):
        tags = _tags(super().__sklearn_tags__())
        tags.regressor_tags.poor_score = True
        return tags


class NumbersClassifier(MoleculeClassifier):
    """The classifier on rows of numbers."""

    def fit(self, X, y):  # noqa: N803
        """Fits to the molecules of rows."""
        return super().fit(_molecules(validate_data(self, X)), y)

    def predict_proba(self, X):  # noqa: N803
        """Predicts the molecules of rows."""
        return super().predict_proba(_molecules(validate_data(self, X, reset=False)))

    def __sklearn_tags__(self):
        tags = _tags(super().__sklearn_tags__())
        tags.classifier_tags.poor_score = True
        return tags


@pytest.mark.parametrize("kind", [NumbersEmbedder, NumbersRegressor, NumbersClassifier])
def test_checks_of_scikit_learn(pretrained, kind):
    """All checks pass; the one skipped needs an environment variable of SciPy's, before it is imported."""
    settings = {} if kind is NumbersEmbedder else {"tuning": QUICK}
    estimator = kind(str(pretrained.path), **settings)
    results = check_estimator(estimator, expected_failed_checks=None, on_fail=None, on_skip=None)
    failed = {item["check_name"]: repr(item["exception"]) for item in results if item["status"] == "failed"}
    assert failed == {}
    assert {item["check_name"] for item in results if item["status"] == "skipped"} == {"check_array_api_input"}
    assert sum(item["status"] == "passed" for item in results) > 40


@pytest.mark.parametrize("kind", [MoleculeEmbedder, MoleculeRegressor, MoleculeClassifier])
def test_texts_are_declared(pretrained, kind):
    """Of the estimators themselves, scikit-learn checks what needs no table of numbers, and says why no more."""
    with pytest.warns(SkipTestWarning, match="requires input  of type"):
        results = check_estimator(kind(str(pretrained.path)), on_fail=None)
    assert [item["status"] for item in results] == ["passed"] * len(results)
    assert len(results) >= 1


def test_pipeline(pretrained, chains):
    """Vectors in front of a linear model are those that `embed` has, in a pipeline that can be cloned."""
    smiles = [f"{'C' * size}O" for size in range(1, 13)]
    sizes = np.arange(1.0, 13.0)
    pipeline = clone(make_pipeline(MoleculeEmbedder(pretrained.path), Ridge(alpha=1e-3))).fit(smiles, sizes)
    assert pipeline.score(smiles, sizes) > 0.9
    embedder = pipeline[0]
    store = open_store(chains, pretrained.spec.features)
    place = store.mol_ids.astype(str).tolist().index(standardize("CCCO", max_atoms=9).mol_id)
    with torch.inference_mode():
        expected = pretrained.network(0).embed(store.collate(np.array([place]))).numpy()
    assert embedder.transform(["OCCC"]) == pytest.approx(expected, rel=1e-4, abs=1e-5)
    assert embedder.get_feature_names_out().tolist() == [f"embedding_{place}" for place in range(8)]


@pytest.mark.parametrize("form", ["pandas", "polars"])
def test_tables_come_out_where_asked_for(pretrained, form):
    """With `set_output` vectors are tables with a name for each column, and the numbers are those of the array."""
    pytest.importorskip(form)
    plain = MoleculeEmbedder(pretrained.path).fit(["CCO"])
    tables = MoleculeEmbedder(pretrained.path).set_output(transform=form).fit(["CCO"])
    found = tables.transform(["CCO", "CCN"])
    assert list(found.columns) == plain.get_feature_names_out().tolist() == [f"embedding_{place}" for place in range(8)]
    assert (found.to_numpy() == plain.transform(["CCO", "CCN"])).all()


def test_classes_of_any_type(pretrained):
    """Texts are classes as well as numbers, in a column of a table as well as in a list; two runs give the same."""
    table = pl.DataFrame({"smiles": OWN})
    labels = ["ring" if "1" in text else "chain" for text in OWN]
    found = [
        MoleculeClassifier(pretrained.path, tuning=QUICK, random_state=7).fit(X, labels).predict_proba(OWN)
        for X in (table, list(OWN))
    ]
    assert found[0].shape == (len(OWN), 2)
    assert found[0].sum(axis=1) == pytest.approx(np.ones(len(OWN)))
    assert (found[0] == found[1]).all()
    three = MoleculeClassifier(pretrained.path, mode="probe").fit(OWN, [len(text) % 3 for text in OWN])
    assert three.predict_proba(OWN[:4]).shape == (4, 3)
    assert set(three.predict(OWN)) <= {0, 1, 2}


def test_rows_of_one_molecule(pretrained):
    """Where classes tie, the molecule is left out with a warning; else the majority holds."""
    classifier = MoleculeClassifier(pretrained.path, mode="probe")
    labels = [int("1" in text) for text in OWN]
    with pytest.warns(UserWarning, match=r"molecule 1, 'Cc1ccccc1': classes of its rows tie; 2 such rows are left out"):
        classifier.fit([*OWN, OWN[1]], [*labels, 0])
    classifier.fit([*OWN, OWN[1], OWN[1]], [*labels, 0, 1])


def test_what_cannot_be_learnt(pretrained):
    """Every error is a `ValueError`, as in scikit-learn, which names the molecule or label."""
    probe = MoleculeClassifier(pretrained.path, mode="probe")
    with pytest.raises(ValueError, match="y: found one class, 1; expected two classes at least"):
        probe.fit(OWN, [1] * len(OWN))
    with pytest.raises(ValueError, match=r"molecule 1, 'C1CC': unparsable \(unclosed ring"):
        probe.fit(["CC", "C1CC"], [0, 1])
    with pytest.raises(ValueError, match="y: found None; expected a label for every molecule"):
        probe.fit(["CC", "CCC"], [None, "a"])
    with pytest.raises(ValueError, match="X, place 1: found None; expected a SMILES"):
        probe.fit(["CC", None], [0, 1])
    with pytest.raises(ValueError, match="mode: found 'best'; expected one of probe, head_first, all"):
        MoleculeRegressor(pretrained.path, mode="best").fit(OWN, range(len(OWN)))
    with pytest.raises(ValueError, match="run: found None; expected the directory of a finished run"):
        MoleculeRegressor().fit(OWN, range(len(OWN)))
    with pytest.raises(NotFittedError):
        probe.predict(OWN)
    probe.fit(OWN, [int("1" in text) for text in OWN])
    with pytest.raises(ValueError, match="molecule 0, 'x': unparsable"):
        probe.predict(["x"])
