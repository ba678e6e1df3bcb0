"""Scoring at the size of PCBA beside a loop over scikit-learn: `python -m tests.benchmarks.scoring`.

Predictions of 62,000 molecules for 1,328 binary tasks, 11 % of them labelled, are scored with 1,000 replicates of the
bootstrap: alignment, three metrics of every task, all intervals. Files are not read. The peer takes AP, AUROC and
cross-entropy of scikit-learn, task by task, for one replicate on some of the tasks; the rest is multiplication.
"""

from __future__ import annotations

import json
import resource
import time
from dataclasses import replace

import numpy as np
import polars as pl
from sklearn.metrics import average_precision_score, log_loss, roc_auc_score

from molmix_bench.metrics.evaluate import evaluate_reference
from molmix_bench.metrics.protocol import REPLICATES
from molmix_bench.metrics.reference import Reference
from molmix_bench.metrics.resample import resample
from molmix_bench.metrics.scores import Scores
from molmix_bench.vocab import MOL_ID, Kind, Split

NUM_MOLECULES, NUM_TASKS = 62_000, 1_328
LABELLED, POSITIVE = 0.11, 0.015
NUM_PEER_TASKS = 40
AGREEMENT = 1e-9


def main() -> None:
    """Prints the records, with CPU time and peak memory beside them."""
    cpu = time.process_time()
    records = scoring()
    seconds = round(time.process_time() - cpu, 1)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss >> 10
    print(json.dumps({"records": records, "cpu_seconds_in_all": seconds, "peak_rss_mib": peak}))  # noqa: T201 - a command


def scoring() -> list[dict[str, str | float]]:
    """Returns two records, of seconds without and with the bootstrap; ratios are how much faster ours is."""
    reference, prediction = pcba_size()
    _score(few_tasks(reference, 2), prediction[:, :2], replicates=2)  # compiles
    point, scores = _timed(reference, prediction, replicates=0)
    bootstrapped, _ = _timed(reference, prediction, replicates=REPLICATES)
    begin = time.perf_counter()
    peer = sklearn_values(few_tasks(reference, NUM_PEER_TASKS), prediction)
    peer_seconds = (time.perf_counter() - begin) * NUM_TASKS / NUM_PEER_TASKS
    for metric, values in peer.items():
        ours = scores.table.filter(metric=metric, aggregation="task")["value"].to_numpy()[:NUM_PEER_TASKS]
        if np.abs(ours - values).max() > AGREEMENT:
            raise AssertionError(f"{metric} is not scikit-learn's")
    replicated = peer_seconds * (1 + REPLICATES)
    return [
        _record("score, PCBA size, point values", point, peer_seconds),
        _record(f"score, PCBA size, {REPLICATES:,} replicates", bootstrapped, replicated),
    ]


def pcba_size(seed: int = 0) -> tuple[Reference, np.ndarray]:
    """Returns labels, and predictions (n, T) float32 that know a little of them."""
    rng = np.random.default_rng(seed)
    rows = [np.flatnonzero(rng.random(NUM_MOLECULES) < LABELLED).astype(np.int32) for _ in range(NUM_TASKS)]
    labels = [(rng.random(len(some)) < POSITIVE).astype(np.float64) for some in rows]
    prediction = rng.random((NUM_MOLECULES, NUM_TASKS), dtype=np.float32) * np.float32(0.7)
    for task, (some, of_task) in enumerate(zip(rows, labels, strict=True)):
        prediction[some, task] += 0.3 * of_task
    reference = Reference(
        dataset="pcba",
        split=Split.TEST,
        kind=Kind.BINARY,
        num_classes=None,
        tasks=tuple(f"t{task}" for task in range(NUM_TASKS)),
        units=(None,) * NUM_TASKS,
        mol_id=pl.Series(MOL_ID, [f"MOLECULE-{row:017}" for row in range(NUM_MOLECULES)]),
        num_nodes=None,
        starts=np.cumsum([0, *map(len, rows)]),
        rows=np.concatenate(rows),
        nodes=np.zeros(sum(map(len, rows)), np.int32),
        labels=np.concatenate(labels),
        train_mean=np.full(NUM_TASKS, np.nan),
        train_std=np.full(NUM_TASKS, np.nan),
        scorable=np.ones(NUM_TASKS, np.bool_),
        reliable=np.ones(NUM_TASKS, np.bool_),
        excluded={},
    )
    return reference, prediction


def few_tasks(reference: Reference, num_tasks: int) -> Reference:
    """Returns the labels of the first tasks alone."""
    end = int(reference.starts[num_tasks])
    by_task = ("tasks", "units", "train_mean", "train_std", "scorable", "reliable")
    cut = {name: getattr(reference, name)[:num_tasks] for name in by_task}
    cut |= {name: getattr(reference, name)[:end] for name in ("rows", "nodes", "labels")}
    return replace(reference, starts=reference.starts[: num_tasks + 1], **cut)


def sklearn_values(reference: Reference, prediction: np.ndarray) -> dict[str, list[float]]:
    """Returns AP, AUROC and cross-entropy of every task as scikit-learn has them."""
    values: dict[str, list[float]] = {"ap": [], "auroc": [], "bce": []}
    for task in range(len(reference.tasks)):
        cells = slice(reference.starts[task], reference.starts[task + 1])
        truth = reference.labels[cells]
        guess = prediction[reference.rows[cells], task].astype(np.float64)
        values["ap"].append(average_precision_score(truth, guess))
        values["auroc"].append(roc_auc_score(truth, guess))
        values["bce"].append(log_loss(truth, guess.clip(1e-7, 1 - 1e-7)))
    return values


def _timed(reference: Reference, prediction: np.ndarray, *, replicates: int) -> tuple[float, Scores]:
    begin = time.perf_counter()
    scores = _score(reference, prediction, replicates=replicates)
    return time.perf_counter() - begin, scores


def _score(reference: Reference, prediction: np.ndarray, *, replicates: int) -> Scores:
    resampling = resample("pcba", "test", num_molecules=len(reference.mol_id), replicates=replicates)
    return evaluate_reference(
        replace(reference, resampling=resampling),
        mol_id=reference.mol_id,
        prediction=prediction,
        seed=0,
        where="benchmark",
    ).over_seeds()


def _record(name: str, ours: float, peer: float) -> dict[str, str | float]:
    return {"name": name, "ours": round(ours, 3), "peer": round(peer, 1), "ratio": round(peer / ours, 1), "unit": "s"}


if __name__ == "__main__":
    main()
