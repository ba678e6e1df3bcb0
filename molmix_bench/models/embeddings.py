"""What layers take and give."""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor


@dataclass(frozen=True, slots=True)
class Embeddings:
    """Embeddings of a batch between two layers.

    Shapes:
        nodes: (num_nodes, width).
        edges: (num_edges, edge_width), of directed edges; None where layers look at the kinds of bonds alone.
        graphs: (num_graphs, width), of virtual nodes or of what layers keep of molecules; None where there is nothing.
    """

    nodes: Tensor
    edges: Tensor | None = None
    graphs: Tensor | None = None
