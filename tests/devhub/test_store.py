"""Tests of the dev-hub's memory: crashes, restarts, and requests that no honest client sends."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import time

import pytest
import requests

from molmix_bench.devhub.names import Kind, RefusalError, repo_id
from molmix_bench.devhub.serve import hub_in_thread
from molmix_bench.devhub.store import HubStore
from molmix_bench.errors import UsageError

AUTH = {"Authorization": "Bearer hf_ann"}


def _commit(hub, *lines, revision="main"):
    body = "\n".join(json.dumps(line) for line in lines)
    return requests.post(f"{hub.url}/api/datasets/ann/x/commit/{revision}", data=body, headers=AUTH, timeout=10)


def _file(path, content="eA=="):
    return {"key": "file", "value": {"path": path, "content": content, "encoding": "base64"}}


@pytest.mark.parametrize(
    "path", ["../up.txt", "/top.txt", "a/../../up.txt", "a//b", ".git/config", "a\\b", "a\x00b", "", "."]
)
def test_paths_stay_inside(api, hub, path):
    """A path that leads out of the repository is refused."""
    assert _commit(hub, _file(path)).status_code == 400
    assert api.list_repo_files("ann/x", repo_type="dataset") == [".gitattributes"]


@pytest.mark.parametrize("name", ["..", "a/b", ".x", "x.git", "a..b", "", "x" * 200])
def test_names_stay_inside(hub, name):
    """A repository's name that is no name is refused."""
    answer = requests.post(
        f"{hub.url}/api/repos/create", json={"name": name, "type": "dataset"}, headers=AUTH, timeout=10
    )
    assert answer.status_code == 400


@pytest.mark.parametrize(
    "line",
    [
        {"key": "nonsense", "value": {}},
        {"key": "file", "value": {"path": "a", "content": "!", "encoding": "base64"}},
        {"key": "file", "value": {"path": 1, "content": ""}},
        {"key": "lfsFile", "value": {"path": "a.parquet", "oid": "0" * 64}},
        {"key": "lfsFile", "value": {"path": "a.parquet", "oid": "../../secret"}},
        ["no", "object"],
    ],
)
def test_bad_commits(api, hub, line):
    """An operation that is none, or names an object that was never uploaded, is refused with 400."""
    assert _commit(hub, line).status_code == 400


def test_unsigned_uploads(api, hub):
    """The address of an upload works only as it was signed."""
    oid = "0" * 64
    address = f"{hub.url}/lfs/datasets/ann/x/{oid}/whole"
    assert requests.put(address, data=b"x", timeout=10).status_code == 403
    assert requests.put(f"{address}?key={'0' * 64}", data=b"x", timeout=10).status_code == 403


def test_wrong_bytes_are_refused(api, hub):
    """An object whose bytes have not the digest that names it is not kept."""
    batch = {"operation": "upload", "objects": [{"oid": "0" * 64, "size": 1}]}
    address = f"{hub.url}/datasets/ann/x.git/info/lfs/objects/batch"
    actions = requests.post(address, json=batch, headers=AUTH, timeout=10).json()["objects"][0]["actions"]
    assert requests.put(actions["upload"]["href"], data=b"x", timeout=10).status_code == 400
    assert requests.post(actions["verify"]["href"], json={}, timeout=10).status_code == 404


def test_other_host_names_are_refused(hub):
    """A page of the web cannot reach the Hub by a name of its own."""
    answer = requests.get(f"{hub.url}/api/datasets", headers={"Host": "evil.example"}, timeout=10)
    assert answer.status_code == 400


def test_one_hub_per_folder(tmp_path):
    """A second Hub on the same folder is refused, and the folder is free again afterwards."""
    store = HubStore(tmp_path)
    with pytest.raises(UsageError, match="another dev-hub"):
        HubStore(tmp_path)
    store.close()
    HubStore(tmp_path).close()


def test_a_change_that_fails_changes_nothing(tmp_path):
    """A change that ends in an error leaves refs as they were, in memory and on disk."""
    store = HubStore(tmp_path)
    repo = store.create(repo_id(Kind.DATASET, "ann", "x"))
    before = dict(repo.state.refs)

    def _fail():
        with repo.changing() as state:
            state.refs["refs/heads/new"] = "0" * 40
            raise RefusalError(400, "no")

    with pytest.raises(RefusalError):
        _fail()
    assert repo.state.refs == before
    store.close()
    again = HubStore(tmp_path)
    assert again.find(repo.id).state.refs == before
    again.close()


@pytest.mark.slow
def test_killed_hub_loses_nothing_it_acknowledged(tmp_path):
    """A Hub killed with -9 while commits come in serves every acknowledged one after its restart."""
    from huggingface_hub import CommitOperationAdd, HfApi

    script = "from molmix_bench.cli import main; main()"
    command = [sys.executable, "-c", script, "dev-hub", "--port", "0", "--data", str(tmp_path / "hub")]
    acknowledged = []
    for attempt in range(3):
        with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
            address = process.stdout.readline().strip()
            assert re.fullmatch(r"http://127\.0\.0\.1:\d+", address)
            api = HfApi(endpoint=address, token="hf_ann")
            api.create_repo("ann/x", repo_type="dataset", exist_ok=True)
            assert set(acknowledged) <= set(api.list_repo_files("ann/x", repo_type="dataset"))
            deadline = time.monotonic() + 1.5
            while time.monotonic() < deadline:
                path = f"{attempt}-{len(acknowledged)}.txt"
                api.create_commit("ann/x", [CommitOperationAdd(path, b"x")], commit_message="m", repo_type="dataset")
                acknowledged.append(path)
            os.kill(process.pid, signal.SIGKILL)
    assert len(acknowledged) > 10
    with hub_in_thread(tmp_path / "hub") as hub:
        api = HfApi(endpoint=hub.url, token="hf_ann")
        assert set(acknowledged) == set(api.list_repo_files("ann/x", repo_type="dataset")) - {".gitattributes"}
