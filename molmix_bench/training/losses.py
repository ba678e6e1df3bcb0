"""Losses of single labels, and their sum over those that are there.

A loss takes outputs and targets of any shape and returns one number per target. Missing targets (NaN) have no influence
on a sum or on any gradient.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F  # noqa: N812  # PyTorch's own name for it
from torch import Tensor

from molmix_bench.specs.run import ClassLossSpec


def absolute_errors(outputs: Tensor, targets: Tensor) -> Tensor:
    """Returns the absolute error of each value; of both, the same shape."""
    return F.l1_loss(outputs, targets, reduction="none")


def binary_errors(logits: Tensor, targets: Tensor) -> Tensor:
    """Returns the cross-entropy of each label, 0 or 1; of both, the same shape."""
    return F.binary_cross_entropy_with_logits(logits, targets, reduction="none")


def class_errors(logits: Tensor, targets: Tensor, spec: ClassLossSpec) -> Tensor:
    """Returns the loss of each class label: cross-entropy, mixed with the error of the expected class.

    The expected class is the mean of the classes' numbers under the predicted probabilities, so that a near miss costs
    less than a far one. It is the hybrid loss of the paper's library (Graphium, `HybridCELoss`), where `cross_entropy`
    is called alpha.

    Shapes:
        logits: (..., num_classes) float32.
        targets: (...,), classes from 0, as floats.
        returns: (...,)

    >>> certain = torch.tensor([[0.0, 0.0, 99.0]])
    >>> class_errors(certain, torch.tensor([1.0]), ClassLossSpec(cross_entropy=0.0, error="squared")).item()
    1.0
    """
    log_probabilities = logits.log_softmax(dim=-1)
    chosen = log_probabilities.gather(-1, targets.long().unsqueeze(-1))
    entropy = -chosen.squeeze(-1)
    if spec.cross_entropy == 1:
        return entropy
    classes = torch.arange(logits.shape[-1], dtype=logits.dtype, device=logits.device)
    expected = log_probabilities.exp() @ classes
    errors = (expected - targets).square() if spec.error == "squared" else (expected - targets).abs()
    return spec.cross_entropy * entropy + (1 - spec.cross_entropy) * errors


def sum_present(errors: Tensor, missing: Tensor) -> tuple[Tensor, Tensor]:
    """Returns the sum of the losses of labels that are there, and their number, both 0-dimensional.

    Shapes:
        errors, missing: the same; `missing` is bool.
    """
    # Selecting rather than indexing keeps the shapes fixed, so that a GPU is never asked how many labels there are.
    return errors.masked_fill(missing, 0.0).sum(), (~missing).sum()


def task_means(errors: Tensor, missing: Tensor) -> tuple[Tensor, Tensor]:
    """Returns the sum over tasks of the mean loss of their labels, and how many tasks have any, both 0-dimensional.

    Shapes:
        errors, missing: (n, num_tasks); `missing` is bool.

    >>> errors, missing = torch.tensor([[1.0, 6.0], [3.0, 9.0]]), torch.tensor([[False, False], [False, True]])
    >>> [value.item() for value in task_means(errors, missing)]
    [8.0, 2]
    """
    return _sum_means(errors.masked_fill(missing, 0.0).sum(dim=0), (~missing).sum(dim=0))


def sparse_task_means(errors: Tensor, tasks: Tensor, num_tasks: int) -> tuple[Tensor, Tensor]:
    """Returns the same as `task_means` for labels that are given one by one.

    Shapes:
        errors: (num_labels,)
        tasks: (num_labels,) int64.
    """
    sums = errors.new_zeros(num_tasks).index_add(0, tasks, errors)
    # Not by `bincount`, for whose size a GPU is asked which task is the largest.
    return _sum_means(sums, tasks.new_zeros(num_tasks).index_add(0, tasks, torch.ones_like(tasks)))


def _sum_means(sums: Tensor, counts: Tensor) -> tuple[Tensor, Tensor]:
    return (sums / counts.clamp(min=1)).sum(), (counts > 0).sum()
