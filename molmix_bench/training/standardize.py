"""Labels as multiples of their standard deviation in the train split, and back."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor


@dataclass(frozen=True, slots=True)
class Standardizer:
    """Subtracts each task's mean and divides by its standard deviation, in float64.

    QM9's total energies need it: float32 resolves 3e-5 of their -400 Hartree, and what is learnt of them is not much
    more than that once the atoms' share is known.

    Shapes:
        mean, std: (num_tasks,) float64, in the tasks' units.
    """

    mean: Tensor
    std: Tensor

    @classmethod
    def of(cls, mean: Sequence[float], std: Sequence[float], *, device: torch.device) -> Standardizer:
        """Returns the standardizer with these statistics, which `tasks.parquet` publishes."""
        return cls(*(torch.tensor(values, dtype=torch.float64, device=device) for values in (mean, std)))

    def standardize(self, values: Tensor, tasks: Tensor | None = None) -> Tensor:
        """Returns labels without unit, float32; NaN stays NaN.

        Args:
            values: labels in the tasks' units.
            tasks: the task of each value; None where the values are a table with a column per task.

        Shapes:
            values: (num_labels,) where there are `tasks`, else (n, num_tasks).
            tasks: (num_labels,) int64.

        >>> Standardizer.of([10.0], [2.0], device=torch.device("cpu")).standardize(torch.tensor([[14.0]])).item()
        2.0
        """
        mean, std = (self.mean, self.std) if tasks is None else (self.mean[tasks], self.std[tasks])
        return ((values.double() - mean) / std).float()

    def restore(self, outputs: Tensor) -> Tensor:
        """Returns values in the tasks' units, float64."""
        return outputs.double() * self.std + self.mean
