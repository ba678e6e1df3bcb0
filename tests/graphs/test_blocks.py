"""Tests of the streaming order: what it reads, and how far apart what it reads stands in the store."""

from __future__ import annotations

import mmap
from itertools import chain
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from molmix_bench.errors import UsageError
from molmix_bench.graphs.blocks import block_order, buffer_ends, buffer_starts, release
from molmix_bench.graphs.collate import Collator
from molmix_bench.graphs.encodings import encode
from molmix_bench.graphs.label_tables import DenseTable
from molmix_bench.graphs.layout import map_array
from molmix_bench.graphs.loader import Loader
from molmix_bench.graphs.order import Order, generator
from molmix_bench.graphs.source import LoaderSource
from molmix_bench.specs.features import FeatureSpec
from tests.graphs.reference import of_smiles

GRAPHS = of_smiles(*("C" * (1 + index % 5) for index in range(60)))
COLLATE = Collator(GRAPHS, encode(GRAPHS, FeatureSpec(rwse=0, laplacian=0)))

num_molecules = st.integers(0, 60)
batch_sizes = st.integers(1, 9)
seeds = st.integers(0, 2**64 - 1)
block_sizes = st.integers(1, 20)
buffers = st.integers(1, 5)


def _loader(count=60, *, batch_size=4, seed=0, epoch=0, labels=None, only_labelled=False, **order):
    source = LoaderSource(np.arange(count), labels or {}, COLLATE)
    return Loader(
        source, batch_size=batch_size, seed=seed, epoch=epoch, only_labelled=only_labelled, order=Order(**order)
    )


def _batches(loader):
    return [batch.molecules.tolist() for batch in loader]


@given(num_molecules, batch_sizes, seeds, block_sizes, buffers, st.integers(1, 4))
def test_ranks_partition_an_epoch(count, batch_size, seed, block_size, buffer_blocks, world_size):
    """Every molecule comes once, and all ranks together have the batches of one process."""
    order = {"block_size": block_size, "buffer_blocks": buffer_blocks}
    alone = _batches(_loader(count, batch_size=batch_size, seed=seed, **order))
    assert sorted(chain(*alone)) == list(range(count))
    shares = [
        _batches(_loader(count, batch_size=batch_size, seed=seed, rank=rank, world_size=world_size, **order))
        for rank in range(world_size)
    ]
    assert [batch for place in range(len(shares[0])) for share in shares for batch in share[place : place + 1]] == alone


@given(num_molecules, seeds, block_sizes, buffers)
def test_a_buffer_holds_whole_blocks(count, seed, block_size, buffer_blocks):
    """Each run of a buffer's length is made of so many blocks, none of which comes in another run.

    The last block of the store may be smaller, so the first run in which it is begins to shift the others: runs are
    therefore told apart by their blocks, in plain Python.
    """
    order = block_order(count, generator(seed, 0), block_size=block_size, buffer_blocks=buffer_blocks).tolist()
    seen: list[int] = []
    while order:
        blocks = []
        while order and (len(blocks) < buffer_blocks or order[0] // block_size in blocks):
            block = order[0] // block_size
            if block not in blocks:
                assert block not in seen
                blocks.append(block)
            order.pop(0)
        seen += blocks
    assert sorted(seen) == list(range(-(-count // block_size)))


def test_locality():
    """Any window of a buffer's length touches at most the blocks of two buffers; shuffling all touches nearly all."""
    size, block_size, buffer_blocks = 100_000, 100, 8
    length = block_size * buffer_blocks

    def _touched(order):
        return [len(np.unique(order[start : start + length] // block_size)) for start in range(0, size - length, 333)]

    blocks = block_order(size, generator(3, 1), block_size=block_size, buffer_blocks=buffer_blocks)
    assert max(_touched(blocks)) <= 2 * buffer_blocks
    # With 1,000 blocks of 100, 800 draws miss each block with a chance of e^-0.8: 551 are touched.
    everything = block_order(size, generator(3, 1), block_size=1, buffer_blocks=size)
    assert min(_touched(everything)) > 500


def test_one_buffer_for_all_is_a_full_shuffle():
    """Where the buffer holds every block, each molecule is as likely at each place: chi-squared over 4,000 seeds."""
    counts = np.zeros((6, 6))
    for seed in range(4_000):
        counts[np.arange(6), block_order(6, generator(seed, 0), block_size=2, buffer_blocks=3)] += 1
    expected = 4_000 / 6
    # 25 degrees of freedom: 52.6 is exceeded once in a thousand.
    assert ((counts - expected) ** 2 / expected).sum() < 52.6


def test_key_decides_the_order():
    """Seed and epoch decide the order, each of them matters, and iterating again gives the same."""
    order = {"block_size": 7, "buffer_blocks": 3}
    found = {key: str(_batches(_loader(seed=key[0], epoch=key[1], **order))) for key in ((0, 0), (0, 1), (1, 0))}
    assert len(set(found.values())) == 3
    loader = _loader(**order)
    assert str(_batches(loader)) == str(_batches(loader)) == found[0, 0]


def test_documented_order():
    """Written down once, so that another version of NumPy cannot change it unnoticed."""
    numbers = np.random.Philox(key=[5, 2]).random_raw(13).tolist()
    blocks = sorted(range(3), key=lambda block: numbers[block])
    expected, taken = [], 3
    for group in (blocks[:2], blocks[2:]):
        members = [4 * block + place for block in group for place in range(4) if 4 * block + place < 10]
        drawn = numbers[taken : taken + len(members)]
        expected += [members[place] for place in sorted(range(len(members)), key=lambda place: drawn[place])]
        taken += len(members)
    assert block_order(10, generator(5, 2), block_size=4, buffer_blocks=2).tolist() == expected
    assert _batches(_loader(10, seed=5, epoch=2, batch_size=10, block_size=4, buffer_blocks=2)) == [expected]


def test_sampling_by_blocks():
    """Molecules drawn by dataset stay those that were drawn; neighbours among them come together."""
    row = np.where(np.arange(60) % 3 == 0, np.arange(60) // 3, -1).astype(np.int32)
    labels = {"third": DenseTable(row, np.zeros((20, 1), np.float32))}
    settings = {"labels": labels, "sampling": {"third": 1.0}, "batch_size": 60}
    (drawn,), (streamed,) = (_batches(_loader(**settings, **order)) for order in ({}, {"block_size": 6}))
    assert sorted(streamed) == sorted(drawn)
    few = _batches(_loader(**{**settings, "batch_size": 6}, block_size=6, buffer_blocks=1))
    # The 60 draws have each of 20 molecules three times: a block of six holds two molecules.
    assert all(len(set(batch)) == 2 for batch in few)


def test_only_labelled_molecules():
    """Molecules without labels are left out of the streaming order too."""
    row = np.array([0, -1, 1, -1, -1, 2], np.int32)
    labels = {"own": DenseTable(row, np.zeros((3, 1), np.float32))}
    found = _batches(_loader(6, labels=labels, only_labelled=True, block_size=2, buffer_blocks=1))
    assert sorted(chain(*found)) == [0, 2, 5]


@pytest.mark.parametrize("bad", [{"block_size": 0}, {"buffer_blocks": 0}, {"block_size": 4, "seed": None}])
def test_bad_settings(bad):
    """Sizes below 1 are refused, and blocks without a seed."""
    with pytest.raises(UsageError):
        _loader(**bad)


def test_buffers_end_once():
    """A batch is the last of its buffer where the next one begins in another, and the last of all always is."""
    starts = np.arange(0, 101, 9)
    assert buffer_ends(np.array([0, 4, 8, 12]), starts).tolist() == [False, False, True, True]
    assert buffer_ends(np.array([0, 100]), starts).tolist() == [True, True]
    assert buffer_ends(np.array([], np.int64), starts).tolist() == []


@given(num_molecules, seeds, block_sizes, buffers)
def test_buffers_begin_where_their_blocks_do(count, seed, block_size, buffer_blocks):
    """Between two starts there are so many whole blocks, fewer only behind the last: a smaller block moves starts."""
    sizes = {"block_size": block_size, "buffer_blocks": buffer_blocks}
    order = block_order(count, generator(seed, 0), **sizes)
    starts = buffer_starts(order, **sizes)
    parts = [set((part // block_size).tolist()) for part in np.split(order, starts[1:])]
    assert [len(part) for part in parts[:-1]] == [buffer_blocks] * (len(parts) - 1)
    assert sum(map(len, parts)) == len(set().union(*parts)) == -(-count // block_size)


def _resident_kib(file):
    """Returns how much of a file's mapping counts as this process's memory, from the kernel's list."""
    text = Path("/proc/self/smaps").read_text(encoding="utf-8")
    (entry,) = (part for part in text.split(" kB\nVmFlags") if f"{file}\n" in part)
    return int(entry.split(f"{file}\n")[1].partition("Rss:")[2].split()[0])


@pytest.mark.skipif(not hasattr(mmap, "MADV_DONTNEED"), reason="another system's memory")
def test_released_pages(tmp_path):
    """Released pages no longer count, and read the same again."""
    file = tmp_path / "numbers.bin"
    np.arange(1 << 18).tofile(file)
    array = map_array(file, np.dtype(np.int64), (1 << 18,))
    assert array.sum() == (1 << 18) * ((1 << 18) - 1) // 2
    assert _resident_kib(file) == 2_048
    release([array, np.arange(3), np.zeros(0)])
    assert _resident_kib(file) == 0
    assert array[-1] == (1 << 18) - 1


@pytest.mark.parametrize("huge", [10**9, 2**64 - 1])
def test_a_block_may_be_larger_than_the_store(huge):
    """Blocks and buffers larger than everything are everything, and take no memory of their size."""
    expected = block_order(20, generator(0, 0), block_size=20, buffer_blocks=1).tolist()
    assert block_order(20, generator(0, 0), block_size=huge, buffer_blocks=huge).tolist() == expected
    assert block_order(0, generator(0, 0), block_size=huge, buffer_blocks=huge).tolist() == []
    loader = _loader(20, block_size=huge, buffer_blocks=huge)
    assert sorted(molecule for batch in loader for molecule in batch.molecules.tolist()) == list(range(20))
