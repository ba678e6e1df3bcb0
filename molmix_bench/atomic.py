"""Files that are at every instant absent, as before, or complete."""

from __future__ import annotations

import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING
from zipfile import BadZipFile

if TYPE_CHECKING:
    from numpy.lib.npyio import NpzFile

ARRAYS_DAMAGED = (OSError, EOFError, ValueError, KeyError, RuntimeError, BadZipFile, zlib.error)
"""What reading an .npz file raises that is cut off, overwritten or lacks an array."""
PART_SUFFIX = ".part"
"""Ends the name of a file that is being written; one that is left over was never finished."""


@contextmanager
def written_whole(path: Path) -> Iterator[Path]:
    """Yields where to write; the file takes its name when the block ends well, and is deleted when it does not."""
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(path.name + PART_SUFFIX)
    try:
        yield part
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)


def write_text(path: Path, text: str) -> None:
    """Writes a text file whole or not at all."""
    with written_whole(path) as part:
        part.write_text(text, encoding="utf-8")


@contextmanager
def opened_arrays(path: Path) -> Iterator[NpzFile]:
    """Yields the arrays of an .npz file, none of which is unpickled; raises any of `ARRAYS_DAMAGED`."""
    import numpy as np

    # Opened here, since NumPy leaves open what it cannot read.
    with path.open("rb") as stream, np.load(stream, allow_pickle=False) as arrays:
        yield arrays
