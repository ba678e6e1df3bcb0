"""What scoring gave, as one file of the archive."""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Callable, Iterable
from dataclasses import asdict

import numpy as np
import polars as pl

from leaderboard.entries import Scored
from molmix_bench.metrics.scores import EXCLUDED_SCHEMA, TABLE_SCHEMA, Scores
from molmix_bench.specs.submission import SubmissionSpec
from molmix_bench.submissions.entry import HashedFile

_FACTS, _TABLE, _MACROS, _EXCLUDED, _REPLICATES = (
    "facts.json",
    "table.parquet",
    "macros.parquet",
    "excluded.parquet",
    "replicates.npy",
)
_LONG_AGO = (1980, 1, 1, 0, 0, 0)
"""Of every member, so that equal scores are equal bytes."""


def pack(scored: Scored) -> bytes:
    """Returns a scored submission as bytes."""
    facts = {
        "spec": scored.spec.model_dump(mode="json"),
        "files": [asdict(file) for file in scored.files],
        "not_submitted": scored.table.not_submitted,
    }
    macros = scored.macros
    every = np.empty((macros.table.height, 0)) if macros.replicates is None else macros.replicates
    replicates = io.BytesIO()
    np.save(replicates, every, allow_pickle=False)
    members = {
        _FACTS: json.dumps(facts, ensure_ascii=False).encode(),
        _TABLE: _parquet(scored.table.table),
        _MACROS: _parquet(macros.table),
        _EXCLUDED: _parquet(scored.table.excluded),
        _REPLICATES: replicates.getvalue(),
    }
    whole = io.BytesIO()
    with zipfile.ZipFile(whole, "w", zipfile.ZIP_STORED) as archive:
        for name, content in members.items():
            archive.writestr(zipfile.ZipInfo(name, _LONG_AGO), content)
    return whole.getvalue()


class PackedScores:
    """A scored submission, of which the large table is read when it is asked for and then let go.

    Args:
        read: returns what `pack` made, the same each time; only this program writes it.
    """

    def __init__(self, read: Callable[[], bytes]) -> None:
        self._read = read
        members = _members(read(), (_FACTS, _MACROS, _EXCLUDED, _REPLICATES))
        facts = json.loads(members[_FACTS])
        self.spec = SubmissionSpec.model_validate_json(json.dumps(facts["spec"]))
        self.files = tuple(HashedFile(**file) for file in facts["files"])
        self._not_submitted = tuple(facts["not_submitted"])
        self._excluded = _table(members[_EXCLUDED], EXCLUDED_SCHEMA)
        replicates = np.load(io.BytesIO(members[_REPLICATES]), allow_pickle=False)
        self.macros = Scores(_table(members[_MACROS], TABLE_SCHEMA), self._excluded, replicates=replicates)

    @property
    def table(self) -> Scores:
        """Means over seeds, of tasks too, and the seeds of what is taken over several tasks."""
        members = _members(self._read(), (_TABLE,))
        return Scores(_table(members[_TABLE], TABLE_SCHEMA), self._excluded, self._not_submitted)


def _members(content: bytes, names: Iterable[str]) -> dict[str, bytes]:
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        return {name: archive.read(name) for name in names}


def _parquet(table: pl.DataFrame) -> bytes:
    stream = io.BytesIO()
    table.write_parquet(stream, compression="zstd", statistics=False)
    return stream.getvalue()


def _table(content: bytes, schema: dict[str, type[pl.DataType]]) -> pl.DataFrame:
    return pl.read_parquet(io.BytesIO(content)).select(*schema)
