"""From the codes and encodings of a batch to first embeddings of atoms and bonds."""

from __future__ import annotations

import torch
import torch.nn.functional as F  # noqa: N812  # PyTorch's own name for it
from torch import Tensor, nn

from molmix_bench.graphs.batch import Batch
from molmix_bench.models.blocks import BatchNorm
from molmix_bench.models.linear import Linear
from molmix_bench.specs.features import FeatureSpec
from molmix_bench.vocab import LAPLACIAN_VALUES, LAPLACIAN_VECTORS, RWSE


class CategoryTable(nn.Module):
    """Embeds rows of category codes: the sum of one learned vector per column's code.

    Args:
        sizes: how many codes each column can take.
        width: of the embedding.
    """

    def __init__(self, sizes: tuple[int, ...], width: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.empty(sum(sizes), width))
        # The sum over columns then has unit variance, whatever the number of columns.
        nn.init.normal_(self.weight, std=len(sizes) ** -0.5)
        starts = torch.tensor([0, *sizes[:-1]]).cumsum(0)
        self.register_buffer("starts", starts, persistent=False)
        self.starts: Tensor

    def forward(self, codes: Tensor) -> Tensor:
        """Returns one embedding per row.

        Shapes:
            codes: (n, num_columns) integers, each below its column's size.
            returns: (n, width).
        """
        return F.embedding_bag(codes.long() + self.starts, self.weight, mode="sum")


class EncodingEncoder(nn.Module):
    """Turns a batch's positional and structural encodings into one vector per atom.

    The sign of a Laplacian eigenvector is arbitrary. With `flip_signs`, training negates each eigenvector of each
    molecule with probability 1/2 (Dwivedi et al., "Benchmarking Graph Neural Networks", 2023), so that the network
    learns not to rely on it; evaluation takes the signs as stored.

    Args:
        features: which encodings the store holds, and how many of each.
        width: of the vector.
    """

    def __init__(self, features: FeatureSpec, width: int, *, flip_signs: bool) -> None:
        super().__init__()
        self.features = features
        self.flip_signs = flip_signs
        if features.rwse:
            self.rwse = nn.Sequential(BatchNorm(features.rwse), Linear(features.rwse, width))
        if features.laplacian:
            self.laplacian = nn.Sequential(
                Linear(2 * features.laplacian, 2 * features.laplacian),
                nn.ReLU(),
                Linear(2 * features.laplacian, width),
            )

    def forward(self, batch: Batch) -> Tensor | float:
        """Returns (num_nodes, width), or 0 where there are no encodings."""
        total: Tensor | float = 0.0
        if self.features.rwse:
            total = total + self.rwse(batch.encodings[RWSE])
        if self.features.laplacian:
            vectors = batch.encodings[LAPLACIAN_VECTORS]
            if self.training and self.flip_signs:
                vectors = vectors * _random_signs(batch.num_graphs, vectors).index_select(0, batch.batch)
            total = total + self.laplacian(torch.cat([vectors, batch.encodings[LAPLACIAN_VALUES]], dim=1))
        return total


def _random_signs(num_graphs: int, vectors: Tensor) -> Tensor:
    """Returns -1 or 1 for each eigenvector of each graph, (num_graphs, k)."""
    bits = torch.randint(2, (num_graphs, vectors.shape[1]), device=vectors.device)
    return (2 * bits - 1).to(vectors.dtype)


class AtomEncoder(nn.Module):
    """Embeds atoms: the categories of each distinct atom of the store once, then the encodings of each atom."""

    def __init__(self, sizes: tuple[int, ...], width: int, *, features: FeatureSpec, flip_signs: bool) -> None:
        super().__init__()
        self.categories = CategoryTable(sizes, width)
        self.encodings = EncodingEncoder(features, width, flip_signs=flip_signs)

    def forward(self, batch: Batch) -> Tensor:
        """Returns the first embeddings, (num_nodes, width)."""
        atoms: Tensor = self.categories(batch.atom_table)
        encoded: Tensor | float = self.encodings(batch)
        return atoms.index_select(0, batch.atom_code) + encoded
