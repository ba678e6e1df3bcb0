"""What a cell has measured, as its folder keeps it: `measured.npz`, whose presence says that the cell is finished."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np

from molmix_bench.atomic import ARRAYS_DAMAGED, opened_arrays, written_whole
from molmix_bench.errors import RunError
from molmix_bench.studies.cells import Measured, Score

_FILE = "measured.npz"
_COLUMNS = ("dataset", "metric", "direction", "primary", "value", "factors")


def is_measured(folder: Path) -> bool:
    """Whether a cell is finished."""
    return (folder / _FILE).is_file()


def write_measured(folder: Path, found: Measured) -> None:
    """Keeps what a cell has measured."""
    rows = [{name: getattr(score, name) for name in _COLUMNS} for score in found.scores]
    arrays = {
        f"replicates_{place}": np.asarray(score.replicates, np.float32)
        for place, score in enumerate(found.scores)
        if score.replicates is not None
    }
    text = json.dumps({"scores": rows, "facts": found.facts}, allow_nan=False)
    with written_whole(folder / _FILE) as part, part.open("wb") as file:
        np.savez_compressed(file, text=np.array(text), **arrays)  # type: ignore[arg-type]  # names cannot be `file`


def read_measured(folder: Path) -> Measured:
    """Returns what a cell has measured.

    Raises:
        RunError: the file is damaged.
    """
    path = folder / _FILE
    try:
        with opened_arrays(path) as file:
            data = json.loads(str(file["text"]))
            replicates = {name: file[name].astype(np.float64) for name in file.files if name != "text"}
        scores = tuple(
            Score(**row, replicates=replicates.get(f"replicates_{place}")) for place, row in enumerate(data["scores"])
        )
        return Measured(scores, data["facts"])
    except (*ARRAYS_DAMAGED, TypeError) as error:
        raise RunError(str(path), found=f"no readable scores ({error})", fix="delete it and run again") from None
