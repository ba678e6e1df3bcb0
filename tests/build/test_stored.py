"""Tests of builds from and to an object store: a real S3 server, whose errors and breaks are real answers."""

from __future__ import annotations

import json

import pytest

pytest.importorskip("s3fs")
pytest.importorskip("moto")

from molmix_bench.build.anywhere import build_anywhere
from molmix_bench.build.remote import RemoteFolder
from molmix_bench.build.run import build
from molmix_bench.build.stored import UNFINISHED_FILE
from molmix_bench.errors import BuildError, MissingExtraError, MixError, UsageError
from molmix_bench.resolve import load
from tests.build.object_store import BUCKET, keys, running_store
from tests.build.tiny import ALKANES, mix_spec, numbered, table_source

# botocore and moto still use what Python 3.12 deprecates.
pytestmark = [pytest.mark.slow, pytest.mark.filterwarnings("ignore::DeprecationWarning")]
OUT = f"s3://{BUCKET}/mixes/tiny"
RAW = f"s3://{BUCKET}/raw"


@pytest.fixture
def store(monkeypatch, tmp_path):
    """Returns a running store that holds the raw files of `_spec`, and nothing in the cache."""
    monkeypatch.setenv("MOLMIX_CACHE", str(tmp_path / "cache"))
    with running_store(monkeypatch) as (gate, client):
        _spec(tmp_path)
        client.upload_file(str(tmp_path / "one.csv"), BUCKET, "raw/one/one.csv")
        client.put_object(Bucket=BUCKET, Key="raw/thesis.txt", Body=b"dear")
        gate.seen.clear()
        yield gate, client


def _spec(folder, **split):
    return mix_spec(table_source("one", numbered(ALKANES, tasks=2), folder), **split)


def _local_files(path):
    return {file.relative_to(path).as_posix(): file.read_bytes() for file in path.rglob("*") if file.is_file()}


def _stored_files(client):
    prefix = "mixes/tiny/"
    found = {key for key in keys(client) if key.startswith(prefix)}
    return {key[len(prefix) :]: client.get_object(Bucket=BUCKET, Key=key)["Body"].read() for key in found}


def test_build_from_and_to_a_store(store, tmp_path, capsys, monkeypatch):
    """Raw files from a bucket, the mix into it: the bytes of a local build, manifest last; then all of it is known."""
    gate, client = store
    spec = _spec(tmp_path)
    expected = _local_files(build(spec, tmp_path / "local", raw=[tmp_path]).path)
    build_anywhere(spec, OUT, raw=[RAW])
    assert _stored_files(client) == expected
    assert gate.puts()[0].endswith(f"tiny/{UNFINISHED_FILE}")
    assert gate.puts()[-1].endswith("tiny/manifest.json")
    assert not any("thesis" in path for _, path in gate.seen)
    before = len(gate.puts())
    build_anywhere(spec, OUT, raw=[RAW])
    assert len(gate.puts()) == before
    assert "holds this build already" in capsys.readouterr().err
    gets = gate.seen.count(("GET", f"/{BUCKET}/raw/one/one.csv"))
    assert gets == 1
    # Read elsewhere: another cache.
    monkeypatch.setenv("MOLMIX_CACHE", str(tmp_path / "elsewhere"))
    mix = load(OUT)
    assert _local_files(mix.path) == expected
    assert mix.path.is_relative_to(tmp_path / "elsewhere")


def test_store_fails_in_the_middle_of_an_upload(store, tmp_path):
    """What was uploaded is no mix, nobody takes it for one, and the same command sends only the rest."""
    gate, client = store
    spec = _spec(tmp_path)
    gate.refuses = lambda method, _path: method == "PUT" and len(gate.puts(".parquet")) > 4
    with pytest.raises(BuildError, match=r"parquet: it cannot write there .*the same command continues from here"):
        build_anywhere(spec, OUT, raw=[RAW])
    assert UNFINISHED_FILE in _stored_files(client)
    assert "manifest.json" not in _stored_files(client)
    with pytest.raises(MixError, match="found an unfinished upload; expected a finished mix"):
        load(OUT)
    arrived = {name for name in _stored_files(client) if name.endswith(".parquet")}
    assert arrived
    gate.heal()
    gate.seen.clear()
    mix = build_anywhere(spec, OUT, raw=[RAW])
    assert _stored_files(client) == _local_files(mix.path)
    assert not arrived & {path.removeprefix(f"/{BUCKET}/mixes/tiny/") for path in gate.puts()}


def test_object_changed_behind_an_unfinished_upload(store, tmp_path):
    """An object that is no longer what was uploaded is sent again."""
    gate, client = store
    spec = _spec(tmp_path)
    gate.refuses = lambda method, path: method == "PUT" and path.endswith("README.md")
    with pytest.raises(BuildError, match=r"README\.md"):
        build_anywhere(spec, OUT, raw=[RAW])
    size = client.head_object(Bucket=BUCKET, Key="mixes/tiny/tasks.parquet")["ContentLength"]
    client.put_object(Bucket=BUCKET, Key="mixes/tiny/tasks.parquet", Body=b"x" * size)
    gate.heal()
    mix = build_anywhere(spec, OUT, raw=[RAW])
    assert _stored_files(client) == _local_files(mix.path)


@pytest.mark.parametrize("trouble", ["refuses", "cuts"])
def test_store_fails_while_raw_files_are_read(store, tmp_path, trouble):
    """A read that fails or breaks off is an error that says so; no half a file is built from; then it goes on."""
    gate, client = store
    body = b"smiles,t0,t1\n" + b"".join(f"{text},{row},{row}\n".encode() for row, text in enumerate(ALKANES))
    client.put_object(Bucket=BUCKET, Key="raw/one/one.csv", Body=body)
    setattr(gate, trouble, lambda method, path: method == "GET" and path.endswith("one.csv"))
    with pytest.raises(BuildError, match=r"raw/one/one.csv: .*the same command continues from here"):
        build_anywhere(_spec(tmp_path), OUT, raw=[RAW])
    assert not list((tmp_path / "cache").rglob("one.csv"))
    gate.heal()
    mix = build_anywhere(_spec(tmp_path), OUT, raw=[RAW])
    assert mix.manifest.raw[0].num_bytes == len(body)


def test_raw_file_changes_in_the_store(store, tmp_path):
    """A raw file that changed is fetched anew, so the build is another one and the old mix stays."""
    _, client = store
    build_anywhere(_spec(tmp_path), OUT, raw=[RAW])
    client.put_object(Bucket=BUCKET, Key="raw/one/one.csv", Body=numbered(ALKANES[1:], tasks=2).encode())
    with pytest.raises(BuildError, match="another build of tiny"):
        build_anywhere(_spec(tmp_path), OUT, raw=[RAW])
    assert json.loads(_stored_files(client)["manifest.json"])["datasets"]["one"]["rows"]["read"] == 40


def test_foreign_folders_are_left_alone(store, tmp_path):
    """Where something else lies, nothing is written or deleted."""
    gate, client = store
    client.put_object(Bucket=BUCKET, Key="mixes/tiny/thesis.txt", Body=b"dear")
    with pytest.raises(BuildError, match="found something that is no mix; expected nothing there"):
        build_anywhere(_spec(tmp_path), OUT, raw=[RAW])
    client.delete_object(Bucket=BUCKET, Key="mixes/tiny/thesis.txt")
    client.put_object(Bucket=BUCKET, Key=f"mixes/tiny/{UNFINISHED_FILE}", Body=b'{"build_key": "other"}')
    with pytest.raises(BuildError, match="the unfinished upload of another build"):
        build_anywhere(_spec(tmp_path), OUT, raw=[RAW])
    assert not [path for path in gate.puts() if path.endswith(".parquet")]


def test_changed_file_of_a_stored_mix(store, tmp_path, monkeypatch):
    """A stored file that is not what the manifest says is refused when it is read."""
    _, client = store
    build_anywhere(_spec(tmp_path), OUT, raw=[RAW])
    client.put_object(Bucket=BUCKET, Key="mixes/tiny/tasks.parquet", Body=b"x")
    monkeypatch.setenv("MOLMIX_CACHE", str(tmp_path / "elsewhere"))
    with pytest.raises(MixError, match=r"tasks.parquet: found sha256 .* as in the manifest"):
        load(OUT)


def test_nothing_at_the_address(store, tmp_path, monkeypatch):
    """An empty raw folder, a mix that is not there and a closed port each say what is wrong."""
    with pytest.raises(UsageError, match=f"--raw: no file at s3://{BUCKET}/none"):
        build_anywhere(_spec(tmp_path), OUT, raw=[f"s3://{BUCKET}/none"])
    with pytest.raises(MixError, match=r"found no manifest.json; expected a finished mix; check the address"):
        load(f"s3://{BUCKET}/none")
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")
    with pytest.raises(BuildError, match=r"it cannot list there .*check the address, the keys and the network"):
        build_anywhere(_spec(tmp_path), OUT, raw=[str(tmp_path)])


def test_unknown_schemes():
    """A scheme that nobody knows, and one whose package is missing, are told apart."""
    with pytest.raises(BuildError, match="expected a URL that fsspec knows"):
        RemoteFolder("nonsense://x/y")
    with pytest.raises(MissingExtraError, match="install that package"):
        RemoteFolder("gs://x/y")


def test_file_urls_are_paths(tmp_path):
    """A file URL is the path that it means."""
    mix = build_anywhere(_spec(tmp_path), f"file://{tmp_path}/a%20mix", raw=[f"file://{tmp_path}"])
    assert mix.path == tmp_path / "a mix"
