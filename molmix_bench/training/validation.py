"""Scores of a network's predictions under the protocol, and the few of them that are recorded after each epoch."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from molmix_bench.metrics.evaluate import evaluate_reference
from molmix_bench.metrics.protocol import Aggregation
from molmix_bench.metrics.reference import Reference, read_reference
from molmix_bench.metrics.scores import Scores
from molmix_bench.mix import Mix
from molmix_bench.training.predict import Predictions
from molmix_bench.vocab import Split

References = Mapping[str, Reference]
"""Labels of one split, by dataset that has any in it."""


def read_references(mix: Mix, datasets: Iterable[str], *, split: Split, replicates: int = 0) -> References:
    """Returns the labels of a split; scores have intervals where `replicates` of the bootstrap are asked for."""
    present = [name for name in datasets if split in mix.datasets[name].splits]
    return {name: read_reference(mix, name, split, replicates=replicates) for name in present}


def score_split(predictions: Mapping[str, Predictions], references: References, *, seed: int) -> Scores:
    """Returns the scores of one network's predictions for one split, all datasets in one table."""
    return Scores.concat(
        evaluate_reference(
            reference,
            mol_id=predictions[name].mol_id,
            prediction=predictions[name].values,
            num_nodes=predictions[name].num_nodes,
            seed=seed,
            where=f"predictions of {name}/{reference.split}, seed {seed}",
        )
        for name, reference in references.items()
    )


def macro_values(scores: Scores) -> dict[str, dict[str, float | None]]:
    """Returns the macro over scorable tasks, by dataset and metric."""
    rows = scores.table.filter(aggregation=str(Aggregation.MACRO))
    values: dict[str, dict[str, float | None]] = {}
    for dataset, metric, value in rows.select("dataset", "metric", "value").iter_rows():
        values.setdefault(dataset, {})[metric] = value
    return values
