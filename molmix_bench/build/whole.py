"""Files that pieces of work leave: whole or not at all, even when one piece runs twice at the same moment.

A cluster starts a piece anew when its node falls silent, and the node may yet wake and write. Pieces are pure, so both
write the same bytes; each writes under a name of its own, and the later rename changes nothing.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import numpy.typing as npt

from molmix_bench.atomic import PART_SUFFIX


@contextmanager
def written_apart(path: Path) -> Iterator[Path]:
    """Yields where to write; the file takes its name when the block ends well, and is deleted when it does not."""
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(f"{path.name}.{uuid.uuid4().hex}{PART_SUFFIX}")
    try:
        yield part
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)


def save_array(path: Path, array: npt.NDArray[np.generic]) -> None:
    """Writes an array as `.npy`."""
    with written_apart(path) as part, part.open("wb") as stream:
        np.save(stream, array, allow_pickle=False)


def keep_only(folder: Path, names: Iterable[str]) -> None:
    """Deletes every file in a folder but those of these relative names: what pieces that were killed left half-written.

    Raises:
        FileNotFoundError: one of the files is not there.
    """
    wanted = {folder / name for name in names}
    for path in wanted:
        path.stat()
    for path in sorted(folder.rglob("*")):
        if path.is_file() and path not in wanted:
            path.unlink()
