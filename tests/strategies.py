"""All strategies of hypothesis, by the part of the package that they test."""

from __future__ import annotations

import numpy as np
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from molmix_bench.graphs.featurize import Graphs
from molmix_bench.layout.cells import Cells

# Scoring.


@st.composite
def binary_tables(draw):
    """Returns labels (0, 1, NaN for missing) and probabilities, many of them tied, (n, T) each."""
    shape = (draw(st.integers(0, 30)), draw(st.integers(1, 4)))
    labels = draw(arrays(np.float64, shape, elements=st.sampled_from([0.0, 1.0, np.nan])))
    probabilities = st.sampled_from([0.0, 0.1, 0.5, 1.0]) | st.floats(0, 1)
    return labels, draw(arrays(np.float64, shape, elements=probabilities))


@st.composite
def class_tables(draw, lowest=0):
    """Returns labels (n, T), NaN for missing, and probabilities (n, T, C) from a grid, so that many tie and some are 0.

    No probability is 0 where `lowest` is 1.
    """
    shape = (draw(st.integers(0, 20)), draw(st.integers(1, 3)))
    num_classes = draw(st.integers(3, 5))
    labels = draw(arrays(np.float64, shape, elements=st.sampled_from([np.nan, *map(float, range(num_classes))])))
    weights = draw(arrays(np.float64, (*shape, num_classes), elements=st.integers(lowest, 3)))
    weights[weights.sum(axis=2) == 0] = 1
    return labels, weights / weights.sum(axis=2, keepdims=True)


@st.composite
def regression_tables(draw):
    """Returns labels (NaN for missing) and predictions, on a grid so that many tie, (n, T) each."""
    shape = (draw(st.integers(0, 30)), draw(st.integers(1, 4)))
    grid = st.integers(-100, 100)
    tables = []
    for elements in (grid | st.just(np.nan), grid):
        # Far from 0, as total energies are, and in units small and large.
        offset, scale = draw(st.sampled_from([0, 1_000])), draw(st.sampled_from([1e-3, 0.25, 1e3]))
        tables.append((draw(arrays(np.float64, shape, elements=elements)) + offset) * scale)
    return tuple(tables)


# Building.


@st.composite
def duplicate_tables(draw):
    """Returns labels (n, T) with NaN for the missing, the group of each row, and a permutation of the rows."""
    num_rows = draw(st.integers(1, 12))
    shape = (num_rows, draw(st.integers(1, 3)))
    table = draw(arrays(np.float64, shape, elements=st.sampled_from([np.nan, 0.0, 1.0, 2.0, 0.1])))
    group = np.array(draw(st.lists(st.integers(0, 3), min_size=num_rows, max_size=num_rows)))
    order = np.array(draw(st.permutations(range(num_rows))))
    return table, group, order


# Graphs.


@st.composite
def featurized(draw, max_graphs=5, max_atoms=7):
    """Returns molecules of any shape, of up to `max_atoms` atoms; some have no atoms or bonds, some several parts."""
    sizes = draw(st.lists(st.integers(0, max_atoms), max_size=max_graphs))
    pairs = [[(one, other) for other in range(size) for one in range(other)] for size in sizes]
    bonds = [draw(st.lists(st.sampled_from(some), unique=True)) if some else [] for some in pairs]
    return Graphs(
        atom_ptr=np.cumsum([0, *sizes], dtype=np.int64),
        bond_ptr=np.cumsum([0, *map(len, bonds)], dtype=np.int64),
        atom_code=draw(arrays(np.uint16, sum(sizes), elements=st.integers(0, 2))),
        bonds=np.array([(*pair, draw(st.integers(0, 1))) for some in bonds for pair in some], np.uint16).reshape(-1, 3),
        atom_table=np.arange(27, dtype=np.uint8).reshape(3, 9),
        bond_table=np.arange(8, dtype=np.uint8).reshape(2, 4),
    )


@st.composite
def symmetric_matrices(draw, max_size=9):
    """Returns symmetric matrices of one size, (m, n, n): of small whole numbers, so that many eigenvalues coincide."""
    count, size = draw(st.integers(0, 5)), draw(st.integers(1, max_size))
    entries = draw(arrays(np.int64, (count, size, size), elements=st.integers(-1, 1)))
    upper = np.triu(entries)
    return (upper + np.triu(entries, 1).transpose(0, 2, 1)) * draw(st.sampled_from([1.0, 1e-3, 1e3]))


# Training.


@st.composite
def losses_tables(draw, binary=False):
    """Returns outputs and targets (NaN for missing; binary: 0 and 1), (n, T) float32 each."""
    shape = (draw(st.integers(0, 6)), draw(st.integers(1, 3)))
    values = st.sampled_from([0.0, 1.0]) if binary else st.floats(-8, 8, width=32)
    outputs = draw(arrays(np.float32, shape, elements=st.floats(-8, 8, width=32)))
    return outputs, draw(arrays(np.float32, shape, elements=values | st.just(np.nan)))


@st.composite
def label_cells(draw):
    """Returns settings of a dataset (form of table), cells of a few rows, each at most once, and atoms per row."""
    settings = draw(st.sampled_from([{"num_tasks": 3}, {"num_tasks": 130}, {"num_tasks": 2, "level": "node"}]))
    num_nodes = np.array(draw(st.lists(st.integers(1, 5), min_size=1, max_size=6)))
    nodes = int(num_nodes.max()) if "level" in settings else 1
    places = st.tuples(
        st.integers(0, len(num_nodes) - 1), st.integers(0, settings["num_tasks"] - 1), st.integers(0, nodes - 1)
    )
    chosen = [
        place
        for place in draw(st.lists(places, unique=True, max_size=20))
        if nodes == 1 or place[2] < num_nodes[place[0]]
    ]
    row, task, node = (np.array([place[axis] for place in chosen], dtype=np.int64) for axis in range(3))
    value = np.array([draw(st.integers(-3, 3)) for _ in chosen], dtype=np.float64)
    return settings, Cells(row, task, node, value), num_nodes
