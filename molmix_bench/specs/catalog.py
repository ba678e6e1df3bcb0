"""The catalog: the sources and mixes that ship with the package, by name."""

from __future__ import annotations

from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Any

from molmix_bench.errors import SpecError, UsageError
from molmix_bench.specs.base import nearest, read_yaml, validate_spec
from molmix_bench.specs.mix import MixSpec
from molmix_bench.specs.source import SourceSpec


def catalog_dir() -> Path:
    """Returns the directory of the catalog's YAML files."""
    return Path(str(files("molmix_bench.catalog")))


def mix_names() -> tuple[str, ...]:
    """Returns the names of the catalog's mixes, sorted."""
    return _names("mixes")


def source_names() -> tuple[str, ...]:
    """Returns the names of the catalog's sources, sorted."""
    return _names("sources")


@cache
def load_mix_spec(name: str) -> MixSpec:
    """Returns a mix of the catalog; raises `UsageError` for an unknown name."""
    path = _path("mixes", name, mix_names())
    return validate_spec(MixSpec, read_yaml(path), where=str(path))


def load_mix_file(path: Path) -> MixSpec:
    """Returns the mix that a YAML file of the user's describes, with its own sources in full.

    An entry of `sources` is a name of the catalog, a source written out, or the path of a YAML file with a source,
    relative to the mix's own file.

    Raises:
        UsageError: there is no such file, or none that `sources` names.
        SpecError: a file is no mix or source.
    """
    data = read_yaml(path)
    sources = data.get("sources")
    if isinstance(sources, list):
        data |= {"sources": [_own_source(item, path) for item in sources]}
    return validate_spec(MixSpec, data, where=str(path))


def _own_source(item: Any, path: Path) -> Any:
    """Returns an entry of a mix's sources with a file read or a mapping checked; anything else as it is."""
    if isinstance(item, str) and item.endswith((".yaml", ".yml")):
        file = path.parent / item
        return validate_spec(SourceSpec, read_yaml(file), where=str(file))
    if isinstance(item, dict):
        # By itself, so that an error names the source's key and not the alternatives to a source written out.
        return validate_spec(SourceSpec, item, where=f"{path}, source {item.get('name', '?')}")
    return item


@cache
def load_source_spec(name: str) -> SourceSpec:
    """Returns a source of the catalog; raises `UsageError` for an unknown name."""
    path = _path("sources", name, source_names())
    return validate_spec(SourceSpec, read_yaml(path), where=str(path))


def resolve_sources(mix: MixSpec) -> tuple[SourceSpec, ...]:
    """Returns the mix's sources, names replaced by the catalog's specs.

    Raises:
        UsageError: the catalog has no such source.
        SpecError: two sources or two datasets of the mix bear the same name.
    """
    sources = tuple(load_source_spec(item) if isinstance(item, str) else item for item in mix.sources)
    for what, names in (
        ("source", [source.name for source in sources]),
        ("dataset", [name for source in sources for name in source.datasets]),
    ):
        if repeated := sorted({name for name in names if names.count(name) > 1}):
            raise SpecError(f"mix {mix.name}", found=f"the {what} {', '.join(repeated)} twice", expected="each once")
    return sources


def _names(folder: str) -> tuple[str, ...]:
    return tuple(sorted(path.stem for path in (catalog_dir() / folder).glob("*.yaml")))


def _path(folder: str, name: str, known: tuple[str, ...]) -> Path:
    if name not in known:
        found = f"no {name!r} among its {folder}{nearest(name, known)}"
        raise UsageError("catalog", found=found, expected=f"one of {', '.join(known)}")
    return catalog_dir() / folder / f"{name}.yaml"
