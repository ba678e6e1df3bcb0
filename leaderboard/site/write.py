"""A folder of files that is at every instant the old one or the new one."""

from __future__ import annotations

import ctypes
import errno
import json
import os
import shutil
import sys
from collections.abc import Mapping
from itertools import chain
from pathlib import Path

from molmix_bench.atomic import PART_SUFFIX
from molmix_bench.errors import UsageError

MARK = "site.json"
"""Says that a folder is a site of ours, which may be replaced."""
FORMAT = "molmix-site-1"
_MARKED = json.dumps({"format": FORMAT}).encode() + b"\n"
_AT_FDCWD = -100
_RENAME_EXCHANGE = 2
_NO_EXCHANGE = (errno.EINVAL, errno.ENOSYS, errno.ENOTSUP)


def check_target(out: Path) -> None:
    """Refuses a place that holds anything but an earlier site.

    Raises:
        UsageError: it does.
    """
    if not out.exists() and not out.is_symlink():
        return
    if out.is_symlink() or not out.is_dir():
        raise UsageError(str(out), found="a file or a link", expected="a folder, or nothing yet")
    if any(out.iterdir()) and not (out / MARK).is_file():
        fix = "choose another folder, or empty this one yourself"
        raise UsageError(str(out), found=f"a folder without {MARK}", expected="a site, which is replaced", fix=fix)


def write_site(out: Path, files: Mapping[str, bytes]) -> None:
    """Writes a site whole, in place of an earlier one.

    Args:
        out: the folder.
        files: content by relative path, taken one by one; the mark is added.

    Raises:
        UsageError: as `check_target`.
    """
    check_target(out)
    out = Path(os.path.abspath(out))  # noqa: PTH100  # its parent, also where it is given as `.`; no link is followed
    part = out.with_name(out.name + PART_SUFFIX)
    shutil.rmtree(part, ignore_errors=True)
    part.mkdir(parents=True)
    try:
        for name, content in chain(files.items(), [(MARK, _MARKED)]):
            path = part / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)
        _put(part, out)
    finally:
        # What is left here is what stood at `out` before, or what could not be finished.
        shutil.rmtree(part, ignore_errors=True)


def _put(part: Path, out: Path) -> None:
    """Gives `part` the name `out`; what has it goes to `part`."""
    if not out.exists():
        part.rename(out)
    elif not _exchange(part, out):
        # No such call on this system: for an instant there is nothing.
        old = out.with_name(f"{out.name}.old{PART_SUFFIX}")
        out.rename(old)
        try:
            part.rename(out)
        except OSError:
            old.rename(out)
            raise
        shutil.rmtree(old)


def _exchange(one: Path, other: Path) -> bool:
    """Exchanges the names of two folders in one step, where Linux and the file system can; returns whether."""
    if sys.platform != "linux":
        return False
    renameat2 = getattr(ctypes.CDLL(None, use_errno=True), "renameat2", None)
    if renameat2 is None:
        return False
    if renameat2(_AT_FDCWD, os.fsencode(one), _AT_FDCWD, os.fsencode(other), _RENAME_EXCHANGE) == 0:
        return True
    code = ctypes.get_errno()
    if code in _NO_EXCHANGE:
        return False
    raise OSError(code, os.strerror(code), str(other))
