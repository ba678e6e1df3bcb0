"""A finished fine-tuning: its scores side by side, and what it leaves to predict with."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from molmix_bench.metrics.cells import BoolArray
from molmix_bench.metrics.compare import differences
from molmix_bench.metrics.evaluate import evaluate_reference
from molmix_bench.metrics.folds import over_folds
from molmix_bench.metrics.protocol import REPLICATES, Aggregation
from molmix_bench.metrics.scores import Scores
from molmix_bench.specs.finetune import FinetuneResult, FinetuneSpec, Method, PieceResult
from molmix_bench.specs.result import Target
from molmix_bench.specs.run import RunSpec
from molmix_bench.training.folder import PIECES
from molmix_bench.transfer.fold_data import FoldData
from molmix_bench.transfer.folder import FinetuneFolder, read_piece, read_written
from molmix_bench.transfer.scoring import Part, make_reference, parts_of, primary_metric
from molmix_bench.vocab import MOL_ID, SMILES

Tested = Mapping[tuple[Method, int, int], NDArray[np.floating]]
"""Predictions of the molecules tested, by method, fold and seed."""
_PARTS: tuple[Part, ...] = ("all", "new", "seen")


@dataclass(frozen=True, slots=True)
class Finetuned:
    """A finished fine-tuning, read from its directory."""

    folder: FinetuneFolder
    spec: RunSpec
    """Of its networks."""
    targets: tuple[Target, ...]
    """What the networks of each fold predict."""
    result: FinetuneResult

    @property
    def path(self) -> Path:
        """The directory."""
        return self.folder.path

    @property
    def primary(self) -> str:
        """The metric by which methods are compared."""
        return primary_metric(self.result.origin.data.kind)

    def scores(self) -> pl.DataFrame:
        """Returns all scores, those of single tasks among them, with the columns `method` and `part`."""
        return pl.DataFrame(json.loads(self.folder.scores.read_text(encoding="utf-8")), infer_schema_length=None)

    def summary(self) -> pl.DataFrame:
        """Returns the macro of each metric by method and part: the table to print.

        `verdict` says of a reference or another mode whether the first mode is better than it, worse, or neither by the
        interval of their difference, or that there is no interval or no score.
        """
        columns = ["part", "method", "metric", "direction", "value", "ci_low", "ci_high", "std", "n_seeds", "n_labels"]
        rows = pl.DataFrame(self.result.scores, infer_schema_length=None)
        rows = rows.filter(aggregation=str(Aggregation.MACRO)).select(columns)
        wanted = ["method", "metric", "difference", "difference_low", "difference_high", "verdict"]
        found = pl.DataFrame(self.result.differences, infer_schema_length=None)
        if found.is_empty():
            return rows
        found = found.select(wanted).with_columns(part=pl.lit("all"))
        return rows.join(found, on=["part", "method", "metric"], how="left", maintain_order="left")

    def drops(self) -> pl.DataFrame:
        """Returns the rows and labels of the file that were not learnt, with reasons."""
        return read_written(self.folder.drops)

    def molecules(self) -> pl.DataFrame:
        """Returns what was learnt: identities, labels, and whether the run had seen them."""
        return read_written(self.folder.molecules)

    def predictions(self) -> pl.DataFrame:
        """Returns labels and predictions of the molecules tested, each by networks that did not see it."""
        return read_written(self.folder.predictions)


def open_finetuned(path: str | Path) -> Finetuned:
    """Returns the finished fine-tuning in a directory.

    Raises:
        UsageError: the directory holds none.
        RunError: it is not finished.
    """
    folder = FinetuneFolder(Path(path))
    result = folder.read_result()
    return Finetuned(folder, folder.read_run_spec(), folder.read_targets(), result)


def is_finetuned(path: Path) -> bool:
    """Whether a directory holds a fine-tuning, finished or not."""
    return FinetuneFolder(path).origin.is_file() and (path / PIECES).is_dir()


@dataclass(frozen=True, slots=True, eq=False)
class Outcome:
    """What a finished fine-tuning writes; see `FinetuneResult`."""

    pieces: tuple[PieceResult, ...]
    scores: tuple[dict[str, Any], ...]
    scores_json: str
    differences: tuple[dict[str, Any], ...]
    excluded: tuple[dict[str, Any], ...]
    predictions: pl.DataFrame
    notes: tuple[str, ...]


def summarise(
    folder: FinetuneFolder,
    spec: FinetuneSpec,
    folded: tuple[FoldData, ...],
    *,
    seen: BoolArray | None,
    seeds: Mapping[Method, tuple[int, ...]],
) -> Outcome:
    """Returns all pieces scored together.

    Args:
        folder: where they lie.
        spec: which there are.
        folded: the folds.
        seen: which molecules the run had labels of; None where nobody looked.
        seeds: of each method.
    """
    pieces: list[PieceResult] = []
    tested: dict[tuple[Method, int, int], NDArray[np.floating]] = {}
    for method in spec.methods:
        for fold in range(len(folded)):
            for seed in seeds[method]:
                piece, tested[method, fold, seed] = read_piece(folder.piece(method, fold, seed))
                pieces.append(piece)
    found = {
        (part, method): scores
        for part in _PARTS
        for method in spec.methods
        if (scores := _score(tested, method, folded, part=part, seen=seen, seeds=seeds[method])) is not None
    }
    tables = [
        scores.table.with_columns(pl.lit(method).alias("method"), pl.lit(part).alias("part"))
        for (part, method), scores in found.items()
    ]
    rows = pl.concat(tables).to_dicts()
    first = spec.methods[0]
    return Outcome(
        pieces=tuple(pieces),
        scores=tuple(row for row in rows if row["task"] is None),
        scores_json=json.dumps(rows, ensure_ascii=False, allow_nan=False),
        differences=tuple(row for method in spec.methods[1:] for row in _compare(found, first, method)),
        excluded=tuple(found["all", first].excluded.to_dicts()),
        predictions=_predictions(tested, first, folded, seen=seen, seeds=seeds[first]),
        notes=_notes(spec, folded, seen=seen, seeds=seeds),
    )


def _score(
    tested: Tested,
    method: Method,
    folded: tuple[FoldData, ...],
    *,
    part: Part,
    seen: BoolArray | None,
    seeds: tuple[int, ...],
) -> Scores | None:
    """Returns the means of a method over folds and seeds, of one part of the molecules; None where it has none."""
    by_seed = []
    for seed in seeds:
        scored = []
        for number, data in enumerate(folded):
            chosen = parts_of(data.fold.test, seen).get(part)
            if chosen is None or not chosen.any():
                continue
            places = data.fold.test[chosen]
            reference = make_reference(
                data.target,
                data.ids(places),
                data.labels[places],
                train=data.train_labels,
                resampled=(f"{part}/fold {number}", REPLICATES),
            )
            scored.append(
                evaluate_reference(
                    reference,
                    mol_id=reference.mol_id,
                    prediction=tested[method, number, seed][chosen],
                    seed=seed,
                    where=f"predictions of {data.target.dataset}, {method}, fold {number}, seed {seed}",
                )
            )
        if scored:
            by_seed.append(over_folds(scored))
    return Scores.concat(by_seed).over_seeds() if by_seed else None


def _compare(found: Mapping[tuple[Part, Method], Scores], first: Method, other: Method) -> list[dict[str, Any]]:
    """Returns the differences of the first method from another, over several tasks."""
    table = differences(found["all", first], found["all", other], names=("first", "other"))
    rows = table.filter(pl.col("task").is_null(), aggregation=str(Aggregation.MACRO))
    return [
        {
            "method": other,
            "against": first,
            "metric": row["metric"],
            "direction": row["direction"],
            "primary": row["primary"],
            "difference": row["difference"],
            "difference_low": row["ci_low"],
            "difference_high": row["ci_high"],
            "verdict": _verdict(row, first),
        }
        for row in rows.iter_rows(named=True)
    ]


def _verdict(row: Mapping[str, Any], first: Method) -> str:
    """Returns what the interval of a difference says, where there is one."""
    if row["difference"] is None:
        return "not scored"
    if row["ci_low"] is None:
        return "no interval"
    return {"first": f"{first} better", "other": f"{first} worse", None: "no difference"}[row["better"]]


def _predictions(
    tested: Tested, first: Method, folded: tuple[FoldData, ...], *, seen: BoolArray | None, seeds: tuple[int, ...]
) -> pl.DataFrame:
    """Returns labels and predictions of the molecules tested: the mean over seeds, and how far these spread."""
    frames = []
    for number, data in enumerate(folded):
        test = data.fold.test
        values = np.stack([tested[first, number, seed] for seed in seeds]).astype(np.float64)
        spread = values.std(axis=0, ddof=1) if len(seeds) > 1 else np.full(values.shape[1:], np.nan)
        frame = pl.DataFrame(
            {
                MOL_ID: data.ids(test),
                SMILES: [data.smiles[place] for place in test.tolist()],
                "fold": np.full(len(test), number),
                "seen": pl.Series([None] * len(test) if seen is None else seen[test], dtype=pl.Boolean),
                "labels": _lists(data.labels[test]),
                "prediction": _lists(values.mean(axis=0)),
                "spread": _lists(spread),
            }
        )
        frames.append(frame)
    return pl.concat(frames)


def _lists(values: NDArray[np.floating]) -> pl.Series:
    """Returns rows of numbers, (n, k), as lists, in which null is missing."""
    rows = [[None if np.isnan(value) else float(value) for value in row] for row in values.tolist()]
    return pl.Series(rows, dtype=pl.List(pl.Float64))


def _notes(
    spec: FinetuneSpec,
    folded: tuple[FoldData, ...],
    *,
    seen: BoolArray | None,
    seeds: Mapping[Method, tuple[int, ...]],
) -> tuple[str, ...]:
    """Returns what a reader of the scores has to know."""
    notes = []
    if len(folded) > 1:
        notes.append(f"scores are means over {len(folded)} folds; intervals are of a bootstrap over molecules")
    if len(spec.seeds) == 1:
        told = "intervals and verdicts are of the molecules tested alone"
        notes.append(f"one seed: {told}; how far another seed would have come out is not known")
    once = [method for method in spec.methods if len(seeds[method]) < len(spec.seeds)]
    if once:
        notes.append(f"fitted with fewer seeds, as nothing else about them is random: {', '.join(once)}")
    if seen is None and spec.modes:
        notes.append("nobody looked which molecules the run had seen in training; scores may flatter it")
    elif seen is not None and seen.any():
        share = f"{int(seen.sum()):,} of {len(seen):,} molecules were in the labels of the run's mix"
        notes.append(f"{share}; they are scored apart as `seen`, all others as `new`")
    return tuple(notes)
