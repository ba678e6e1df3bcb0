"""Tests against the evaluator of the Open Graph Benchmark, whose rules for binary tasks are the protocol's."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given

from molmix_bench.vocab import Kind, Split
from tests.metrics.small_mix import SmallDataset, SmallMix, evaluate, mol_ids
from tests.strategies import binary_tables, regression_tables


@pytest.fixture(scope="module")
def evaluators():
    """Returns OGB's evaluators of AP and AUROC."""
    ogb = pytest.importorskip("ogb.graphproppred")
    return {"ap": ogb.Evaluator("ogbg-molpcba"), "auroc": ogb.Evaluator("ogbg-moltox21")}


@given(tables=binary_tables().filter(lambda drawn: len(drawn[0]) > 0))
def test_macro_is_that_of_ogb(evaluators, tables):
    """Labels missing as NaN, tasks of one class left out, the mean over the others; it refuses where none is left."""
    labels, predictions = tables
    mix = SmallMix(data=SmallDataset(Kind.BINARY, {Split.TRAIN: labels, Split.TEST: labels}))
    scores = evaluate(mix, "data", mol_id=mol_ids(Split.TEST, len(labels)), prediction=predictions)
    for metric, evaluator in evaluators.items():
        evaluator.num_tasks = labels.shape[1]  # that of their datasets else
        value = scores.table.filter(metric=metric, aggregation="macro")["value"].item()
        given_to_ogb = {"y_true": labels, "y_pred": predictions}
        if value is None:
            with pytest.raises(RuntimeError, match="No positively labeled data"):
                evaluator.eval(given_to_ogb)
        else:
            name = {"ap": "ap", "auroc": "rocauc"}[metric]
            assert value == pytest.approx(float(np.asarray(evaluator.eval(given_to_ogb)[name])), rel=0, abs=1e-12)


@given(tables=regression_tables().filter(lambda drawn: len(drawn[0]) > 0))
def test_errors_in_units_are_those_of_ogb(tables):
    """The mean absolute error of a task, which its evaluator of PCQM4Mv2 takes for one task without missing labels."""
    pytest.importorskip("ogb")
    from ogb.lsc import PCQM4Mv2Evaluator

    labels, predictions = tables
    mix = SmallMix(data=SmallDataset(Kind.REGRESSION, {Split.TRAIN: labels, Split.TEST: labels}))
    scores = evaluate(mix, "data", mol_id=mol_ids(Split.TEST, len(labels)), prediction=predictions)
    found = scores.table.filter(metric="mae", aggregation="task")
    for task, value in found.select("task", "value").iter_rows():
        column = int(task.removeprefix("t"))
        present = ~np.isnan(labels[:, column])
        given_to_ogb = {"y_true": labels[present, column], "y_pred": predictions[present, column]}
        assert value == pytest.approx(PCQM4Mv2Evaluator().eval(given_to_ogb)["mae"], rel=1e-12, abs=1e-300)
