"""Two versions of a tiny mix, the commands as processes of their own, and what a reader sees on a Hub."""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from molmix_bench.build.run import build
from molmix_bench.cards import write
from molmix_bench.devhub.names import Kind, repo_id
from molmix_bench.mix import Mix
from molmix_bench.specs.base import validate_spec
from molmix_bench.specs.mix import MixSpec
from tests.build.tiny import ALKANES, SMALL_PIECES, mix_spec, numbered, table_source

SCRIPT = "from molmix_bench.cli import main; main()"


def build_version(folder: Path, version: str, *, title: str = "Tiny") -> Mix:
    """Returns a tiny mix with its card; 1.0.0 and 1.1.0 share one dataset, and each has one that the other has not.

    The figures of the card are a few bytes each, for drawing them takes seconds.
    """
    one = table_source("one", numbered(ALKANES[:30], tasks=2), folder)
    name = "old" if version == "1.0.0" else "new"
    two = table_source(name, numbered(ALKANES[10:]), folder)
    data = mix_spec(one, two, method="hash").model_dump(mode="json") | {"version": version, "title": title}
    spec = validate_spec(MixSpec, data, where="tiny")
    built = build(spec, folder / f"v{version}", raw=[folder], layout=SMALL_PIECES)
    figures = {
        name: (f"{name} {version}".encode(), f"{name} {version}, dark".encode()) for name in ("density", "sizes")
    }
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(write, "_draw", lambda *_: figures)
        return write.write_card(built.path, repository="molmix/tiny")


def environment(hub, folder: Path, *, user: str = "molmix", **more: str) -> dict[str, str]:
    """Returns the environment of a process that talks to this Hub only, with caches of its own."""
    caches = {"HF_HOME": str(folder / "hf"), "MOLMIX_CACHE": str(folder / "cache")}
    settings = {"HF_ENDPOINT": hub.url, "HF_TOKEN": f"hf_{user}", "HF_HUB_DISABLE_XET": "1"}
    return {**os.environ, **caches, **settings, **more}


def command(*arguments: object) -> list[str]:
    """Returns the command line of a verb."""
    return [sys.executable, "-c", SCRIPT, *map(str, arguments)]


def run(*arguments: object, env: dict[str, str], timeout: float = 280) -> subprocess.CompletedProcess[str]:
    """Runs a verb in a process of its own, for so many seconds at most."""
    return subprocess.run(command(*arguments), capture_output=True, text=True, env=env, check=False, timeout=timeout)


def repository(hub, name: str):
    """Returns a repository of the running Hub, past HTTP."""
    namespace, _, rest = name.partition("/")
    return hub.store.find(repo_id(Kind.DATASET, namespace, rest))


def complete_version(repo, commit: str) -> str | None:
    """Returns the version that a commit holds whole, byte for byte as its manifest says; None where it does not."""
    files = repo.commit(commit).files
    if "manifest.json" not in files:
        return None
    manifest = json.loads(repo.content_path(files["manifest.json"]).read_text(encoding="utf-8"))
    for item in manifest["files"]:
        entry = files.get(item["path"])
        path = repo.content_path(entry) if entry else None
        if path is None or not path.is_file() or hashlib.sha256(path.read_bytes()).hexdigest() != item["sha256"]:
            return None
    named = {item["path"] for item in manifest["files"]}
    tables = {path for path in files if path.endswith(".parquet")}
    return manifest["version"] if tables <= named else None


def uploads(hub) -> dict[str, int]:
    """Returns how often each object was uploaded and acknowledged."""
    counts: dict[str, int] = {}
    for request, status in list(hub.journal):
        method, _, path = request.partition(" ")
        if method == "PUT" and status == 200:
            oid = path.split("/")[5]
            counts[oid] = counts.get(oid, 0) + 1
    return counts
