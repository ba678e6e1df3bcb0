"""`metrics.jsonl`: a line per epoch of one seed."""

from __future__ import annotations

from pathlib import Path

from pydantic import ValidationError

from molmix_bench.atomic import write_text
from molmix_bench.specs.result import EpochRecord


def append_record(path: Path, record: EpochRecord) -> None:
    """Adds a line to the journal."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("a", encoding="utf-8") as file:
        file.write(record.model_dump_json() + "\n")


def read_records(path: Path) -> tuple[EpochRecord, ...]:
    """Returns the records of a journal, up to a line that a kill has cut; none where there is no journal."""
    if not path.is_file():
        return ()
    records = []
    for line in path.read_text(encoding="utf-8").splitlines():
        try:
            records.append(EpochRecord.model_validate_json(line))
        except ValidationError:
            break
    return tuple(records)


def trim_records(path: Path, epoch: int) -> None:
    """Forgets what was recorded after an epoch: training that goes on from there will record it anew."""
    kept = [record for record in read_records(path) if record.epoch <= epoch]
    write_text(path, "".join(record.model_dump_json() + "\n" for record in kept))
