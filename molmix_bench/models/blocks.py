"""The small pieces that layers and heads are made of: activations, norms, perceptrons."""

from __future__ import annotations

from itertools import pairwise
from typing import assert_never

import torch.nn.functional as F  # noqa: N812  # PyTorch's own name for it
from torch import Tensor, nn

from molmix_bench.models.linear import Linear
from molmix_bench.specs.model import Activation, Norm

ACTIVATIONS: dict[Activation, type[nn.Module]] = {"relu": nn.ReLU, "gelu": nn.GELU, "silu": nn.SiLU}


class BatchNorm(nn.BatchNorm1d):
    """Batch norm that also accepts fewer than two rows in training, where PyTorch's raises.

    One row has no variance. An epoch may end in a batch of one molecule of one atom, and a dataset may have one label
    in a batch; such rows are normalised by the running statistics and leave them as they are.
    """

    def forward(self, input: Tensor) -> Tensor:  # noqa: A002  # PyTorch's name
        """Returns the rows normalised, (n, num_features)."""
        if self.training and len(input) < 2:  # noqa: PLR2004  # a variance needs two
            return F.batch_norm(input, self.running_mean, self.running_var, self.weight, self.bias, eps=self.eps)
        return super().forward(input)


def make_norm(norm: Norm, width: int) -> nn.Module:
    """Returns a norm over rows of `width` features."""
    match norm:
        case "batch":
            return BatchNorm(width)
        case "layer":
            return nn.LayerNorm(width)
        case "none":
            return nn.Identity()
        case _:
            assert_never(norm)


def make_mlp(widths: list[int], *, activation: Activation, norm: Norm = "none", dropout: float = 0.0) -> nn.Sequential:
    """Returns a perceptron; norm, activation and dropout follow every linear layer but the last.

    Args:
        widths: of the input, of each hidden layer, and of the output.
        activation: which.
        norm: which.
        dropout: probability; 0 leaves the layers out.

    >>> [type(layer).__name__ for layer in make_mlp([4, 8, 2], activation="relu", norm="batch")]
    ['Linear', 'BatchNorm', 'ReLU', 'Linear']
    """
    layers: list[nn.Module] = []
    for position, (width_in, width_out) in enumerate(pairwise(widths)):
        layers.append(Linear(width_in, width_out))
        if position == len(widths) - 2:
            break
        if norm != "none":
            layers.append(make_norm(norm, width_out))
        layers.append(ACTIVATIONS[activation]())
        if dropout:
            layers.append(nn.Dropout(dropout))
    return nn.Sequential(*layers)
