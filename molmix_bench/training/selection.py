"""Which epoch's weights predict, when they are chosen on validation.

After each epoch the validation split of every dataset is scored under the protocol. The epoch with the lowest mean
over datasets of the primary metric is chosen, where a metric of which higher is better counts as 1 minus its value:
standardised MAE for regression, 1 - AP for binary and multiclass. Each dataset counts the same, whatever its size;
datasets without a scorable validation task are left out. Of equal epochs the earliest is taken. Without a scorable
task in any dataset nothing can be chosen, and the last epoch is taken.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from molmix_bench.metrics.protocol import METRICS
from molmix_bench.vocab import Kind


def selection_value(validation: Mapping[str, Mapping[str, float | None]], kinds: Mapping[str, Kind]) -> float | None:
    """Returns the number that choosing an epoch minimises, or nothing where no dataset has a scorable task.

    Args:
        validation: by dataset and metric, the macro over scorable tasks; null without any.
        kinds: by dataset.

    >>> scores = {"zinc12k": {"mae_standardised": 0.1}, "tox21": {"ap": 0.4, "auroc": 0.8}}
    >>> selection_value(scores, {"zinc12k": Kind.REGRESSION, "tox21": Kind.BINARY})
    0.35
    """
    values = [value for name, scores in validation.items() for value in _as_losses(scores, kinds[name])]
    return sum(values) / len(values) if values else None


def _as_losses(scores: Mapping[str, float | None], kind: Kind) -> Iterable[float]:
    primary = METRICS[kind][0]
    value = scores.get(primary.name)
    if value is not None:
        yield value if primary.direction == "lower" else 1 - value


def is_better(value: float | None, best: float | None) -> bool:
    """Whether an epoch's value beats the best so far; without values the later epoch does.

    >>> is_better(0.3, 0.4), is_better(0.4, 0.4), is_better(None, None)
    (True, False, True)
    """
    return value is None or best is None or value < best
