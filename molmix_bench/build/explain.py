"""Drops and conflicts of merged rows, in the terms of the raw files."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

import pyarrow as pa

from molmix_bench.build.duplicates import Disagreement
from molmix_bench.build.ingest import ROW
from molmix_bench.build.ledger import Conflict, Drop
from molmix_bench.build.plan import Plan
from molmix_bench.build.route import INPUT
from molmix_bench.layout.cells import Cells, Ints
from molmix_bench.vocab import SMILES, DropReason, Level, Policy, Split


class RowOrigins:
    """Says where routed rows of one dataset come from.

    Args:
        plan: the build.
        dataset: the dataset's name.
        rows: its routed rows.
    """

    def __init__(self, plan: Plan, dataset: str, rows: pa.Table) -> None:
        self._plan = plan
        self._name = dataset
        self._source = plan.sources[plan.datasets[dataset][0]].name
        self._dataset = plan.datasets[dataset][1]
        self._rows = rows

    def conflict(self, item: Disagreement, mol_id: str, split: Split) -> Conflict:
        """Returns a disagreement between duplicates as a row of `conflicts.parquet`."""
        return Conflict(
            dataset=self._name,
            split=split,
            mol_id=mol_id,
            task=self._dataset.tasks[item.task].name,
            node=item.node if self._dataset.level is Level.NODE else None,
            files=tuple(self._file(row) for row in item.rows),
            rows=tuple(self._number(row) for row in item.rows),
            values=item.values,
            policy=self._dataset.duplicates,
            merged=item.merged,
        )

    def ties(self, conflicts: Iterable[Conflict]) -> list[Drop]:
        """Returns the labels that conflicts left without a winner."""
        return [
            Drop(
                source=self._source,
                dataset=self._name,
                file=file,
                row=row,
                reason=DropReason.CONFLICT,
                detail=f"duplicates of {conflict.mol_id} in {conflict.split} tie",
                labels=1,
                task=conflict.task,
                value=f"{value:g}",
            )
            for conflict in conflicts
            if conflict.merged is None and conflict.policy is Policy.MAJORITY
            for file, row, value in zip(conflict.files, conflict.rows, conflict.values, strict=True)
        ]

    def homeless(self, lost: Cells) -> list[Drop]:
        """Returns labels of atoms that the stored SMILES does not have, one drop per row and task."""
        counts = Counter(zip(lost.row.tolist(), lost.task.tolist(), strict=True))
        detail = "on atoms that the stored SMILES does not have"
        return [
            self._drop(row, DropReason.NO_ATOM, detail, labels=count, task=self._dataset.tasks[task].name)
            for (row, task), count in sorted(counts.items())
        ]

    def lost_rows(self, rows: Iterable[int], homeless: Iterable[int]) -> list[Drop]:
        """Returns rows of which no label is left; their labels are drops of their own.

        Args:
            rows: the rows.
            homeless: rows that lost labels for want of an atom; all others lost theirs to ties.
        """
        without_atom = set(homeless)
        drops = []
        for row in rows:
            reason = DropReason.NO_ATOM if row in without_atom else DropReason.CONFLICT
            drops.append(self._drop(row, reason, "no label of the molecule is left", labels=0))
        return drops

    def _drop(self, row: int, reason: DropReason, detail: str, *, labels: int, task: str | None = None) -> Drop:
        return Drop(
            source=self._source,
            dataset=self._name,
            file=self._file(row),
            row=self._number(row),
            reason=reason,
            detail=detail,
            labels=labels,
            smiles=self._rows[SMILES][row].as_py(),
            task=task,
        )

    def unplaced(self, rows: Iterable[int], labels: Ints) -> list[Drop]:
        """Returns rows that the published split file does not name, with their labels."""
        detail = "the published split file does not name the row"
        return [self._drop(row, DropReason.NO_SPLIT, detail, labels=int(labels[row])) for row in rows]

    def _file(self, row: int) -> str:
        position: int = self._rows[INPUT][row].as_py()
        return self._plan.inputs[position].name

    def _number(self, row: int) -> int:
        number: int = self._rows[ROW][row].as_py()
        return number
