"""Tests of the journal of epochs."""

from __future__ import annotations

from molmix_bench.specs.result import EpochRecord
from molmix_bench.training.journal import append_record, read_records, trim_records


def _record(epoch):
    return EpochRecord(
        epoch=epoch,
        loss=0.1 * epoch,
        losses={"qm9": 1 / 3},
        validation={"qm9": {"mae_standardised": 0.7, "pearson": None}},
        selection=None,
        learning_rate=1e-3,
        graphs_per_second=5_000.0,
        train_seconds=1.5,
        validation_seconds=0.25,
    )


def test_records_come_back_as_they_were(tmp_path):
    """What was appended is read, in order; no journal is no records."""
    path = tmp_path / "seed=0" / "metrics.jsonl"
    assert read_records(path) == ()
    for epoch in (1, 2):
        append_record(path, _record(epoch))
    assert read_records(path) == (_record(1), _record(2))


def test_a_cut_line_is_no_record(tmp_path):
    """A line that a kill has cut, and anything after it, is not read."""
    path = tmp_path / "metrics.jsonl"
    append_record(path, _record(1))
    with path.open("a") as file:
        file.write('{"epoch": 2, "lo')
    assert read_records(path) == (_record(1),)


def test_trimming_forgets_later_epochs(tmp_path):
    """After trimming to an epoch, its record is the last, and new ones follow it."""
    path = tmp_path / "metrics.jsonl"
    for epoch in (1, 2, 3):
        append_record(path, _record(epoch))
    trim_records(path, 1)
    append_record(path, _record(2))
    assert [record.epoch for record in read_records(path)] == [1, 2]
    trim_records(path, 0)
    assert path.read_text() == ""
