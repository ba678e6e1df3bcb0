"""Every level and kind, from a built mix through prediction files to scores."""

from __future__ import annotations

import numpy as np
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from rdkit import Chem
from sklearn.metrics import average_precision_score, log_loss, mean_absolute_error, roc_auc_score

from molmix_bench.metrics.predictions import prediction_path, write_predictions
from molmix_bench.metrics.protocol import METRICS
from molmix_bench.submissions.score import score
from molmix_bench.vocab import Kind, Level
from tests.build.tiny import ALKANES, build_tiny, table_source

NUM_CLASSES = {Kind.REGRESSION: None, Kind.BINARY: None, Kind.MULTICLASS: 3}
CASES = [(level, kind, 2) for level in (Level.GRAPH, Level.NODE) for kind in NUM_CLASSES] + [
    (Level.GRAPH, Kind.BINARY, 101),  # over a hundred tasks: the sparse pair
    (Level.GRAPH, Kind.MULTICLASS, 101),
]


def _draw(kind, size, rng):
    """Returns labels of which a tenth is missing."""
    values = rng.normal(size=size) if kind is Kind.REGRESSION else rng.integers(0, NUM_CLASSES[kind] or 2, size)
    return [None if rng.random() < 0.1 else value for value in values.tolist()]


def _build(level, kind, num_tasks, folder):
    """Builds a mix of chains, with random labels."""
    rng = np.random.default_rng(0)
    dtype = pa.float32() if kind is Kind.REGRESSION else pa.int8()
    names = [f"t{task}" for task in range(num_tasks)]
    columns = {"smiles": pa.array(ALKANES)}
    for name in names:
        if level is Level.NODE:
            lists = [_draw(kind, Chem.MolFromSmiles(smiles).GetNumAtoms(), rng) for smiles in ALKANES]
            columns[name] = pa.array(lists, pa.list_(dtype))
        else:
            columns[name] = pa.array(_draw(kind, len(ALKANES), rng), dtype)
    settings = {"level": str(level), "kind": str(kind)}
    if NUM_CLASSES[kind]:
        settings["num_classes"] = NUM_CLASSES[kind]
    source = table_source("data", ",".join(columns) + "\n", folder, **settings)
    (folder / "data.csv").unlink()
    pq.write_table(pa.table(columns), folder / "data.parquet")
    return build_tiny(folder, source | {"files": [{"name": "data.parquet"}]}, validation=0.1, test=0.5)


def _labels(mix):
    """Returns ids, labels (R, T) with NaN for the missing, and atoms of each molecule, of the test split."""
    dataset = mix.datasets["data"]
    frame = mix.scan("data", "test").collect()
    if dataset.is_sparse:
        labels = np.full((frame.height, len(dataset.tasks)), np.nan)
        for row, (tasks, values) in enumerate(frame.select("task_idx", "label").iter_rows()):
            labels[row, tasks] = values
        return frame["mol_id"], labels, None
    table = frame.select(dataset.tasks)
    if dataset.level is Level.GRAPH:
        return frame["mol_id"], table.cast(pl.Float64).fill_null(np.nan).to_numpy(), None
    num_nodes = np.array([Chem.MolFromSmiles(smiles).GetNumAtoms() for smiles in frame["smiles"]])
    parts = [
        np.array([column or [None] * count for column in lists], dtype=np.float64).T
        for lists, count in zip(table.iter_rows(), num_nodes, strict=True)
    ]
    return frame["mol_id"], np.concatenate(parts), num_nodes


def _predictions(kind, labels):
    """Returns perfect, constant and random predictions, (R, T * C), by name."""
    rng = np.random.default_rng(1)
    if kind is not Kind.MULTICLASS:
        values = np.nan_to_num(labels)
        return {"perfect": values, "constant": values * 0 + 0.5, "random": rng.random(values.shape).round(1)}
    num_classes = NUM_CLASSES[kind]
    values = np.eye(num_classes)[np.nan_to_num(labels).astype(int)]
    weights = rng.integers(1, 5, values.shape)  # few, so that many tie
    random = weights / weights.sum(axis=2, keepdims=True)
    cases = {"perfect": values, "constant": np.full(values.shape, 1 / num_classes), "random": random}
    return {name: case.reshape(len(labels), -1) for name, case in cases.items()}


def _expected(kind, truth, guess):
    """Returns a task's metrics by scikit-learn, from the labelled cells."""
    if kind is Kind.REGRESSION:
        return {"mae": mean_absolute_error(truth, guess)}
    if kind is Kind.BINARY:
        clipped = np.clip(guess, 1e-7, 1 - 1e-7)
        rankings = average_precision_score(truth, guess), roc_auc_score(truth, guess)
        return dict(zip(("ap", "auroc", "bce"), (*rankings, log_loss(truth, clipped)), strict=True))
    pairs = [(truth == index, guess[:, index]) for index in sorted(set(truth.astype(int).tolist()))]
    return {
        "ap": np.mean([average_precision_score(*pair) for pair in pairs]),
        "auroc": np.mean([roc_auc_score(*pair) for pair in pairs]),
        "ce": log_loss(truth, guess, labels=list(range(guess.shape[1]))),
    }


@pytest.mark.parametrize(("level", "kind", "num_tasks"), CASES, ids=str)
def test_perfect_predictions_are_best_and_random_ones_have_scikit_learns_scores(tmp_path, level, kind, num_tasks):
    """Written, read and scored; at node level scikit-learn is given the atoms of all molecules in one list."""
    mix = _build(level, kind, num_tasks, tmp_path)
    mol_id, labels, num_nodes = _labels(mix)
    tables = {}
    for seed, (name, values) in enumerate(_predictions(kind, labels).items()):
        folder = tmp_path / name
        path = prediction_path(folder, "data", split="test", seed=seed)
        write_predictions(path, mol_id, values, num_nodes=num_nodes, num_classes=NUM_CLASSES[kind])
        tables[name] = score(folder, mix).table.filter(seed=seed)
    macro = {
        name: dict(table.filter(aggregation="macro").select("metric", "value").iter_rows())
        for name, table in tables.items()
    }
    for metric in METRICS[kind]:
        sign = 1 if metric.direction == "higher" else -1
        best = sign * macro["perfect"][metric.name]
        assert best == pytest.approx(1 if sign == 1 else 0, abs=1e-6)
        assert best > max(sign * macro["constant"][metric.name], sign * macro["random"][metric.name])
    random = _predictions(kind, labels)["random"]
    if kind is Kind.MULTICLASS:
        random = random.reshape(*labels.shape, -1)
    scored = tables["random"].filter(aggregation="task")
    assert scored["task"].n_unique() > num_tasks / 2
    for index, task in enumerate(mix.datasets["data"].tasks):
        present = ~np.isnan(labels[:, index])
        rows = dict(scored.filter(task=task).select("metric", "value").iter_rows())
        if rows:
            expected = _expected(kind, labels[present, index], random[present, index])
            assert {name: rows[name] for name in expected} == pytest.approx(expected, rel=0, abs=1e-9)
