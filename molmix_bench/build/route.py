"""Step 3, per part: join molecules to labels, drop what has no molecule or no label, send rows on by molecule."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from molmix_bench.build.align import LostLabels, align_to_smiles
from molmix_bench.build.buckets import read_bucket, read_buckets, read_table, write_buckets, write_table
from molmix_bench.build.ingest import POSITION, RAW_SMILES, ROW, SPREAD
from molmix_bench.build.ledger import Drop, drops_table
from molmix_bench.build.paths import findings_file, labels_file, molecules_file, numbers_file, routed_file, rows_file
from molmix_bench.build.plan import Plan
from molmix_bench.build.standardize import DETAIL, GROUP, NUM_ATOMS, NUM_RAW, NUMBERING, REASON
from molmix_bench.errors import BuildError
from molmix_bench.layout.cells import Ints
from molmix_bench.layout.choose import layout_of
from molmix_bench.vocab import INCHIKEY, MOL_ID, SMILES, DropReason, Level

INPUT = "/input"
"""Position of the raw input that a routed row is of."""
ROUTE_COLUMNS = (MOL_ID, SMILES, INCHIKEY, GROUP, NUM_ATOMS, INPUT, ROW)
MAX_PARTITIONS = 17_576
"""Ranges of the first three letters of an InChIKey: 26 cubed."""
_NO_NUMBERING = "labels of atoms, but the atom maps of the SMILES are not 0 to the number of atoms"


@dataclass(frozen=True, slots=True)
class Part:
    """A chunk of a raw input.

    Attributes:
        name: of its files. position: among all parts.
        input_index: the raw input it is of. source: position of that input's source.
        rows: rows in it.
    """

    name: str
    position: int
    input_index: int
    source: int
    rows: int


def route_part(plan: Plan, part: Part, *, pieces: tuple[range, ...], num_partitions: int) -> dict[str, Any]:
    """Routes one part's rows to the partitions of their molecules.

    Args:
        plan: the build.
        part: which rows.
        pieces: the ranges of buckets that were standardised together.
        num_partitions: of molecules.

    Returns:
        Per dataset, `rows` and `labels` dropped, by reason; `sent`, the rows that went to each partition.
    """
    molecules = _molecules_of(plan, part, pieces)
    identity = molecules.select([MOL_ID, SMILES, INCHIKEY, GROUP, NUM_ATOMS])
    identity = identity.append_column(INPUT, pa.array(np.full(part.rows, part.input_index, dtype=np.int32)))
    identity = identity.append_column(ROW, read_table(numbers_file(plan, part.name))[ROW])
    counts: dict[str, Any] = {}
    drops: list[Drop] = []
    for dataset in plan.sources[part.source].datasets:
        routed = _route_dataset(plan, part, dataset, molecules)
        table = _beside(identity, routed.labels).filter(pa.array(routed.kept))
        partition = partition_of(table[MOL_ID], num_partitions)
        write_buckets(routed_file(plan, part.name, dataset), table, partition, num_buckets=num_partitions)
        counts[dataset] = {**routed.counts, "sent": np.bincount(partition, minlength=num_partitions).tolist()}
        drops += _list_drops(plan, part, dataset, routed)
    write_table(findings_file(plan, "route", part.name, "drops"), drops_table(drops))
    return counts


def partition_of(mol_id: pa.ChunkedArray, num_partitions: int) -> npt.NDArray[np.int64]:
    """Returns each molecule's partition: ranges of mol_id, so that partitions in order are sorted as a whole.

    The first three letters of an InChIKey are close to uniform (they are hash bits).
    """
    letters = np.array(mol_id.to_pylist() or [""], dtype="S3").view(np.uint8).reshape(-1, 3)[: len(mol_id)]
    digits = np.clip(letters.astype(np.int64) - ord("A"), 0, 25)
    partition: npt.NDArray[np.int64] = (digits @ np.array([676, 26, 1])) * num_partitions // MAX_PARTITIONS
    return partition


@dataclass(frozen=True, slots=True)
class _Routed:
    """One dataset's labels of a part.

    Attributes:
        labels: aligned to the molecules' atoms; with the rows' spread where the policy needs it.
        kept: (num_rows,), rows that go on.
        lost_rows: per row that does not, its reason, detail and labels.
        lost_labels: labels without an atom, in rows that go on and in others.
        counts: `rows` and `labels` dropped, by reason.
    """

    labels: pa.Table
    kept: npt.NDArray[np.bool_]
    lost_rows: dict[int, tuple[DropReason, str, int]]
    lost_labels: list[LostLabels]
    counts: dict[str, dict[str, int]]


def _route_dataset(plan: Plan, part: Part, name: str, molecules: pa.Table) -> _Routed:
    dataset = plan.datasets[name][1]
    layout = layout_of(dataset)
    labels = read_table(labels_file(plan, part.name, name))
    extra = labels.select([SPREAD]) if SPREAD in labels.column_names else None
    labels = labels.select(layout.schema.names)
    num_labels = layout.count(labels)
    reasons, details = molecules[REASON].to_pylist(), molecules[DETAIL].to_pylist()
    lost = {
        row: (DropReason(reason), details[row], int(num_labels[row]))
        for row, reason in enumerate(reasons)
        if reason is not None
    }
    lost_labels: list[LostLabels] = []
    if dataset.level is Level.NODE:
        numbering = molecules[NUMBERING].combine_chunks()
        unnumbered = numbering.is_null().to_numpy(zero_copy_only=False) & (num_labels > 0)
        lost |= {
            int(row): (DropReason.ATOM_MAPS, _NO_NUMBERING, int(num_labels[row]))
            for row in np.flatnonzero(unnumbered)
            if int(row) not in lost
        }
        num_raw = molecules[NUM_RAW].fill_null(-1).to_numpy()
        labels, lost_labels = align_to_smiles(labels, numbering, num_raw)
    lost |= _unlabelled(layout.has_label(labels), lost, lost_labels)
    kept = np.ones(part.rows, dtype=bool)
    kept[list(lost)] = False
    rows, cells = Counter[str](), Counter[str]()
    for reason, _, number in lost.values():
        rows[reason] += 1
        cells[reason] += number
    for item in lost_labels:
        cells[item.reason] += item.labels
    counts = {"rows": dict(rows), "labels": {reason: number for reason, number in cells.items() if number}}
    return _Routed(labels if extra is None else _beside(labels, extra), kept, lost, lost_labels, counts)


def _unlabelled(
    has_label: npt.NDArray[np.bool_], lost: dict[int, tuple[DropReason, str, int]], lost_labels: list[LostLabels]
) -> dict[int, tuple[DropReason, str, int]]:
    """Returns the rows without any label, with the reason why their labels went where there were some."""
    first = {item.row: item for item in reversed(lost_labels)}
    found = {}
    for row in np.flatnonzero(~has_label).tolist():
        if row not in lost:
            # The labels themselves are counted, and listed, as lost labels.
            why = first.get(row)
            detail = "no label in any task of the dataset" if why is None else f"no label is left: {why.detail}"
            found[row] = (DropReason.NO_LABELS if why is None else why.reason, detail, 0)
    return found


def _molecules_of(plan: Plan, part: Part, pieces: tuple[range, ...]) -> pa.Table:
    """Returns the standard molecules of a part's rows, in the order of rows."""
    files = [molecules_file(plan, buckets.start) for buckets in pieces]
    table = read_bucket(files, part.position).sort_by(POSITION).combine_chunks()
    if not np.array_equal(table[POSITION].to_numpy(), np.arange(part.rows)):
        raise BuildError(f"part {part.name}", found="rows missing after standardisation", fix="report this as a bug")
    return table


def _beside(left: pa.Table, right: pa.Table) -> pa.Table:
    """Returns two tables of equal length side by side."""
    return pa.Table.from_arrays([*left.columns, *right.columns], schema=pa.schema([*left.schema, *right.schema]))


def _list_drops(plan: Plan, part: Part, dataset: str, routed: _Routed) -> list[Drop]:
    if not routed.lost_rows and not routed.lost_labels:
        return []
    raw = _raw_smiles(plan, part)
    row_numbers: Ints = read_table(numbers_file(plan, part.name))[ROW].to_numpy()
    source, file = plan.sources[part.source], plan.inputs[part.input_index].name
    drops = [
        Drop(source.name, dataset, file, int(row_numbers[row]), reason, detail, labels, smiles=raw[row])
        for row, (reason, detail, labels) in sorted(routed.lost_rows.items())
    ]
    tasks = source.datasets[dataset].tasks
    drops += [
        Drop(
            source.name,
            dataset,
            file,
            int(row_numbers[item.row]),
            item.reason,
            item.detail,
            item.labels,
            smiles=raw[item.row],
            task=tasks[item.task].name,
        )
        for item in routed.lost_labels
    ]
    return drops


def _raw_smiles(plan: Plan, part: Part) -> dict[int, str | None]:
    table = read_buckets(rows_file(plan, part.name), range(plan.layout.num_smiles_buckets))
    return dict(zip(table[POSITION].to_pylist(), table[RAW_SMILES].to_pylist(), strict=True))
