"""Tests of writing labels into a store, and of what is said of mixes whose tables contradict each other."""

from __future__ import annotations

import itertools
from types import SimpleNamespace

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from molmix_bench.errors import StoreError
from molmix_bench.graphs import labels as module
from molmix_bench.graphs.append import ArrayWriter
from molmix_bench.graphs.cached import open_store
from molmix_bench.graphs.label_tables import TABLES
from molmix_bench.graphs.layout import form_of, label_array
from molmix_bench.vocab import DType, Level, Split
from tests.graphs.conftest import SPEC
from tests.graphs.reference import fields_of
from tests.strategies import label_cells


def _dataset(*, num_tasks, level="graph", dtype=DType.FLOAT32):
    return SimpleNamespace(
        name="some",
        level=Level(level),
        is_sparse=level == "graph" and num_tasks > 100,
        tasks=tuple(f"t{task}" for task in range(num_tasks)),
        spec=SimpleNamespace(list_dtype=dtype),
    )


@given(label_cells(), st.data())
def test_what_is_written_is_read(tmp_path_factory, labels, data):
    """Cells written in any pieces, for any molecules of a split, are the cells that a batch of all molecules has."""
    settings, cells, num_nodes = labels
    dataset = _dataset(**settings, dtype=data.draw(st.sampled_from(DType)))
    cells = cells.take(np.lexsort((cells.task, cells.row)))
    num_rows = len(num_nodes)
    num_members = num_rows + data.draw(st.integers(0, 4))
    positions = np.array(sorted(data.draw(st.permutations(range(num_members)))[:num_rows]))
    cuts = sorted({0, num_rows, *data.draw(st.lists(st.integers(0, num_rows), max_size=2))})
    with ArrayWriter(tmp_path_factory.mktemp("labels")) as writer:
        table = module._TableWriter(writer, dataset, Split.TEST)
        for start, end in itertools.pairwise(cuts):
            piece = cells.take((cells.row >= start) & (cells.row < end))
            piece.row[:] -= start
            table.add(positions[start:end], piece)
        table.finish(num_members)
        kind = TABLES[form_of(dataset)]
        parts = {part: writer.written(label_array("some", Split.TEST, part)) for part in kind.__slots__}
    node_ptr = np.zeros(num_members + 1, np.int64)
    node_ptr[1 + positions] = num_nodes
    node_ptr = node_ptr.cumsum()
    found = kind(**parts).gather(np.arange(num_members), node_ptr)
    assert found.rows.tolist() == positions.tolist()
    expected = {
        (int(positions[row]), int(task), int(node)): value
        for row, task, node, value in zip(cells.row, cells.task, cells.node, cells.value, strict=True)
    }
    assert _cells(found, node_ptr) == expected


def _cells(labels, node_ptr):
    """Returns the labels of a batch by graph, task and atom (0 for labels of molecules)."""
    fields = fields_of(labels)
    if "owners" in fields:
        places = [
            (fields["rows"][owner], task, 0) for owner, task in zip(fields["owners"], fields["tasks"], strict=True)
        ]
        return dict(zip(places, fields["values"], strict=True))
    if "nodes" in fields:
        graphs = [int(np.searchsorted(node_ptr, node, "right")) - 1 for node in fields["nodes"]]
        places = [(graph, node - int(node_ptr[graph])) for graph, node in zip(graphs, fields["nodes"], strict=True)]
        assert all(any(label is not None for label in row) for row in fields["values"])
    else:
        places = [(graph, 0) for graph in fields["rows"]]
    return {
        (graph, task, atom): label
        for (graph, atom), row in zip(places, fields["values"], strict=True)
        for task, label in enumerate(row)
        if label is not None
    }


def _replaced(batch, name, values):
    return batch.set_column(batch.schema.get_field_index(name), name, pa.array(values, batch.schema.field(name).type))


def _foreign_molecule(ids, batch):
    ids[-1] = b"ZZZ"
    return batch


def _task_out_of_range(ids, batch):
    return _replaced(batch, "task_idx", [[*tasks[:-1], 103] for tasks in batch["task_idx"].to_pylist()])


def _negative_task(ids, batch):
    return _replaced(batch, "task_idx", [[-1, *tasks[1:]] for tasks in batch["task_idx"].to_pylist()])


def _too_few_labels(ids, batch):
    return _replaced(batch, "label", [labels[:-1] for labels in batch["label"].to_pylist()])


def _null_label(ids, batch):
    return _replaced(batch, "label", [[*labels[:-1], None] for labels in batch["label"].to_pylist()])


def _list_too_long(ids, batch):
    return _replaced(batch, "b", [[*(values or []), *[0.5] * 1_000] for values in batch["b"].to_pylist()])


@pytest.mark.parametrize(
    ("dataset", "spoil", "message"),
    [
        ("wide", _foreign_molecule, "molecule ZZZ, which the mix table has not in that split"),
        ("panel", _task_out_of_range, r"found a label of task 103, atom 0; expected 103 tasks"),
        ("panel", _negative_task, r"found a label of task -1"),
        ("panel", _too_few_labels, r"expected one label for each task named"),
        ("panel", _null_label, r"expected one label for each task named"),
        ("atoms", _list_too_long, r"found a label of task 1, atom \d+; expected 2 tasks, \d+ atoms"),
    ],
)
def test_tables_that_contradict_each_other(tiny_mix, tmp_path, monkeypatch, dataset, spoil, message):
    """Labels that would be read from beyond an array, or given to another molecule, are refused; no store is left."""
    read = module.read_columns

    def spoiled(mix, config, split, columns):
        for ids, batch in read(mix, config, split, columns):
            yield ids, spoil(ids, batch) if config == dataset else batch

    monkeypatch.setattr(module, "read_columns", spoiled)
    with pytest.raises(StoreError, match=f"mix tiny, {dataset}/train: .*{message}"):
        open_store(tiny_mix, SPEC, workers=1, cache=tmp_path)
    assert not [path for path in (tmp_path / "stores").iterdir() if path.is_dir()]


def test_a_molecule_of_another_split(tiny_mix, tmp_path, monkeypatch):
    """A molecule that the mix table has in another split only is refused: its place would be another molecule's."""
    read = module.read_columns
    test_only = {ids for part, _ in read(tiny_mix, "mix", Split.TEST, []) for ids in part.tolist()}
    test_only -= {ids for part, _ in read(tiny_mix, "mix", Split.TRAIN, []) for ids in part.tolist()}

    def spoiled(mix, config, split, columns):
        for ids, batch in read(mix, config, split, columns):
            ids[0] = min(test_only)
            yield ids, batch

    monkeypatch.setattr(module, "read_columns", spoiled)
    with pytest.raises(StoreError, match=f"{min(test_only).decode()}, which the mix table has not in that split"):
        open_store(tiny_mix, SPEC, workers=1, cache=tmp_path)
