"""Tests of pooling."""

from __future__ import annotations

import pytest
import torch
from torch_geometric.nn import global_add_pool, global_max_pool, global_mean_pool

from molmix_bench.models.pooling import pool

REFERENCES = {"sum": global_add_pool, "mean": global_mean_pool, "max": global_max_pool}


@pytest.mark.parametrize("pooling", REFERENCES)
def test_equals_pyg(pooling):
    """On random graphs, each kind of pooling gives what PyG's gives."""
    torch.manual_seed(0)
    batch = torch.randint(7, (40,)).sort().values
    x = torch.randn(40, 3)
    torch.testing.assert_close(pool(x, batch, num_graphs=7, pooling=pooling), REFERENCES[pooling](x, batch, 7))


@pytest.mark.parametrize("pooling", REFERENCES)
def test_graph_without_nodes_gets_zeros(pooling):
    """Graph 1 of 0..2 has no node; its embedding is 0, and so are those of no nodes at all."""
    x = torch.tensor([[-1.0], [-2.0]])
    assert pool(x, torch.tensor([0, 2]), num_graphs=3, pooling=pooling).flatten().tolist() == [-1.0, 0.0, -2.0]
    nothing = torch.empty(0, dtype=torch.long)
    assert pool(torch.empty(0, 2), nothing, num_graphs=1, pooling=pooling).tolist() == [[0.0, 0.0]]


def test_sums_many_half_precision_atoms_exactly():
    """1,001 ones in bfloat16 sum to 1,001, a number that bfloat16 itself has not."""
    x = torch.ones(1_001, 1, dtype=torch.bfloat16)
    assert pool(x, torch.zeros(1_001, dtype=torch.long), num_graphs=1, pooling="sum").item() == 1_001
