"""Before a build: the spec resolved to its last column, raw files found and hashed."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from molmix_bench.build.plan import Layout, Plan, RawInput
from molmix_bench.errors import UsageError
from molmix_bench.sources.generated import num_chunks
from molmix_bench.sources.locate import LocatedFile, locate_files
from molmix_bench.sources.patterns import expand_source, has_patterns
from molmix_bench.sources.read import column_names
from molmix_bench.specs.base import content_digest, nearest
from molmix_bench.specs.catalog import resolve_sources
from molmix_bench.specs.mix import MixSpec, SplitSpec
from molmix_bench.specs.readers import GeneratedReader
from molmix_bench.specs.source import SourceSpec


def make_plan(spec: MixSpec, *, work: Path, raw: Sequence[Path], layout: Layout) -> Plan:
    """Returns the plan of a build.

    Raises:
        UsageError: a source, dataset or folder does not exist.
        SourceError: a raw file cannot be fetched, or does not have the columns of the spec.
    """
    sources = _choose(spec, resolve_sources(spec))
    split, notes = _split_of_part(spec.split, sources)
    published = split.method == "published"
    found = [_find(position, source, raw, published=published) for position, source in enumerate(sources)]
    resolved = spec.model_copy(update={"sources": tuple(item.source for item in found), "split": split})
    return Plan(
        spec=resolved,
        inputs=tuple(entry for item in found for entry in item.inputs),
        work=work,
        layout=layout,
        companions=tuple(entry for item in found for entry in item.companions),
        split_files=tuple(item.split_file for item in found),
        notes=tuple(notes),
    )


def _choose(spec: MixSpec, sources: tuple[SourceSpec, ...]) -> tuple[SourceSpec, ...]:
    """Returns the sources with only the datasets that the mix is to have, and without those of which it has none."""
    if spec.datasets is None:
        return sources
    known = [name for source in sources for name in source.datasets]
    if strange := [name for name in spec.datasets if name not in known]:
        found = ", ".join(f"{name!r}{nearest(name, known)}" for name in strange)
        raise UsageError(f"mix {spec.name}", found=f"no dataset {found}", expected=f"some of {', '.join(known)}")
    chosen = []
    for source in sources:
        datasets = {name: item for name, item in source.datasets.items() if name in spec.datasets}
        if datasets:
            chosen.append(source.model_copy(update={"datasets": datasets}))
    return tuple(chosen)


def _split_of_part(split: SplitSpec, sources: tuple[SourceSpec, ...]) -> tuple[SplitSpec, list[str]]:
    """Returns the split rule for the sources at hand: without `test_seen` where one of its sources is left out."""
    rule = split.test_seen
    if rule is None:
        return split, []
    present = {source.name for source in sources}
    missing = [name for name in (*rule.sources, rule.within) if name not in present]
    if not missing:
        return split, []
    note = (
        f"split without test_seen, and so not as in the whole mix: the rule needs {', '.join(missing)}, "
        "of which this build has no dataset"
    )
    warnings.warn(note, stacklevel=2)
    return split.model_copy(update={"test_seen": None}), [note]


@dataclass(frozen=True, slots=True)
class _Found:
    source: SourceSpec
    inputs: tuple[RawInput, ...]
    companions: tuple[RawInput, ...]
    split_file: Path | None


def _find(position: int, source: SourceSpec, raw: Sequence[Path], *, published: bool) -> _Found:
    if isinstance(source.reader, GeneratedReader):
        digest = content_digest(source.reader)
        chunks = tuple(
            RawInput(position, f"{source.name}-{chunk:05d}", None, chunk, digest, num_bytes=0, matches_upstream=None)
            for chunk in range(num_chunks(source.reader))
        )
        return _Found(source, chunks, (), None)
    files = locate_files(source, raw)
    companions = {file.spec.name: file.path for file in files if file.spec.companion}
    rows = [file for file in files if not file.spec.companion]
    if has_patterns(source):
        columns = column_names(source, rows[0].path, companions)
        source = expand_source(source, columns, file=rows[0].spec.name)
    others = [_input(position, file) for file in files if file.spec.companion]
    split_file = None
    if published:
        if source.split_file is None:
            found = f"source {source.name} has no split file"
            raise UsageError("split method published", found=found, fix="use the method paper, its rule")
        (located,) = locate_files(source, raw, files=(source.split_file,))
        split_file = located.path
        others.append(_input(position, located))
    inputs = tuple(_input(position, file, companions) for file in rows)
    return _Found(source, inputs, tuple(others), split_file)


def _input(position: int, file: LocatedFile, companions: dict[str, Path] | None = None) -> RawInput:
    return RawInput(
        source=position,
        name=file.spec.name,
        path=file.path,
        chunk=0,
        sha256=file.sha256,
        num_bytes=file.num_bytes,
        matches_upstream=file.matches_upstream,
        companions=companions or {},
    )
