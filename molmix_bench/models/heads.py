"""From embeddings to one dataset's outputs."""

from __future__ import annotations

from torch import Tensor, nn

from molmix_bench.models.blocks import BatchNorm, make_mlp
from molmix_bench.specs.model import Activation, HeadSpec
from molmix_bench.specs.result import Target


class Head(nn.Module):
    """A perceptron with one output per task, standardised values (regression) or logits (binary), or one per class.

    The logits of multiclass tasks stand task by task: those of the first task's classes, then those of the second's.

    Args:
        spec: depth, width and dropout.
        width: of the embeddings.
        num_outputs: of the last layer.
    """

    def __init__(self, spec: HeadSpec, width: int, num_outputs: int, *, activation: Activation) -> None:
        super().__init__()
        self.width = width
        widths = [width, *[spec.width] * (spec.depth - 1), num_outputs]
        self.mlp = make_mlp(widths, activation=activation, dropout=spec.dropout)

    def forward(self, embeddings: Tensor) -> Tensor:
        """Returns outputs in float32, (n, num_outputs), for embeddings of molecules or of atoms, (n, width)."""
        outputs: Tensor = self.mlp(embeddings)
        return outputs.float()


class NormedHead(nn.Module):
    """A head that first brings embeddings to one scale, by a batch norm.

    Embeddings of a body that was trained with other heads have any scale, and few labels do not make up for it.
    """

    def __init__(self, head: Head, width: int) -> None:
        super().__init__()
        self.norm = BatchNorm(width)
        self.head = head

    def forward(self, embeddings: Tensor) -> Tensor:
        """Returns outputs in float32, (n, num_outputs), for embeddings, (n, width)."""
        outputs: Tensor = self.head(self.norm(embeddings.float()))
        return outputs


def make_head(spec: HeadSpec, width: int, target: Target, *, activation: Activation) -> Head:
    """Returns the head for a target."""
    return Head(spec, width, target.num_outputs, activation=activation)
