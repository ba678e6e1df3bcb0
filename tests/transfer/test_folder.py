"""Tests of the files of a fine-tuning."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest

from molmix_bench.errors import RunError, UsageError
from molmix_bench.specs.finetune import PieceResult
from molmix_bench.transfer.folder import FinetuneFolder, read_piece, read_written, write_piece, write_table

PIECE = PieceResult(method="probe", fold=1, seed=0, epoch=0, selection=0.5, seconds=1.5)


def test_a_piece_comes_back(tmp_path):
    """Result and predictions, in their type."""
    path = FinetuneFolder(tmp_path).piece("probe", 1, 0)
    path.parent.mkdir(parents=True)
    write_piece(path, PIECE, np.array([[0.5], [np.nan]], np.float32))
    result, test = read_piece(path)
    assert result == PIECE
    assert test.dtype == np.float32
    np.testing.assert_array_equal(test, [[0.5], [np.nan]])


@pytest.mark.parametrize("keep", [0, 10, 200, -30])
def test_a_damaged_piece_is_named(tmp_path, keep):
    """Wherever it is cut off, the message says which file, and what to do."""
    path = tmp_path / "seed=0.npz"
    write_piece(path, PIECE, np.zeros((9, 1)))
    path.write_bytes(path.read_bytes()[:keep])
    with pytest.raises(RunError, match=r"seed=0\.npz: no readable predictions .*delete it and run again"):
        read_piece(path)


def test_a_piece_cannot_hold_objects(tmp_path):
    """What would have to be unpickled is refused."""
    path = tmp_path / "seed=0.npz"
    np.savez(path, test=np.array([{}], object), result=np.array(PIECE.model_dump_json()))
    with pytest.raises(RunError, match="no readable predictions"):
        read_piece(path)


def test_tables_come_back_or_are_named(tmp_path):
    """A parquet file as it was; a damaged one is an error that names it."""
    table = pl.DataFrame({"a": [1, None]})
    write_table(tmp_path / "t.parquet", table)
    assert read_written(tmp_path / "t.parquet").equals(table)
    (tmp_path / "t.parquet").write_bytes(b"PAR1")
    with pytest.raises(RunError, match=r"t\.parquet: no readable table"):
        read_written(tmp_path / "t.parquet")


def test_what_is_not_there(tmp_path):
    """An empty directory is no fine-tuning; one that was begun is not finished."""
    folder = FinetuneFolder(tmp_path)
    with pytest.raises(UsageError, match="a fine-tuning"):
        folder.read_result()
    folder.origin.touch()
    with pytest.raises(RunError, match="not finished; give the command that began it again"):
        folder.read_result()
