"""Tests of reading a built mix."""

from __future__ import annotations

import pytest

from molmix_bench.errors import MixError
from molmix_bench.mix import Mix
from molmix_bench.vocab import TASKS_FILE
from tests.build.tiny import ALKANES, build_tiny, numbered, table_source


def test_damaged_task_table(tmp_path):
    """Damage that leaves the file's size as it was is found when the table is read, and told in one line."""
    mix = build_tiny(tmp_path, table_source("one", numbered(ALKANES), tmp_path))
    path = mix.path / TASKS_FILE
    path.write_bytes(bytes(path.stat().st_size))
    with pytest.raises(MixError, match=r"tasks\.parquet: no readable table"):
        _ = Mix(mix.path).datasets
