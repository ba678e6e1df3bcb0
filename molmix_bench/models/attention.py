"""Attention among all atoms of a molecule, for all molecules of a batch at once."""

from __future__ import annotations

import torch
import torch.nn.functional as F  # noqa: N812  # PyTorch's own name for it
from torch import Tensor, nn

from molmix_bench.graphs.batch import Batch
from molmix_bench.models.linear import Linear


class GraphAttention(nn.Module):
    """Multi-head attention (Vaswani et al., 2017) in which an atom sees the atoms of its own molecule, as PyTorch's.

    Args:
        width: of the embeddings.
        num_heads: a divisor of `width`.
        dropout: of attention weights.
    """

    def __init__(self, width: int, num_heads: int, *, dropout: float = 0.0) -> None:
        super().__init__()
        self.num_heads = num_heads
        self.dropout = dropout
        self.to_all = Linear(width, 3 * width)
        """Queries, keys and values in one multiplication."""
        self.out = Linear(width, width)
        nn.init.xavier_uniform_(self.to_all.weight)
        nn.init.zeros_(self.to_all.bias)
        nn.init.zeros_(self.out.bias)

    def forward(self, x: Tensor, batch: Batch) -> Tensor:
        """Returns the updated atoms.

        Shapes:
            x: (num_nodes, width), the atoms of each molecule one after the other.
            returns: (num_nodes, width).
        """
        sizes, longest = batch.ptr.diff(), batch.host_side.largest
        # Only the result of the multiplication is padded: each molecule to the size of the largest.
        places = torch.arange(len(x), device=x.device) - batch.ptr.index_select(0, batch.batch) + batch.batch * longest
        projected = self.to_all(x)
        padded = projected.new_zeros(len(sizes) * longest, projected.shape[1]).index_copy(0, places, projected)
        heads = padded.reshape(len(sizes), longest, 3, self.num_heads, -1).permute(2, 0, 3, 1, 4)
        present = torch.arange(longest, device=x.device)[None, :] < sizes[:, None]
        queries, keys, values = heads.unbind(0)
        mixed = F.scaled_dot_product_attention(
            queries,
            keys,
            values,
            attn_mask=present[:, None, None, :],
            dropout_p=self.dropout if self.training else 0.0,
        )
        flat = mixed.transpose(1, 2).reshape(len(padded), -1)
        result: Tensor = self.out(flat.index_select(0, places))
        return result
