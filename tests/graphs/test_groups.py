"""Tests of adding up rows by groups."""

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from molmix_bench.graphs.groups import Groups


@given(st.lists(st.integers(0, 6), max_size=40))
def test_groups_of_any_index(index):
    """The order is that of a stable sort, and each group's rows are those that have its index."""
    tensor = torch.tensor(index, dtype=torch.int64)
    groups = Groups.of(tensor, 7)
    assert groups.order.tolist() == tensor.sort(stable=True).indices.tolist()
    found = [groups.order[begin:end].tolist() for begin, end in zip(groups.ptr[:-1], groups.ptr[1:], strict=True)]
    assert found == [[row for row, group in enumerate(index) if group == wanted] for wanted in range(7)]


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_add_up_equals_adding_by_index(dtype):
    """Sums are those of `index_add` in float64, up to the rounding of their precision; empty groups are 0."""
    torch.manual_seed(0)
    index = torch.randint(5, (300,), dtype=torch.int32)
    rows = torch.randn(300, 24).to(dtype)
    expected = torch.zeros(7, 24, dtype=torch.float64).index_add(0, index, rows.double())
    torch.testing.assert_close(
        Groups.of(index, 7).add_up(rows), expected.to(dtype), rtol=2 * torch.finfo(dtype).eps, atol=1e-5
    )


def test_mirrored():
    """The groups of the sources of edges in pairs are those that are found anew."""
    pairs = torch.tensor([[0, 1], [1, 2], [0, 2], [3, 0]])
    source, target = pairs.flatten(), pairs.flip(1).flatten()
    mirrored, anew = Groups.of(target, 4).mirrored(source), Groups.of(source, 4)
    rows = torch.randn(8, 3)
    torch.testing.assert_close(mirrored.add_up(rows), anew.add_up(rows))
    assert mirrored.ptr.tolist() == anew.ptr.tolist()


def test_an_index_out_of_range_is_refused():
    """No memory outside the arrays is written to."""
    for index in ([3], [-1]):
        with pytest.raises(IndexError, match="no such group"):
            Groups.of(torch.tensor(index), 3)
