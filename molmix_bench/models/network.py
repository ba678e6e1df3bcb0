"""A whole network: atoms to embeddings, embeddings to molecules, both to every dataset's outputs."""

from __future__ import annotations

from collections.abc import Iterable

from torch import Tensor, nn

from molmix_bench.graphs.batch import Batch, NodeLabels
from molmix_bench.models.heads import make_head
from molmix_bench.models.message_passing import MessagePassing
from molmix_bench.models.pooling import pool
from molmix_bench.specs.features import FeatureSpec
from molmix_bench.specs.result import Target
from molmix_bench.specs.run import GineSpec, Pooling


class Network(nn.Module):
    """Embeds atoms with `body`, pools them, and gives each dataset's molecules, or atoms, to that dataset's head.

    Args:
        body: from a batch to embeddings of its atoms, (num_nodes, width).
        pooling: how atoms become molecules.
        heads: by dataset, from embeddings to outputs.
    """

    def __init__(self, body: nn.Module, *, pooling: Pooling, heads: dict[str, nn.Module]) -> None:
        super().__init__()
        self.body = body
        self.pooling: Pooling = pooling
        self.datasets = tuple(heads)
        # A bare dataset name could be one of ModuleDict's own attributes, such as `train`.
        self.heads = nn.ModuleDict({f"{name}_head": head for name, head in heads.items()})

    def embed(self, batch: Batch) -> Tensor:
        """Returns the molecules' embeddings, (num_graphs, width)."""
        return self._pool(self.body(batch), batch)

    def forward(self, batch: Batch, *, every_atom: bool = False) -> dict[str, Tensor]:
        """Returns outputs by dataset, for the datasets the batch has labels of.

        Args:
            batch: with labels, whose values are not looked at.
            every_atom: for labels of atoms, outputs of all atoms of the molecules that have any, which predictions are
                made of; otherwise of the labelled atoms alone, which is all that a loss needs.

        Shapes:
            returns: each (n, num_outputs) float32, its rows those of `batch.labels[dataset].rows`, or, for labels of
                atoms, of `.nodes` or of `batch.nodes_of(rows)`.
        """
        nodes: Tensor = self.body(batch)
        graphs = self._pool(nodes, batch)
        outputs = {}
        for name in self.datasets:
            match batch.labels.get(name):
                case None:
                    continue
                case NodeLabels() as labels:
                    chosen = nodes.index_select(0, batch.nodes_of(labels.rows) if every_atom else labels.nodes)
                case labels:
                    chosen = graphs.index_select(0, labels.rows)
            outputs[name] = self.heads[f"{name}_head"](chosen)
        return outputs

    def _pool(self, nodes: Tensor, batch: Batch) -> Tensor:
        return pool(nodes, batch.batch, num_graphs=batch.num_graphs, pooling=self.pooling)


def make_network(spec: GineSpec, *, features: FeatureSpec, targets: Iterable[Target]) -> Network:
    """Returns the network that a model spec describes, with a head for each target and fresh weights.

    The weights come from torch's global random generator.
    """
    body = MessagePassing(spec, features=features)
    heads: dict[str, nn.Module] = {
        target.dataset: make_head(spec.head, spec.width, target, activation=spec.activation) for target in targets
    }
    return Network(body, pooling=spec.pooling, heads=heads)


def count_parameters(network: nn.Module) -> int:
    """Returns the number of trainable parameters.

    >>> count_parameters(nn.Linear(3, 2))
    8
    """
    return sum(parameter.numel() for parameter in network.parameters() if parameter.requires_grad)
