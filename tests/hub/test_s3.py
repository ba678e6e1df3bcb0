"""Tests of publishing to an object store: a real S3 server, whose errors are real answers."""

from __future__ import annotations

import pytest

pytest.importorskip("s3fs")
pytest.importorskip("moto")

import molmix_bench as mb
from molmix_bench.errors import HubError, MixError, UsageError
from molmix_bench.hub.locate import locate
from molmix_bench.hub.publish_folder import publish_to_folder
from molmix_bench.hub.verify import verify
from tests.build.object_store import BUCKET, keys, running_store

# botocore and moto still use what Python 3.12 deprecates.
pytestmark = [pytest.mark.slow, pytest.mark.filterwarnings("ignore::DeprecationWarning")]
TARGET = f"s3://{BUCKET}/mixes/tiny"


@pytest.fixture
def store(monkeypatch, tmp_path):
    """Yields a running store and nothing in the cache."""
    monkeypatch.setenv("MOLMIX_CACHE", str(tmp_path / "cache"))
    with running_store(monkeypatch) as (gate, client):
        yield gate, client


def test_publish_and_load(store, versions):
    """Both versions are published, verified, and loaded by the target's own address: the newest, or another."""
    for version in versions:
        assert publish_to_folder(version.path, TARGET, yes=True).tagged
        assert verify(locate(TARGET)) == []
        assert mb.load(TARGET).manifest == version.manifest
    assert mb.load(TARGET, revision="v1.0.0").manifest == versions[0].manifest
    assert mb.load(f"{TARGET}/v1.0.0").version == "1.0.0"
    with pytest.raises(UsageError, match=r"revision 'v9': no such version in s3://"):
        mb.load(TARGET, revision="v9")
    with pytest.raises(UsageError, match=r"revision 'v1.0.0': no such version"):
        mb.load(f"{TARGET}/v1.0.0", revision="v1.0.0")


def test_broken_off_and_gone_on(store, versions):
    """Where the store fails in the middle, a reader finds the old version; the rest goes on without what is there."""
    gate, _ = store
    publish_to_folder(versions[0].path, TARGET, yes=True)
    before = len(gate.puts())
    gate.refuses = lambda method, _path: method == "PUT" and len(gate.puts()) > before + 5
    with pytest.raises(HubError, match=r"v1\.1\.0/.*it goes on where it was"):
        publish_to_folder(versions[1].path, TARGET, yes=True)
    assert mb.load(TARGET).version == "1.0.0"
    done = gate.puts()[before : before + 5]
    gate.heal()
    publish_to_folder(versions[1].path, TARGET, yes=True)
    assert mb.load(TARGET).version == "1.1.0"
    assert [gate.puts().count(path) for path in done] == [1] * 5
    assert gate.puts()[-2].endswith("v1.1.0/manifest.json")
    assert gate.puts()[-1].endswith("latest.json")


def test_changed_object(store, versions):
    """An object with one other byte of the same length is named by `verify` and refused by `mb.load`."""
    _, client = store
    publish_to_folder(versions[0].path, TARGET, yes=True)
    key = next(key for key in keys(client) if key.endswith("tasks.parquet"))
    body = client.get_object(Bucket=BUCKET, Key=key)["Body"].read()
    client.put_object(Bucket=BUCKET, Key=key, Body=bytes([*body[:-20], body[-20] ^ 1, *body[-19:]]))
    assert [item.path for item in verify(locate(TARGET))] == ["tasks.parquet"]
    with pytest.raises(MixError, match=r"tasks.parquet: found sha256"):
        mb.load(TARGET)


def test_what_is_wrong_is_told_apart(store, versions, monkeypatch):
    """A missing bucket, missing keys and a store that nobody answers for are three different errors."""
    with pytest.raises(HubError, match="no bucket 'none'; make it first"):
        publish_to_folder(versions[0].path, "s3://none/tiny", yes=True)
    with monkeypatch.context() as patch:
        patch.delenv("AWS_ACCESS_KEY_ID")
        patch.delenv("AWS_SECRET_ACCESS_KEY")
        patch.setenv("AWS_EC2_METADATA_DISABLED", "true")
        with pytest.raises(HubError, match=r"NoCredentialsError.*check rights"):
            publish_to_folder(versions[0].path, TARGET, yes=True)
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")
    with pytest.raises(HubError, match=r"EndpointConnectionError.*network"):
        publish_to_folder(versions[0].path, TARGET, yes=True)
