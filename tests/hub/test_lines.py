"""Tests with the 0.x, 1.x and 2.x lines of huggingface_hub, each in a throw-away environment of its own."""

from __future__ import annotations

import subprocess
import sys
import sysconfig
from pathlib import Path

import pytest

from tests.hub.published import SCRIPT, complete_version, environment, repository

ROOT = Path(__file__).parent.parent.parent
CLIENT = """
import sys, pathlib, huggingface_hub as h
folder = pathlib.Path(sys.argv[1])
assert h.__version__.startswith(sys.argv[2]), h.__version__
api, kind = h.HfApi(), {"repo_type": "dataset"}
api.create_repo("molmix/x", **kind)
api.upload_folder(repo_id="molmix/x", folder_path=folder, **kind)
api.create_branch("molmix/x", branch="dev/one", **kind)
add = h.CommitOperationAdd("NOTES.md", b"hello")
number = api.create_commit("molmix/x", [add], commit_message="m", create_pr=True, token="hf_bob", **kind).pr_num
api.merge_pull_request("molmix/x", number, **kind)
api.create_tag("molmix/x", tag="v1", **kind)
found = pathlib.Path(api.snapshot_download("molmix/x", revision="v1", **kind))
for path in folder.rglob("*"):
    if path.is_file():
        assert (found / path.relative_to(folder)).read_bytes() == path.read_bytes(), path
assert (found / "NOTES.md").read_bytes() == b"hello"
assert not any(item.path == "NOTES.md" for item in api.list_repo_tree("molmix/x", revision="dev/one", **kind))
with h.HfFileSystem().open("datasets/molmix/x/tasks.parquet", block_size=100) as stream:
    stream.seek(200)
    assert stream.read(9) == (folder / "tasks.parquet").read_bytes()[200:209]
"""


@pytest.fixture(scope="module", params=["0", "1", "2"])
def line(request, tmp_path_factory):
    """Returns a line's first digit and the Python of an environment with its newest release."""
    folder = tmp_path_factory.mktemp("line") / "venv"
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(folder)], check=True)
    python = folder / "bin" / "python"
    wanted = f"huggingface_hub=={request.param}.*"
    install = [sys.executable, "-m", "pip", "--python", str(python), "install", "--quiet", wanted]
    done = subprocess.run(install, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        pytest.skip(f"{wanted} cannot be installed: {done.stderr[-200:]}")
    [site] = folder.glob("lib/*/site-packages")
    # Behind the line's own packages come all others of this environment.
    (site / "rest.pth").write_text(f"{ROOT}\n{sysconfig.get_paths()['purelib']}\n")
    return request.param, python


def _run(python, *arguments, env):
    done = subprocess.run([python, "-c", *map(str, arguments)], env=env, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done


@pytest.mark.slow
def test_client(line, hub, versions, tmp_path):
    """The unmodified client uploads, branches, proposes, merges, tags, downloads and streams."""
    number, python = line
    _run(python, CLIENT, versions[0].path, f"{number}.", env=environment(hub, tmp_path))


@pytest.mark.slow
def test_publish(line, hub, versions, tmp_path):
    """Our own commands work with it: publish, update, verify, load; what was loaded loads without a network too."""
    _, python = line
    env = environment(hub, tmp_path)
    for version in versions:
        _run(python, SCRIPT, "publish", version.path, "--repo", "molmix/tiny", "--yes", "--workers", 1, env=env)
    assert complete_version(repository(hub, "molmix/tiny"), "main") == "1.1.0"
    _run(python, SCRIPT, "verify", "molmix/tiny", env=env)
    _run(python, SCRIPT, "info", "molmix/tiny", env=env)
    for change in ({"HF_HUB_OFFLINE": "1"}, {"HF_ENDPOINT": "http://127.0.0.1:9"}):
        again = _run(python, SCRIPT, "info", "molmix/tiny", env=env | change)
        assert "not reached; looking for it in the cache" in again.stderr
