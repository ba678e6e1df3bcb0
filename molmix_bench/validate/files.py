"""Check: every file of the mix is there byte for byte, and no other."""

from __future__ import annotations

from collections.abc import Iterator

from molmix_bench.mix import Mix
from molmix_bench.sources.download import file_sha256
from molmix_bench.validate.findings import Finding, Severity
from molmix_bench.vocab import MANIFEST_FILE

CHECK = "files"


def check_files(mix: Mix) -> Iterator[Finding]:
    """Yields files that differ from the manifest's checksum, and files that it does not name."""
    named = {file.path for file in mix.manifest.files}
    for file in mix.manifest.files:
        found = file_sha256(mix.path / file.path)
        if found != file.sha256:
            yield Finding(CHECK, Severity.ERROR, file.path, f"sha256 {found}, the manifest says {file.sha256}")
    for path in sorted(mix.path.rglob("*")):
        relative = path.relative_to(mix.path).as_posix()
        if path.is_file() and relative != MANIFEST_FILE and relative not in named:
            yield Finding(CHECK, Severity.WARNING, relative, "a file that the manifest does not name")
