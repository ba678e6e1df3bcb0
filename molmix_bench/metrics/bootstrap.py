"""Every metric of every task in every replicate of the bootstrap."""

from __future__ import annotations

import numpy as np

from molmix_bench.metrics.binary import cross_entropies
from molmix_bench.metrics.cells import Cells, FloatArray
from molmix_bench.metrics.multiclass import class_cross_entropies, one_vs_rest
from molmix_bench.metrics.resample import Resampling
from molmix_bench.metrics.resample_ranking import ranking_replicates
from molmix_bench.metrics.resample_regression import regression_replicates
from molmix_bench.metrics.resample_sums import weighted_sums
from molmix_bench.vocab import Kind


def metric_replicates(
    kind: Kind, cells: Cells, resampling: Resampling, *, train_std: FloatArray
) -> dict[str, FloatArray]:
    """Returns each metric of the kind in each replicate, (T, R): that of the cells, each as often as it is drawn.

    NaN, in all metrics at once, where a task is not scorable by the labels that are drawn.

    Args:
        kind: which metrics.
        cells: labels and predictions.
        resampling: the replicates.
        train_std: (T,), of which only regression makes use.
    """
    if kind is Kind.REGRESSION:
        return regression_replicates(cells, train_std, resampling)
    if kind is Kind.BINARY:
        return _binary_replicates(cells, resampling)
    return _multiclass_replicates(cells, resampling)


def _binary_replicates(cells: Cells, resampling: Resampling) -> dict[str, FloatArray]:
    ap, auroc, num_labels = ranking_replicates(cells, resampling)
    losses = weighted_sums(cells, cross_entropies(cells), resampling)
    return {"ap": ap, "auroc": auroc, "bce": np.where(np.isnan(ap), np.nan, losses / np.maximum(num_labels, 1))}


def _multiclass_replicates(cells: Cells, resampling: Resampling) -> dict[str, FloatArray]:
    num_classes = cells.predictions.shape[1]
    shape = (-1, num_classes, resampling.num_replicates)
    ap, auroc, num_labels = (values.reshape(shape) for values in ranking_replicates(one_vs_rest(cells), resampling))
    losses = weighted_sums(cells, class_cross_entropies(cells), resampling)
    # A class that is drawn has an AP where another is drawn too.
    present = ~np.isnan(ap)
    num_present = present.sum(axis=1)
    ce = losses / np.maximum(num_labels[:, 0], 1)
    means = {
        name: values.sum(axis=1, where=present) / np.maximum(num_present, 1)
        for name, values in (("ap", ap), ("auroc", auroc))
    }
    return {name: np.where(num_present > 0, values, np.nan) for name, values in (means | {"ce": ce}).items()}
