"""Boards of as many submissions as wanted, whose scores are made up: for looks and times of pages, not for numbers.

Only scores and statements are; mixes are built, and ranks follow from the replicates as they always do.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from leaderboard.entries import Entry, Verification
from leaderboard.site.records import Action, LogRecord, Move
from molmix_bench.metrics.protocol import METRICS, PROTOCOL, Metric
from molmix_bench.metrics.scores import EXCLUDED_SCHEMA, TABLE_SCHEMA, Scores
from molmix_bench.mix import Dataset, Mix
from molmix_bench.specs.base import validate_spec
from molmix_bench.specs.submission import SubmissionSpec
from molmix_bench.submissions.entry import HashedFile, ScoredSubmission
from tests.build.tiny import ALKANES, build_tiny, table_source
from tests.submissions.honest import facts_of

FAMILIES = ("gcn", "gin", "gine", "gatedgcn", "mpnn", "gps", "ecfp-rf", "ecfp-mlp", "attentive", "painn", "unimol")
NAMES = ("Ada Lovelace", "Dorothy Hodgkin", "Linus Pauling", "Rosalind Franklin", "Kathleen Lonsdale", "August Kekulé")
FIRST_DAY = datetime(2026, 1, 12, 9, 30, tzinfo=UTC)
REPLICATES = 1_000


def build_wide_mix(folder: Path, tasks: dict[str, int]) -> Mix:
    """Builds a mix of forty molecules and of datasets with as many tasks as told.

    What begins with `pcba` or `tox` is binary, `l1000` has five classes, others are numbers.
    """
    sources = []
    for dataset, count in tasks.items():
        kind = "binary" if dataset.startswith(("pcba", "tox")) else "multiclass" if "l1000" in dataset else "regression"
        head = ",".join(["smiles", *(f"{dataset}-{task + 1}" for task in range(count))])
        rng = np.random.default_rng(len(dataset))
        top = {"binary": 2, "multiclass": 5, "regression": 100}[kind]
        rows = (
            ",".join([text, *map(str, line)])
            for text, line in zip(ALKANES, rng.integers(0, top, (len(ALKANES), count)).tolist(), strict=True)
        )
        more: dict[str, Any] = {"num_classes": 5} if kind == "multiclass" else {}
        text = "\n".join([head, *rows, ""])
        sources.append(table_source(dataset, text, folder, kind=kind, **more))
    return build_tiny(folder, *sources, validation=0.1, test=0.6)


@dataclass(frozen=True, slots=True)
class _Model:
    """A made-up model: how good it is, and what it says of itself."""

    place: int
    quality: float
    parameters: int


def make_entries(mix: Mix, count: int, *, seed: int = 0) -> tuple[Entry, ...]:
    """Returns submissions of made-up scores to all of a mix's test splits."""
    rng = np.random.default_rng(seed)
    difficulty = {name: rng.beta(2, 2, len(dataset.tasks)) for name, dataset in mix.datasets.items()}
    shared = {name: rng.normal(size=REPLICATES) for name in mix.datasets}
    entries = []
    for place in range(count):
        size = float(rng.uniform(3.6, 8.6))
        quality = float(0.28 + 0.07 * (size - 3.6) + 0.05 * rng.normal())
        model = _Model(place, quality, int(10**size))
        entries.append(_entry(mix, model, rng, difficulty, shared))
    return tuple(entries)


def _entry(mix: Mix, model: _Model, rng: np.random.Generator, difficulty: dict, shared: dict) -> Entry:
    spec = _spec(mix, model, rng)
    rows, macros, replicates = [], [], []
    for name, dataset in mix.datasets.items():
        noise = 0.9 * shared[name] + 0.45 * rng.normal(size=REPLICATES)
        for metric in METRICS[dataset.kind]:
            if metric.in_units:
                continue
            table, macro, deviations = _scores(dataset, metric, model, rng, difficulty[name])
            rows.append(table)
            macros.append(macro)
            replicates.append(macro["value"][0] + deviations * noise)
    table = pl.concat([*macros, *rows])
    excluded = pl.DataFrame(schema=EXCLUDED_SCHEMA)
    name = f"{spec.model}-{model.place}"
    files = tuple(
        HashedFile(
            f"predictions/{dataset}/test/seed={seed}.parquet",
            sha256(f"{name}{dataset}{seed}".encode()).hexdigest(),
            48_211,
        )
        for dataset in mix.datasets
        for seed in spec.seeds
    )
    scored = ScoredSubmission(
        spec,
        files,
        Scores(table, excluded),
        Scores(pl.concat(macros).filter(aggregation="macro"), excluded, replicates=np.stack(replicates)),
    )
    state = Verification.REPRODUCED if model.place % 9 == 0 else Verification.SCORED
    return Entry(name, mix, scored, state, FIRST_DAY + timedelta(hours=float(40 * model.place % 5_800)))


def _scores(dataset: Dataset, metric: Metric, model: _Model, rng: np.random.Generator, difficulty: np.ndarray) -> tuple:
    """Returns rows of tasks, those of all tasks, and the width of the interval."""
    values = np.clip(model.quality + 0.35 * (difficulty - 0.5) + 0.02 * rng.normal(size=len(difficulty)), 0.01, 0.99)
    values = values if metric.direction == "higher" else 1 - values
    half = 0.02 + 0.04 * rng.random(len(values))
    width = 0.012
    base = {
        "protocol": PROTOCOL,
        "dataset": dataset.name,
        "split": "test",
        "metric": metric.name,
        "n_seeds": 3,
        "direction": metric.direction,
        "primary": metric.primary,
    }
    tasks = pl.DataFrame(
        {"task": dataset.tasks, "value": values, "ci_low": values - half, "ci_high": values + half, "std": half / 4}
    ).with_columns(
        pl.lit("task").alias("aggregation"),
        pl.lit(1).alias("n_tasks"),
        pl.lit(len(ALKANES)).alias("n_labels"),
        *(pl.lit(value).alias(key) for key, value in base.items()),
        pl.lit(None, pl.Int64).alias("seed"),
    )
    mean = float(values.mean())
    macro = [
        base
        | {
            "aggregation": kind,
            "value": mean + shift,
            "std": width / 5,
            "n_tasks": len(values),
            "ci_low": mean + shift - 1.96 * width,
            "ci_high": mean + shift + 1.96 * width,
        }
        for kind, shift in (("macro", 0.0), ("macro_reliable", 0.004))
    ]
    return tasks.select(*TABLE_SCHEMA).cast(pl.Schema(TABLE_SCHEMA)), pl.DataFrame(macro, schema=TABLE_SCHEMA), width


def _spec(mix: Mix, model: _Model, rng: np.random.Generator) -> SubmissionSpec:
    record = {
        "name": mix.name,
        "version": mix.version,
        "build_key": mix.manifest.build_key,
        "datasets": list(mix.datasets),
    }
    facts = facts_of(record, splits=("test",), seeds=(0, 1, 2))
    external = [
        {"name": "ChEMBL 34", "url": "https://example.org/chembl", "use": "pretraining; test molecules removed"}
    ]
    closed = model.place % 7 == 3
    facts |= {
        "model": FAMILIES[model.place % len(FAMILIES)],
        "version": f"{1 + model.place // 40}.{model.place % 5}.0",
        "authors": [{"name": name} for name in rng.choice(NAMES, 1 + model.place % 3, replace=False).tolist()],
        "parameters": model.parameters,
        "licence": {"code": "MIT", "weights": "LicenseRef-Proprietary" if closed else "CC-BY-4.0"},
        "hours": round(float(rng.uniform(0.2, 90)), 1),
        "training_data": facts["training_data"] | {"external_data": external if model.place % 4 == 2 else []},
    }
    return validate_spec(SubmissionSpec, facts, where="made up")


def make_log(entries: tuple[Entry, ...], text: str = "Scored from predictions.") -> tuple[LogRecord, ...]:
    """Returns a record of each action, the last with what moved."""
    entry = entries[0]
    model = f"{entry.submission.spec.model} {entry.submission.spec.version}"
    dataset = next(iter(entry.mix.datasets))
    move = Move(entry.name, model, dataset, "test", "mae_standardised", 0.52, 0.49, 3, 2)
    return tuple(
        LogRecord(
            at=FIRST_DAY + timedelta(days=10 * place),
            action=action,
            mix=entry.mix.name,
            text=text,
            entry=None if action is Action.RESCORED else entry.name,
            model=None if action is Action.RESCORED else model,
            moves=(move,) if action is Action.RESCORED else (),
        )
        for place, action in enumerate(Action)
    )
