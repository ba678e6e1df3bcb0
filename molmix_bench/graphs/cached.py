"""The store of a mix: opened where there is one, built where there is none."""

from __future__ import annotations

import shutil
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import joblib
from filelock import FileLock, Timeout
from rdkit import rdBase

from molmix_bench.cache import cache_dir
from molmix_bench.errors import StoreError
from molmix_bench.graphs.build import write_arrays
from molmix_bench.graphs.featurize import FEATURIZER_VERSION
from molmix_bench.graphs.layout import (
    FORMAT,
    HEADER_FILE,
    REBUILD,
    Header,
    StoredDataset,
    form_of,
    read_header,
    write_header,
)
from molmix_bench.graphs.store import GraphStore
from molmix_bench.mix import Mix
from molmix_bench.specs.base import content_digest
from molmix_bench.specs.features import FeatureSpec
from molmix_bench.talk import say


def open_store(
    mix: Mix, features: FeatureSpec | None = None, *, workers: int | None = None, cache: Path | None = None
) -> GraphStore:
    """Returns the store of a mix; builds it the first time, which shows a progress bar on a terminal.

    Where several processes ask for the same store at the same moment, one builds it and the others wait.

    Args:
        mix: the molecules and labels.
        features: which encodings; `FeatureSpec()` where None.
        workers: processes that featurise; as many as there are cores for this one where None.
        cache: the folder that holds the folder of stores; `cache_dir()` where None.

    Raises:
        StoreError: the store is damaged or another's, or cannot be built.
    """
    _compare_rdkit(mix)
    header = _plan(mix, features or FeatureSpec())
    path = (cache or cache_dir()) / "stores" / header.key
    if not path.exists():
        with _explained(path.parent), _locked(path):
            if not path.exists():  # another process may have built it while this one waited
                _mention_outdated(header, path.parent)
                _build(mix, header, path, workers=workers or joblib.cpu_count())
    store = GraphStore(path)
    if store.header.key != header.key:
        raise StoreError(
            str(path),
            found=f"a store with the key {store.header.key[:12]}..., of {store.header.mix}",
            expected="the key that the folder is named by",
            fix=REBUILD,
        )
    return store


def _plan(mix: Mix, features: FeatureSpec) -> Header:
    """Returns the header of a mix's store, as yet without arrays: its key is all that the arrays depend on."""
    datasets = {
        name: StoredDataset(
            form=form_of(dataset),
            level=dataset.level,
            kind=dataset.kind,
            num_classes=dataset.num_classes,
            tasks=dataset.tasks,
        )
        for name, dataset in mix.datasets.items()
    }
    manifest = mix.manifest
    content = {
        "mix": {split: manifest.mix[split].digest for split in mix.splits},
        "datasets": {
            name: {
                **datasets[name].model_dump(mode="json"),
                "dtype": dataset.spec.list_dtype,
                "splits": {split: manifest.datasets[name].splits[split].digest for split in dataset.splits},
            }
            for name, dataset in mix.datasets.items()
        },
    }
    made_from = {
        "format": FORMAT,
        "content": content_digest(content),
        "featurizer": FEATURIZER_VERSION,
        "rdkit": rdBase.rdkitVersion,
        "features": features.model_dump(mode="json"),
    }
    return Header(
        format=FORMAT,
        key=content_digest(made_from),
        mix=f"{mix.name} {mix.version}",
        content=content_digest(content),
        featurizer=FEATURIZER_VERSION,
        rdkit=rdBase.rdkitVersion,
        features=features,
        datasets=datasets,
        splits=tuple(mix.splits),
        arrays={},
    )


def _build(mix: Mix, header: Header, path: Path, *, workers: int) -> None:
    """Makes the store in a folder beside its place and moves it there when it is whole."""
    unfinished = path.with_suffix(".building")
    # Under the lock, a folder of that name can only be what a killed process has left.
    shutil.rmtree(unfinished, ignore_errors=True)
    try:
        unfinished.mkdir()
        arrays = write_arrays(mix, unfinished, features=header.features, workers=workers)
        write_header(unfinished, header.model_copy(update={"arrays": arrays}))
        unfinished.rename(path)
    finally:
        shutil.rmtree(unfinished, ignore_errors=True)


@contextmanager
def _locked(path: Path) -> Iterator[None]:
    path.parent.mkdir(parents=True, exist_ok=True)
    lock = FileLock(path.with_suffix(".lock"))
    try:
        lock.acquire(timeout=0)
    except Timeout:
        say(f"waiting for another process that builds the same store, {path}")
        lock.acquire()
    try:
        yield
    finally:
        lock.release()


@contextmanager
def _explained(stores: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise StoreError(
            str(stores),
            found=f"{error}, before the store was complete; what was written is removed",
            fix="mend that, or set MOLMIX_CACHE to a folder elsewhere; then call again",
        ) from error


def _compare_rdkit(mix: Mix) -> None:
    built, running = mix.manifest.toolchain.get("rdkit"), rdBase.rdkitVersion
    if built != running:
        warnings.warn(
            f"mix {mix.name} was built with RDKit {built}, and this is {running}: features may differ a little from"
            " those that others compute",
            stacklevel=3,
        )


def _mention_outdated(header: Header, stores: Path) -> None:
    """Says so where the same mix has a store that another version of the featurizer or of RDKit made."""
    for file in sorted(stores.glob(f"*/{HEADER_FILE}")):
        try:
            other = read_header(file.parent)
        except StoreError:
            continue  # of another format, or damaged: it is not the one asked for
        if (other.content, other.features) == (header.content, header.features):
            made_by = f"featurizer {other.featurizer} and RDKit {other.rdkit}"
            say(f"{file.parent} was made by {made_by}; it is left alone, and the mix is featurised anew")
