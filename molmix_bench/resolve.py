"""From a name to a mix: a path, the cache, a Hub, or a build from raw downloads. The one place that decides."""

from __future__ import annotations

from pathlib import Path

from molmix_bench.cache import cache_dir
from molmix_bench.errors import UsageError
from molmix_bench.hub.remote import is_repo_name
from molmix_bench.mix import Mix, is_mix
from molmix_bench.specs.base import nearest
from molmix_bench.specs.catalog import load_mix_spec, mix_names, resolve_sources
from molmix_bench.specs.mix import MixSpec
from molmix_bench.talk import say

HUB_NAMESPACE = "molmix"
"""Whose repositories hold the catalog's mixes, under their names, a tag `v<version>` for each version."""


def load(name: str | Path, *, revision: str | None = None, workers: int = 1) -> Mix:
    """Returns the mix that `name` stands for.

    A directory is opened; a URL (`s3://...`) is fetched into the cache, of a folder that mixes were published to the
    current version; `namespace/name` is a repository on a Hub. A
    name of the catalog is tried in this order, each step said on stderr: the cache; the Hub, at the version of the
    catalog; a build, from raw files that are downloaded.
    What comes from a Hub is compared with its manifest at its first use.

    Args:
        name: a directory, a repository, or a mix of the catalog.
        revision: a branch, tag or commit of the repository, or a version (`v1.0.0`) in a folder that mixes were
            published to; a catalog's mix is then looked for on the Hub alone.
        workers: processes of a build.

    Raises:
        UsageError: `name` is none of these, or the directory has no such revision.
        MixError: the directory or the repository holds no finished mix.
        HubError: the repository cannot be reached, or its files differ from its manifest.
        SourceError, BuildError: as `build.run.build`.
    """
    path = Path(name)
    if path.is_dir():
        return _open_folder(path, revision)
    if "://" in str(name):
        from molmix_bench.build.stored import fetch_mix  # with its file systems, half a second to import
        from molmix_bench.hub.locate import version_address

        return Mix(fetch_mix(version_address(str(name), revision=revision)))
    if is_repo_name(str(name)):
        from molmix_bench.hub.fetch import fetch  # with all that verifies, half a second to import

        say(f"{name}: no such directory here; asking the Hub for it")
        return Mix(fetch(str(name), revision=revision))
    known = mix_names()
    if str(name) not in known:
        raise UsageError(
            f"mix {str(name)!r}",
            found=f"no such directory, and no such mix in the catalog{nearest(str(name), known)}",
            expected=f"a directory, namespace/name on a Hub, or one of {', '.join(known)}",
        )
    return _load_known(str(name), revision=revision, workers=workers)


def _open_folder(path: Path, revision: str | None) -> Mix:
    if revision is None and is_mix(path):
        return Mix(path)
    from molmix_bench.hub.locate import version_folder  # as `fetch`

    return Mix(version_folder(path, revision=revision))


def _load_known(name: str, *, revision: str | None, workers: int) -> Mix:
    """Returns a mix of the catalog."""
    from molmix_bench.hub.fetch import fetch, fetch_if_there  # as above

    repo = f"{HUB_NAMESPACE}/{name}"
    if revision is not None:
        return Mix(fetch(repo, revision=revision))
    spec = load_mix_spec(name)
    cached = built_path(spec)
    if is_mix(cached):
        say(f"{name}: from the cache, {cached}")
        return Mix(cached)
    if _is_downloaded(spec):
        say(f"{name}: not in the cache ({cached}); asking the Hub for {repo}")
        fetched = fetch_if_there(repo, revision=f"v{spec.version}")
        if fetched is not None:
            return Mix(fetched)
    say(f"{name}: not in the cache ({cached}); building it there")
    from molmix_bench.build.run import build  # with RDKit and all readers, a second and a half

    return build(spec, cached, workers=workers)


def _is_downloaded(spec: MixSpec) -> bool:
    """Whether a build begins with downloads; what is generated on the spot needs no Hub."""
    return any(source.files for source in resolve_sources(spec))


def built_path(spec: MixSpec) -> Path:
    """Returns where the cache keeps the build of a catalog mix; a newer version of it lies elsewhere."""
    return cache_dir() / "mixes" / f"{spec.name}-{spec.version}"
