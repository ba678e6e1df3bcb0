"""Finding a source's raw files: in the user's own folders, or in the download cache."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from molmix_bench.cache import cache_dir
from molmix_bench.errors import UsageError
from molmix_bench.sources.download import fetch, file_sha256
from molmix_bench.specs.source import FileSpec, SourceSpec


@dataclass(frozen=True, slots=True)
class LocatedFile:
    """A raw file at hand.

    Attributes:
        matches_upstream: whether it has the checksum that the spec gives; None where the spec gives none.
    """

    spec: FileSpec
    path: Path
    sha256: str
    num_bytes: int
    matches_upstream: bool | None


def locate_files(
    source: SourceSpec, raw: Sequence[Path] = (), *, files: Sequence[FileSpec] | None = None
) -> tuple[LocatedFile, ...]:
    """Returns where the files of a source (or only `files`) are, downloading what is in none of the folders `raw`.

    A folder is searched in `<source>/`, in itself, and in its other subfolders; `x.csv` may stand there as `x.csv.gz`.
    A file from `raw` may differ from upstream's (a sample, say): that is a warning and a note in the manifest, while a
    download that differs is an error.

    Raises:
        UsageError: a folder of `raw` does not exist, or holds two files of one name.
        DownloadError, ChecksumError: as `sources.download.fetch`.
    """
    for folder in raw:
        if not folder.is_dir():
            raise UsageError("--raw", found=f"no folder {folder}", fix="check the path")
    return tuple(_locate(source, file, raw) for file in (source.files if files is None else files))


def _locate(source: SourceSpec, file: FileSpec, raw: Sequence[Path]) -> LocatedFile:
    given = next((found for folder in raw if (found := _search(folder, source.name, file.name))), None)
    path = given or fetch(file, cache_dir() / "raw" / source.name)
    sha256 = file_sha256(path)
    matches = None if file.sha256 is None else sha256 == file.sha256
    if matches is False:
        message = f"{path}: sha256 {sha256} is not upstream's {file.sha256}; the manifest will say so"
        warnings.warn(message, stacklevel=2)
    return LocatedFile(file, path, sha256, path.stat().st_size, matches)


def _search(folder: Path, source: str, name: str) -> Path | None:
    """Returns the file of this name, or its packed form, in a folder of the user's or in one of its subfolders."""
    for parents in ([folder / source], [folder], sorted(path for path in folder.iterdir() if path.is_dir())):
        found = [path for parent in parents for path in (parent / name, parent / f"{name}.gz") if path.is_file()]
        if len(found) > 1:
            shown = ", ".join(map(str, found))
            raise UsageError(f"--raw {folder}", found=f"{name} more than once ({shown})", fix="point --raw at one")
        if found:
            return found[0]
    return None
