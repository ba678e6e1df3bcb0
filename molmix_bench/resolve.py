"""From a name to a mix: a directory, a mix in the cache, or a build from raw downloads. The one place that decides."""

from __future__ import annotations

from pathlib import Path

from molmix_bench.build.run import build
from molmix_bench.cache import cache_dir
from molmix_bench.errors import UsageError
from molmix_bench.mix import Mix, is_mix
from molmix_bench.specs.base import nearest
from molmix_bench.specs.catalog import load_mix_spec, mix_names
from molmix_bench.talk import say


def load(name: str | Path, *, workers: int = 1) -> Mix:
    """Returns the mix that `name` stands for.

    Tried in this order, each said on stderr but the first: a directory; the mix of that name in the cache; a build,
    from raw files that are downloaded.

    Raises:
        UsageError: `name` is neither a directory nor a mix of the catalog.
        MixError: the directory holds no finished mix.
        SourceError, BuildError: as `build.run.build`.
    """
    path = Path(name)
    if path.is_dir():
        return Mix(path)
    known = mix_names()
    if str(name) not in known:
        raise UsageError(
            f"mix {str(name)!r}",
            found=f"no such directory, and no such mix in the catalog{nearest(str(name), known)}",
            expected=f"a directory or one of {', '.join(known)}",
        )
    cached = built_path(str(name))
    if is_mix(cached):
        say(f"{name}: from the cache, {cached}")
        return Mix(cached)
    say(f"{name}: not in the cache ({cached}); building it there")
    return build(load_mix_spec(str(name)), cached, workers=workers)


def built_path(name: str) -> Path:
    """Returns where the cache keeps the build of a catalog mix."""
    return cache_dir() / "mixes" / name
