"""Merging the rows of one dataset within one partition: groups of equal molecule and split become one row each."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from molmix_bench.build.align import move_to_stored
from molmix_bench.build.duplicates import Disagreement, merge_cells
from molmix_bench.build.explain import RowOrigins
from molmix_bench.build.ingest import ROW, SPREAD
from molmix_bench.build.ledger import Conflict, Drop
from molmix_bench.build.plan import Plan
from molmix_bench.build.route import INPUT
from molmix_bench.build.split import SplitCodes
from molmix_bench.build.standardize import NUM_ATOMS
from molmix_bench.layout.cells import Cells, Ints
from molmix_bench.layout.choose import layout_of
from molmix_bench.layout.protocol import Layout
from molmix_bench.specs.source import DatasetSpec
from molmix_bench.vocab import IDENTITY_COLUMNS, MOL_ID, SMILES, SPLITS, DropReason, Level, Split


@dataclass(frozen=True, slots=True)
class MergedDataset:
    """One dataset's rows of one partition, merged.

    Attributes:
        tables: rows of each split that has any, sorted by mol_id: identity columns, then labels.
        conflicts: labels on which duplicates disagreed.
        drops: rows and labels that the policy left without a winner, or the stored SMILES without an atom.
        counts: rows and labels by split; `merged_*`, `dropped_*`; `molecules`; `conflicts`.
    """

    tables: dict[Split, pa.Table]
    conflicts: list[Conflict]
    drops: list[Drop]
    counts: dict[str, Any]


@dataclass(frozen=True, slots=True)
class _Groups:
    """Rows sorted by split, molecule and place in the raw files, and where each group starts.

    Shapes:
        members: (num_rows,), positions in the table of molecules.
        starts, sizes, codes: (num_groups,).
    """

    rows: pa.Table
    members: Ints
    starts: Ints
    sizes: Ints
    codes: SplitCodes


class DatasetMerge:
    """Merges the routed rows of one dataset.

    Args:
        plan: the build.
        name: the dataset.
        molecules: the partition's molecules, sorted by mol_id.
    """

    def __init__(self, plan: Plan, name: str, molecules: pa.Table) -> None:
        self._plan = plan
        self._name = name
        self._dataset: DatasetSpec = plan.datasets[name][1]
        self._layout: Layout = layout_of(self._dataset)
        self._molecules = molecules
        self._num_atoms: Ints = molecules[NUM_ATOMS].to_numpy().astype(np.int64)

    def __call__(self, table: pa.Table, members: Ints, codes: SplitCodes) -> MergedDataset:
        """Returns the merged rows of `table`, of which `members` are the molecules and `codes` the splits."""
        placed = codes >= 0
        unplaced = self._unplaced(table, ~placed)
        if not placed.all():
            table, members, codes = table.filter(pa.array(placed)), members[placed], codes[placed]
        groups = _group(table, members, codes)
        num_labels = int(self._layout.count(groups.rows.select(self._layout.schema.names)).sum())
        labels, homeless = self._on_stored_atoms(groups)
        merged, found = self._merge(labels, groups)
        # Most of the memory: from here on, only where rows come from is looked at.
        del labels
        groups = replace(groups, rows=groups.rows.select([INPUT, ROW, SMILES]))
        kept = self._layout.has_label(merged)
        origins = RowOrigins(self._plan, self._name, groups.rows)
        mol_ids = self._molecules[MOL_ID].take(groups.members[groups.starts]).to_pylist()
        conflicts = [origins.conflict(item, mol_ids[item.group], SPLITS[groups.codes[item.group]]) for item in found]
        lost = np.flatnonzero(np.repeat(~kept, groups.sizes)).tolist()
        drops = [*origins.homeless(homeless), *origins.ties(conflicts), *origins.lost_rows(lost, homeless.row.tolist())]
        tables = self._tables(groups, merged, kept)
        drops += unplaced
        counts = self._count(num_labels, tables, drops) | {
            "merged_rows": int((groups.sizes[kept] - 1).sum()),
            "molecules": len(np.unique(groups.members[groups.starts][kept])),
            "conflicts": len(conflicts),
        }
        return MergedDataset(tables, conflicts, drops, counts)

    def _unplaced(self, table: pa.Table, unplaced: npt.NDArray[np.bool_]) -> list[Drop]:
        if not unplaced.any():
            return []
        labels = self._layout.count(table.select(self._layout.schema.names))
        return RowOrigins(self._plan, self._name, table).unplaced(np.flatnonzero(unplaced).tolist(), labels)

    def _on_stored_atoms(self, groups: _Groups) -> tuple[pa.Table, Cells]:
        """Returns labels with atoms counted along the stored SMILES, and those for which it has no atom.

        Nearly every row's own SMILES is the stored one; the others are forms that canonicalise apart.
        """
        labels = groups.rows.select(self._layout.schema.names)
        nothing = np.array([], dtype=np.int64)
        if self._dataset.level is not Level.NODE:
            return labels, Cells(nothing, nothing, nothing, nothing.astype(np.float64))
        own = groups.rows[SMILES].to_pylist()
        stored = self._molecules[SMILES].take(groups.members).to_pylist()
        other = np.array([row for row, text in enumerate(own) if text != stored[row]], dtype=np.int64)
        if not len(other):
            return labels, Cells(nothing, nothing, nothing, nothing.astype(np.float64))
        cells = self._layout.to_cells(labels.take(other))
        moved, lost = move_to_stored(cells, [own[row] for row in other], [stored[row] for row in other])
        replaced = self._layout.from_cells(moved, self._num_atoms[groups.members[other]])
        place = np.arange(labels.num_rows)
        place[other] = labels.num_rows + np.arange(len(other))
        return pa.concat_tables([labels, replaced]).take(place), replace(lost, row=other[lost.row])

    def _merge(self, labels: pa.Table, groups: _Groups) -> tuple[pa.Table, list[Disagreement]]:
        """Returns one row of labels per group; rows of groups of one pass through as they are."""
        several = groups.sizes > 1
        if not several.any():
            return labels, []
        group = np.repeat(np.arange(len(groups.starts)), groups.sizes)
        duplicates = np.flatnonzero(several[group])
        # Groups are numbered anew, without those of one row.
        renumbered = (np.cumsum(several) - 1)[group[duplicates]]
        cells = self._layout.to_cells(labels.take(duplicates))
        has_spread = SPREAD in groups.rows.column_names
        spread = groups.rows[SPREAD].take(duplicates).to_numpy() if has_spread else None
        merged_cells, found = merge_cells(cells, renumbered, self._dataset.duplicates, spread=spread)
        merged = self._layout.from_cells(merged_cells, self._num_atoms[groups.members[groups.starts[several]]])
        place = groups.starts.copy()
        place[several] = labels.num_rows + np.arange(merged.num_rows)
        original = np.flatnonzero(several)
        disagreements = [
            replace(item, group=int(original[item.group]), rows=tuple(int(duplicates[row]) for row in item.rows))
            for item in found
        ]
        return pa.concat_tables([labels, merged]).take(place), disagreements

    def _tables(self, groups: _Groups, merged: pa.Table, kept: npt.NDArray[np.bool_]) -> dict[Split, pa.Table]:
        identity = self._molecules.select(list(IDENTITY_COLUMNS)).take(groups.members[groups.starts])
        schema = pa.schema([*identity.schema, *merged.schema])
        rows = pa.Table.from_arrays([*identity.columns, *merged.columns], schema=schema)
        tables = {}
        for code in np.unique(groups.codes[kept]):
            # Groups are sorted by split: no copy but where some have lost all their labels.
            start, stop = np.searchsorted(groups.codes, [code, code + 1]).tolist()
            table, here = rows.slice(start, stop - start), kept[start:stop]
            tables[SPLITS[code]] = table if here.all() else table.filter(pa.array(here))
        return tables

    def _count(self, num_labels: int, tables: dict[Split, pa.Table], drops: list[Drop]) -> dict[str, Any]:
        names = self._layout.schema.names
        splits = {
            split: {"rows": part.num_rows, "labels": int(self._layout.count(part.select(names)).sum())}
            for split, part in tables.items()
        }
        rows, labels = Counter[str](), Counter[str]()
        for drop in drops:
            rows[drop.reason] += drop.task is None
            labels[drop.reason] += drop.labels
        lost = sum(drop.labels for drop in drops if drop.reason is not DropReason.NO_SPLIT)
        merged = num_labels - lost - sum(item["labels"] for item in splits.values())
        return {
            "splits": splits,
            "dropped_rows": dict(rows),
            "dropped_labels": dict(labels),
            "merged_labels": merged,
        }


def _group(table: pa.Table, members: Ints, codes: SplitCodes) -> _Groups:
    order = np.lexsort((table[ROW].to_numpy(), table[INPUT].to_numpy(), members, codes))
    members, codes = members[order], codes[order]
    new = np.ones(len(order), dtype=bool)
    new[1:] = (members[1:] != members[:-1]) | (codes[1:] != codes[:-1])
    starts = np.flatnonzero(new)
    sizes = np.diff(np.append(starts, len(order)))
    return _Groups(table.take(order), members, starts, sizes, codes[starts])
