"""Tests of finding, building and rebuilding stores."""

from __future__ import annotations

import errno
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

import pytest

from molmix_bench.errors import StoreError
from molmix_bench.graphs import build, cached
from molmix_bench.graphs.append import ArrayWriter
from molmix_bench.graphs.cached import open_store
from molmix_bench.specs.features import FeatureSpec
from tests.build.tiny import ALKANES, build_tiny, numbered, table_source
from tests.graphs.conftest import SPEC


def _stores(cache):
    return sorted(path for path in (cache / "stores").iterdir() if path.is_dir())


def test_built_once(tiny_mix, tmp_path, monkeypatch):
    """The second call opens what the first has built."""
    first = open_store(tiny_mix, SPEC, workers=1, cache=tmp_path)
    monkeypatch.setattr(cached, "write_arrays", None)
    second = open_store(tiny_mix, SPEC, workers=1, cache=tmp_path)
    assert second.path == first.path == _stores(tmp_path)[0]


def test_the_cache_is_the_user_s(tiny_mix, tmp_path, monkeypatch):
    """Without a folder given, stores go where MOLMIX_CACHE says; without features, there are the usual ones."""
    monkeypatch.setenv("MOLMIX_CACHE", str(tmp_path))
    store = open_store(tiny_mix, workers=1)
    assert store.path.parent == tmp_path / "stores"
    assert store.features == FeatureSpec(rwse=16, laplacian=8)


def test_the_key_follows_features_and_content(tiny_mix, tmp_path):
    """Other encodings or other molecules make another store."""
    keys = {
        open_store(tiny_mix, FeatureSpec(rwse=k, laplacian=0), workers=1, cache=tmp_path).header.key for k in (0, 1)
    }
    other = build_tiny(tmp_path, table_source("wide", numbered(ALKANES), tmp_path))
    keys.add(open_store(other, FeatureSpec(rwse=0, laplacian=0), workers=1, cache=tmp_path).header.key)
    assert len(keys) == len(_stores(tmp_path)) == 3


def test_workers_and_pieces_change_no_byte(tiny_mix, tiny_store, tmp_path, monkeypatch):
    """Featurised by two processes, a few molecules at a time, the store has the same bytes."""
    monkeypatch.setattr(build, "MOLECULES_PER_PIECE", 3)
    store = open_store(tiny_mix, SPEC, workers=2, cache=tmp_path)
    assert store.header == tiny_store.header
    for file in tiny_store.path.rglob("*.*"):
        assert (store.path / file.relative_to(tiny_store.path)).read_bytes() == file.read_bytes()


def test_another_featurizer(tiny_mix, tmp_path, monkeypatch, capsys):
    """A store from another version is built anew, and stderr says so; the old one stays."""
    monkeypatch.setattr(cached, "FEATURIZER_VERSION", "0")
    old = open_store(tiny_mix, SPEC, workers=1, cache=tmp_path)
    assert capsys.readouterr().err == ""
    monkeypatch.undo()
    new = open_store(tiny_mix, SPEC, workers=1, cache=tmp_path)
    assert f"{old.path} was made by featurizer 0" in capsys.readouterr().err
    assert sorted([old.path, new.path]) == _stores(tmp_path)


def test_another_rdkit(tmp_path):
    """A mix that was built with another RDKit warns."""
    mix = build_tiny(tmp_path, table_source("wide", numbered(ALKANES), tmp_path))
    mix.manifest.toolchain["rdkit"] = "2020.09.1"
    with pytest.warns(UserWarning, match="built with RDKit 2020"):
        open_store(mix, SPEC, workers=1, cache=tmp_path)


def test_a_form_of_rdkit_that_is_not_known(tiny_mix, tiny_store, tmp_path, monkeypatch, capsys):
    """Where the quick way cannot be taken, stderr says that it takes longer; the store is the same."""
    monkeypatch.setattr(build, "is_known", lambda: False)
    monkeypatch.setattr(sys.modules["molmix_bench.graphs.featurize"], "is_known", lambda: False)
    store = open_store(tiny_mix, SPEC, workers=1, cache=tmp_path)
    assert "featurising takes twice as long" in capsys.readouterr().err
    assert store.header == tiny_store.header


def test_full_disk(tiny_mix, tmp_path, monkeypatch):
    """When the disk is full in the middle, the error says so and nothing is left; later the same call works."""
    append = ArrayWriter.append

    def fail_later(self, name, rows):
        if name == "bond_table":
            raise OSError(errno.ENOSPC, "No space left on device")
        append(self, name, rows)

    monkeypatch.setattr(ArrayWriter, "append", fail_later)
    with pytest.raises(StoreError, match=r"No space left on device.*MOLMIX_CACHE"):
        open_store(tiny_mix, SPEC, workers=1, cache=tmp_path)
    assert _stores(tmp_path) == []
    monkeypatch.undo()
    assert open_store(tiny_mix, SPEC, workers=1, cache=tmp_path).num_graphs


def test_what_a_killed_build_leaves(tiny_mix, tiny_store, tmp_path):
    """An unfinished folder is taken neither for a store nor as a start."""
    unfinished = tmp_path / "stores" / f"{tiny_store.header.key}.building"
    unfinished.mkdir(parents=True)
    (unfinished / "atom_code.bin").write_bytes(b"half")
    store = open_store(tiny_mix, SPEC, workers=1, cache=tmp_path)
    store.verify()
    assert _stores(tmp_path) == [store.path]


def test_two_at_once(tiny_mix, tmp_path, monkeypatch):
    """Of two that ask at the same moment, one builds and both get the store."""
    built = []
    write = cached.write_arrays
    monkeypatch.setattr(cached, "write_arrays", lambda *args, **kwargs: built.append(1) or write(*args, **kwargs))
    with ThreadPoolExecutor(2) as pool:
        calls = [pool.submit(open_store, tiny_mix, SPEC, workers=1, cache=tmp_path) for _ in range(2)]
    assert len({call.result().path for call in calls}) == 1
    assert len(built) == 1


def test_a_molecule_that_does_not_parse(tiny_mix, tmp_path, monkeypatch):
    """A molecule that RDKit does not parse is named, from a worker process too, and leaves nothing behind."""
    monkeypatch.setattr(build, "MOLECULES_PER_PIECE", 3)
    read = build.read_molecules

    def spoiled(mix):
        for molecules in read(mix):
            molecules.smiles[-1] = "C1CC"
            yield molecules

    monkeypatch.setattr(build, "read_molecules", spoiled)
    with pytest.raises(StoreError, match=r"molecule [A-Z]{14}-.*'C1CC'"):
        open_store(tiny_mix, SPEC, workers=2, cache=tmp_path)
    assert _stores(tmp_path) == []


def test_a_script_needs_no_main_guard(tiny_mix, tiny_store, tmp_path):
    """One line in a plain script builds a store with worker processes, and they end with it."""
    script = tmp_path / "script.py"
    script.write_text(
        "from pathlib import Path\n"
        "import molmix_bench.graphs\n"
        "from molmix_bench.mix import Mix\n"
        "from molmix_bench.specs.features import FeatureSpec\n"
        f"store = molmix_bench.graphs(Mix({str(tiny_mix.path)!r}), FeatureSpec(rwse=4, laplacian=3), workers=2,\n"
        f"                            cache=Path({str(tmp_path)!r}))\n"
        "print(store.header.key)\n"
    )
    result = subprocess.run([sys.executable, script], capture_output=True, text=True, check=True)
    assert result.stdout.strip() == tiny_store.header.key
    assert result.stderr == ""


def test_a_store_of_other_features_in_its_place(tiny_mix, tiny_store, tmp_path):
    """Another store under the name of the one asked for, whole in itself, is not taken for it."""
    path = tmp_path / "stores" / tiny_store.header.key
    other = open_store(tiny_mix, FeatureSpec(rwse=0, laplacian=0), workers=1, cache=tmp_path)
    other.path.rename(path)
    with pytest.raises(StoreError, match=r"a store with the key .*delete the folder"):
        open_store(tiny_mix, SPEC, workers=1, cache=tmp_path)
