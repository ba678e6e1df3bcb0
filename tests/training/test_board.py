"""Tests of the numbers for TensorBoard, read back by TensorBoard itself."""

from __future__ import annotations

import pytest

from molmix_bench.specs.result import EpochRecord
from molmix_bench.training import board
from molmix_bench.training.board import open_board


def _record(epoch, loss):
    return EpochRecord(
        epoch=epoch,
        loss=loss,
        losses={"qm9": loss / 2},
        validation={"qm9": {"mae_standardised": 0.5, "pearson": None}},
        selection=None,
        learning_rate=1e-3,
        graphs_per_second=5_000.0,
        train_seconds=1.5,
        validation_seconds=0.25,
    )


def _read(folder):
    """Returns by name what TensorBoard shows: pairs of epoch and value."""
    accumulator = pytest.importorskip("tensorboard.backend.event_processing.event_accumulator")
    events = accumulator.EventAccumulator(str(folder)).Reload()
    return {name: [(event.step, event.value) for event in events.Scalars(name)] for name in events.Tags()["scalars"]}


def test_shows_what_the_journal_has(tmp_path):
    """Of each epoch; what an interrupted epoch had written is no longer shown once it is repeated."""
    with open_board(tmp_path, after=0) as opened:
        opened.add(_record(1, 0.5))
        opened.add(_record(2, 8.0))
    with open_board(tmp_path, after=1) as opened:
        opened.add(_record(2, 0.25))
    found = _read(tmp_path)
    assert found["loss"] == [(1, 0.5), (2, 0.25)]
    assert found["loss/qm9"] == [(1, 0.25), (2, 0.125)]
    assert found["validation/qm9/mae_standardised"] == [(1, 0.5), (2, 0.5)]
    assert set(found) == {
        *("loss", "loss/qm9", "validation/qm9/mae_standardised"),
        *("learning_rate", "graphs_per_second"),
    }


def test_without_tensorboard_nothing_is_written(tmp_path, monkeypatch):
    """It is no dependency of training."""
    monkeypatch.setattr(board, "find_spec", lambda _: None)
    with open_board(tmp_path, after=0) as opened:
        opened.add(_record(1, 0.5))
    assert not list(tmp_path.iterdir())
