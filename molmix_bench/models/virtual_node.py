"""One more node for each molecule, joined to all of its atoms (Gilmer et al., 2017), as OGB's baselines have it."""

from __future__ import annotations

import torch.nn.functional as F  # noqa: N812  # PyTorch's own name for it
from torch import nn

from molmix_bench.graphs.batch import Batch
from molmix_bench.models.blocks import make_mlp
from molmix_bench.models.embeddings import Embeddings
from molmix_bench.models.pooling import pool
from molmix_bench.specs.model import Activation, Norm


def tell_atoms(state: Embeddings, batch: Batch) -> Embeddings:
    """Returns the state with what each virtual node holds added to the atoms of its molecule."""
    if state.graphs is None:
        raise TypeError("there are no virtual nodes")
    nodes = state.nodes + state.graphs.to(state.nodes.dtype).index_select(0, batch.batch)
    return Embeddings(nodes, state.edges, state.graphs)


class VirtualUpdate(nn.Module):
    """Gives each virtual node what it and the atoms of its molecule add up to, through a perceptron.

    g' = g + dropout(mlp(g + sum of x_i)), or without the first g where there are no residuals.
    """

    def __init__(self, width: int, *, activation: Activation, norm: Norm, dropout: float, residual: bool) -> None:
        super().__init__()
        self.mlp = make_mlp([width, 2 * width, width], activation=activation, norm=norm)
        self.dropout = dropout
        self.residual = residual

    def forward(self, state: Embeddings, batch: Batch) -> Embeddings:
        """Returns the state with its virtual nodes updated, float32."""
        if state.graphs is None:
            raise TypeError("there are no virtual nodes")
        total = state.graphs + pool(state.nodes, batch.batch, num_graphs=batch.num_graphs, pooling="sum")
        update = F.dropout(self.mlp(total).float(), self.dropout, training=self.training)
        return Embeddings(state.nodes, state.edges, state.graphs + update if self.residual else update)
