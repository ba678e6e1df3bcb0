"""A whole network: atoms to embeddings, embeddings to molecules, both to every dataset's outputs."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from torch import Tensor, nn

from molmix_bench.graphs.batch import Batch, NodeLabels
from molmix_bench.models.fingerprint_mlp import FingerprintBody
from molmix_bench.models.fingerprints import FingerprintRows
from molmix_bench.models.heads import make_head
from molmix_bench.models.imported import import_body
from molmix_bench.models.message_passing import MessagePassing
from molmix_bench.models.pooling import pool
from molmix_bench.specs.features import FeatureSpec
from molmix_bench.specs.model import FingerprintMlpSpec, ImportedSpec, Pooling, TrainedSpec
from molmix_bench.specs.result import Target
from molmix_bench.vocab import Level


class Network(nn.Module):
    """Embeds atoms with `body`, pools them, and gives each dataset's molecules, or atoms, to that dataset's head.

    Args:
        body: from a batch to embeddings of its atoms, (num_nodes, width).
        pooling: how atoms become molecules; None where the body gives embeddings of molecules, (num_graphs, width), and
            no dataset has labels of atoms.
        heads: by dataset, from embeddings to outputs.
    """

    def __init__(self, body: nn.Module, *, pooling: Pooling | None, heads: dict[str, nn.Module]) -> None:
        super().__init__()
        self.body = body
        self.pooling: Pooling | None = pooling
        self.datasets = tuple(heads)
        # A bare dataset name could be one of ModuleDict's own attributes, such as `train`.
        self.heads = nn.ModuleDict({f"{name}_head": head for name, head in heads.items()})

    def embed(self, batch: Batch) -> Tensor:
        """Returns the molecules' embeddings, (num_graphs, width)."""
        return self._pool(self.body(batch), batch)

    def embed_each_layer(self, batch: Batch) -> Iterator[Tensor]:
        """Yields the molecules' embeddings as atoms are first encoded, then after each layer, (num_graphs, width) each.

        Of a body that is no stack of layers of ours, it yields the last alone, what `embed` returns.
        """
        layers = self.body.each_layer(batch) if isinstance(self.body, MessagePassing) else iter([self.body(batch)])
        for nodes in layers:
            yield self._pool(nodes, batch)

    @property
    def num_layers(self) -> int:
        """The number of the last layer; 0 is that of the encoded atoms, and of a body without layers of ours."""
        return len(self.body.layers) if isinstance(self.body, MessagePassing) else 0

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
        if self.pooling is None:
            return nodes
        return pool(nodes, batch.batch, num_graphs=batch.num_graphs, pooling=self.pooling)


def make_network(spec: TrainedSpec, *, features: FeatureSpec, targets: Iterable[Target]) -> Network:
    """Returns the network that a model spec describes, with a head for each target and fresh weights.

    The weights come from torch's global random generator. A network on fingerprints has no head for labels of atoms,
    and needs `set_fingerprints` before it is used.

    Raises:
        RunError: a user's network cannot be imported, or does not give embeddings of atoms.
    """
    body, width, pooling = _make_body(spec, features)
    heads: dict[str, nn.Module] = {
        target.dataset: make_head(spec.head, width, target, activation=spec.activation)
        for target in targets
        if pooling is not None or target.level is Level.GRAPH
    }
    return Network(body, pooling=pooling, heads=heads)


def _make_body(spec: TrainedSpec, features: FeatureSpec) -> tuple[nn.Module, int, Pooling | None]:
    """Returns the body, the width of its embeddings, and how they are pooled."""
    match spec:
        case ImportedSpec():
            body, width = import_body(spec, features=features)
            return body, width, spec.pooling
        case FingerprintMlpSpec():
            return FingerprintBody(spec), spec.width, None
        case _:
            return MessagePassing(spec, features=features), spec.width, spec.pooling


def set_fingerprints(network: Network, table: FingerprintRows | None) -> Network:
    """Returns the network with the fingerprints of the store that it will get batches from, if it looks at them."""
    if isinstance(network.body, FingerprintBody):
        network.body.table = table
    return network


def count_parameters(network: nn.Module) -> int:
    """Returns the number of trainable parameters.

    >>> count_parameters(nn.Linear(3, 2))
    8
    """
    return sum(parameter.numel() for parameter in network.parameters() if parameter.requires_grad)
