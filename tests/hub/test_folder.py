"""Tests of publishing to a folder or an address: what a reader finds at every moment, and what is refused."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import fsspec
import pytest

import molmix_bench as mb
from molmix_bench.devhub.faults import flip_byte
from molmix_bench.errors import HubError, MissingExtraError, MixError, UsageError
from molmix_bench.hub.locate import locate
from molmix_bench.hub.place import Place
from molmix_bench.hub.publish_folder import publish_to_folder
from molmix_bench.hub.verify import verify


@pytest.fixture(params=["folder", "memory"])
def target(request, tmp_path):
    """Returns a directory, and an address of an object store that lives in memory."""
    if request.param == "folder":
        return str(tmp_path / "target")
    fsspec.filesystem("memory").store.clear()
    return "memory://bucket/target"


def _files(target):
    return set(Place(target).sizes())


def test_publish_and_update(target, versions):
    """Both versions lie side by side, the newest is current, and every byte is right."""
    plan = publish_to_folder(versions[0].path, target)
    assert (len(plan.changed), plan.tagged) == (len(versions[0].manifest.files) + 1, False)
    assert _files(target) == set()
    for version in versions:
        assert publish_to_folder(version.path, target, yes=True).tagged
        assert verify(locate(target)) == []
    assert verify(locate(target, revision="v1.0.0")) == []
    with Place(target).local("latest.json") as latest:
        assert json.loads(latest.read_text())["folder"] == "v1.1.0"


def test_load_from_a_folder(versions, tmp_path):
    """`mb.load` of a folder opens its current version, or the one that is asked for."""
    target = tmp_path / "target"
    for version in versions:
        publish_to_folder(version.path, str(target), yes=True)
    assert mb.load(target).version == "1.1.0"
    assert mb.load(target, revision="v1.0.0").version == "1.0.0"
    with pytest.raises(UsageError, match="no such version"):
        mb.load(target, revision="v9")


def test_broken_off_anywhere(target, versions, monkeypatch):
    """Broken off before each write in turn: a reader finds the old version, and the rest goes on without the done."""
    publish_to_folder(versions[0].path, target, yes=True)
    real, written, allowed = Place.put, [], [0]

    def _put(self, path, source):
        if len(written) == allowed[0]:
            raise KeyboardInterrupt
        written.append(path)
        real(self, path, source)

    monkeypatch.setattr(Place, "put", _put)
    total = len(versions[1].manifest.files) + 2
    while allowed[0] < total:
        with pytest.raises(KeyboardInterrupt):
            publish_to_folder(versions[1].path, target, yes=True)
        assert locate(target).where.endswith("v1.0.0")
        assert verify(locate(target)) == []
        allowed[0] += 1
    publish_to_folder(versions[1].path, target, yes=True)
    assert locate(target).where.endswith("v1.1.0")
    assert verify(locate(target)) == []
    assert len(written) == len(set(written)) == total
    assert written[-2:] == ["v1.1.0/manifest.json", "latest.json"]


def test_leftovers_are_repaired(target, versions):
    """A wrong byte and a stray table that an earlier attempt left are put right before the manifest is written."""
    first = next(file.path for file in versions[0].manifest.files)
    place = Place(target)
    place.put_text(f"v1.0.0/{first}", "rubbish")
    place.put_text("v1.0.0/one/train-99999-of-99999.parquet", "rubbish")
    publish_to_folder(versions[0].path, target, yes=True)
    assert verify(locate(target)) == []


def test_storage_that_spoils(target, versions, monkeypatch, tmp_path):
    """Where a written file reads back otherwise, twice, nothing of the version is shown."""
    real = Place.put

    def _put(self, path, source):
        if path.endswith("tasks.parquet"):
            source = Path(shutil.copy(source, tmp_path / "copy"))
            flip_byte(source)
        real(self, path, source)

    monkeypatch.setattr(Place, "put", _put)
    with pytest.raises(HubError, match=r"tasks.parquet: found other bytes than were written, twice"):
        publish_to_folder(versions[0].path, target, yes=True)
    assert not {"v1.0.0/manifest.json", "latest.json"} & _files(target)


def test_refused(target, versions, tmp_path):
    """Other content of a version, another mix, foreign files and unknown protocols are refused."""
    publish_to_folder(versions[0].path, target, yes=True)
    shutil.copytree(versions[0].path, tmp_path / "other")
    text = (tmp_path / "other" / "manifest.json").read_text()
    (tmp_path / "other" / "manifest.json").write_text(text + "\n")
    with pytest.raises(HubError, match="published with other content"):
        publish_to_folder(tmp_path / "other", target, yes=True)
    Place(target).put_text("latest.json", json.dumps({"name": "qm9", "version": "1.0.0", "folder": "v1.0.0"}))
    with pytest.raises(HubError, match="found the mix qm9; expected the mix tiny"):
        publish_to_folder(versions[1].path, target, yes=True)
    with pytest.raises(UsageError, match="Protocol not known"):
        publish_to_folder(versions[0].path, "nonsense://x", yes=True)
    (tmp_path / "home").mkdir()
    (tmp_path / "home" / "thesis.tex").write_text("x")
    with pytest.raises(HubError, match=r"files that no publication left there \(thesis.tex"):
        publish_to_folder(versions[0].path, str(tmp_path / "home"), yes=True)
    with pytest.raises(MixError, match=r"neither manifest.json nor latest.json"):
        locate(f"{target}/nowhere" if "://" in target else "memory://nowhere")


def test_a_file_is_no_folder(versions, tmp_path):
    """A target that is a file is a usage error, and the file stays."""
    (tmp_path / "thesis.tex").write_text("x")
    with pytest.raises(UsageError, match=r"thesis.tex: found a file; expected a folder"):
        publish_to_folder(versions[0].path, str(tmp_path / "thesis.tex"), yes=True)
    assert (tmp_path / "thesis.tex").read_text() == "x"


def test_a_folder_named_by_a_file_stays_inside(tmp_path):
    """`latest.json` cannot name a folder outside."""
    (tmp_path / "latest.json").write_text(json.dumps({"name": "x", "version": "/../..", "folder": "v/../.."}))
    with pytest.raises(MixError, match="no name, version and folder"):
        mb.load(tmp_path)


def test_missing_package(monkeypatch):
    """A protocol whose package is not installed says what to install."""

    def _refuse(*_, **__):
        raise ImportError("Install s3fs to access S3")

    monkeypatch.setattr("fsspec.core.url_to_fs", _refuse)
    with pytest.raises(MissingExtraError, match="Install s3fs"):
        Place("s3://bucket/x")
