"""Publications broken at a random point, by each fault in turn, and given again until they are done.

A trial publishes version 1.0.0 whole, breaks the publication of 1.1.0, and gives the same command again. Meanwhile a
reader looks at main: it must hold the old or the new version, byte for byte. At the end every byte is verified over
HTTP, and no object may have been uploaded again after the Hub had acknowledged it.

A trial is its seed: `python -m tests.soak publish --num 1 --seed S` makes the trial S again, fault and place.
"""

from __future__ import annotations

import multiprocessing
import os
import random
import re
import shutil
import signal
import sys
from collections import Counter
from dataclasses import dataclass, field
from multiprocessing.process import BaseProcess
from pathlib import Path

import pytest

from molmix_bench.devhub.faults import Fault, FaultKind
from molmix_bench.devhub.serve import RunningHub, hub_in_thread
from molmix_bench.errors import MolmixError
from molmix_bench.hub.locate import locate
from molmix_bench.hub.publish import publish
from molmix_bench.hub.verify import verify
from tests.hub.published import build_version, complete_version, environment, repository, run, uploads

REPO = "molmix/tiny"
FAULTS = ("cut", "cut_after", "429", "503", "504", "kill", "corrupt_download", "corrupt_upload", "stranger")
MAX_RUNS = 4
# Forked from a process that has imported everything and has no threads: two seconds less for each publication.
PROCESSES = multiprocessing.get_context("forkserver")
PROCESSES.set_forkserver_preload(["molmix_bench.hub.publish", "huggingface_hub.hf_api", "tests.soak.publish"])
_ALL, _WRITES, _MOVES = "", "^(POST|PUT|DELETE) ", "/(commit|branch|tag)/"
"""Patterns of requests: any, those that change something, those that make or move branches and tags."""
_READS, _UPLOADS = "^GET .*/resolve/", "^PUT .*/whole"
"""Patterns of downloads and of uploads."""
_STAGES = {
    "move main": "/commit/main",
    "stage": "/commit/|/branch/",
    "tag": "/tag/",
    "read back": "/resolve/",
    "upload": "/lfs/|/preupload/",
    "look": "",
}
"""What a publication was doing, by the first pattern that is found in the request."""


@dataclass
class Trial:
    """What one trial saw."""

    seed: int
    fault: str
    at: str = "nowhere"
    """The stage at which the fault struck."""
    runs: int = 0
    seen: list[str | None] = field(default_factory=list)
    """Versions that the reader saw on main, in order, each once in a row."""


def soak_publish(folder: Path, *, num: int, seed: int) -> dict[str, object]:
    """Runs so many trials and returns counts; raises `AssertionError` at the first that breaks a promise."""
    versions = [build_version(folder / "build", version).path for version in ("1.0.0", "1.1.0")]
    with hub_in_thread(folder / "first") as hub:
        done = run("publish", versions[0], "--repo", REPO, "--yes", "--workers", 1, env=environment(hub, folder))
        assert done.returncode == 0, done.stderr
    requests = _unbroken(folder, versions[1])
    trials = []
    for number in range(seed, seed + num):
        data = folder / f"trial-{number}"
        shutil.copytree(folder / "first", data / "hub")
        with hub_in_thread(data / "hub") as hub:
            trials.append(_try(Trial(number, FAULTS[number % len(FAULTS)]), hub, versions[1], data, requests))
        shutil.rmtree(data)
    return {
        "trials": num,
        "seed": seed,
        "struck": sum(trial.at != "nowhere" for trial in trials),
        "needed a second run": sum(trial.runs > 1 for trial in trials),
        "faults": dict(Counter(trial.fault for trial in trials)),
        "struck at": dict(Counter(trial.at for trial in trials)),
    }


def _unbroken(folder: Path, mix: Path) -> dict[str, int]:
    """Returns how many requests of each pattern a publication of the second version makes that nothing breaks."""
    shutil.copytree(folder / "first", folder / "unbroken")
    with hub_in_thread(folder / "unbroken") as hub:
        done = run("publish", mix, "--repo", REPO, "--yes", "--workers", 1, env=environment(hub, folder))
        assert done.returncode == 0, done.stderr
        requests = [request for request, _ in hub.journal]
    return {
        pattern: sum(bool(re.search(pattern, request)) for request in requests)
        for pattern in (_ALL, _WRITES, _MOVES, _READS, _UPLOADS)
    }


def _try(trial: Trial, hub: RunningHub, mix: Path, folder: Path, requests: dict[str, int]) -> Trial:
    repo = repository(hub, REPO)
    children: list[BaseProcess] = []
    fault = _make_fault(trial, repo, children, requests)
    hub.faults.append(fault)
    code = None
    while code != 0:
        trial.runs += 1
        assert trial.runs <= MAX_RUNS, f"{trial}: {(folder / 'stderr').read_text(encoding='utf-8')}"
        process = PROCESSES.Process(target=publish_alone, args=(mix, folder / "stderr", environment(hub, folder)))
        children[:] = [process]
        process.start()
        while process.is_alive():
            _look(repo, trial)
            process.join(0.01)
        code = process.exitcode
    if fault.hits:
        trial.at = next(stage for stage, pattern in _STAGES.items() if re.search(pattern, fault.hits[0]))
    _look(repo, trial)
    _check(hub, repo, trial)
    return trial


def publish_alone(mix: Path, messages: Path, settings: dict[str, str]) -> None:
    """Publishes in a process that the fault can kill; exits 0 only when all is done."""
    os.environ.update(settings)
    with messages.open("a", encoding="utf-8", buffering=1) as text:
        sys.stderr = text
        try:
            done = publish(mix, REPO, yes=True)
        except MolmixError as error:
            text.write(f"{error}\n")
            sys.exit(1)
    sys.exit(0 if done.tagged else 1)


def _make_fault(trial: Trial, repo, children, requests: dict[str, int]) -> Fault:
    def _kill() -> None:
        os.kill(children[0].pid, signal.SIGKILL)

    def _commit() -> None:
        with repo.changing() as state:
            files = repo.commit("main").files | {"NOTES.md": repo.regular_entry(b"a stranger's")}
            repo.add_commit(state, "refs/heads/main", files, title="stranger", text="", author="eve")

    chance = random.Random(trial.seed)
    special = {"corrupt_download": _READS, "corrupt_upload": _UPLOADS}
    # Of eighty requests six move something: struck at random alone, they would hardly ever be.
    pattern = special.get(trial.fault) or chance.choice([_ALL, _WRITES, _MOVES])
    place = {"pattern": pattern, "skip": chance.randrange(requests[pattern])}
    busy = {"headers": (("Retry-After", "0"),), "times": chance.choice([1, 8])}
    kinds = {
        "cut": lambda: Fault(FaultKind.CUT, **place),
        "cut_after": lambda: Fault(FaultKind.CUT_AFTER, **place),
        "429": lambda: Fault(FaultKind.REFUSE, status=429, **busy, **place),
        "503": lambda: Fault(FaultKind.REFUSE, status=503, **busy, **place),
        "504": lambda: Fault(FaultKind.LOSE, status=504, **place),
        "kill": lambda: Fault(FaultKind.CALL, call=_kill, **place),
        "corrupt_download": lambda: Fault(FaultKind.CORRUPT_DOWNLOAD, **place),
        "corrupt_upload": lambda: Fault(FaultKind.CORRUPT_UPLOAD, **place),
        "stranger": lambda: Fault(FaultKind.CALL, call=_commit, **place),
    }
    return kinds[trial.fault]()


def _look(repo, trial: Trial) -> None:
    """Reads main as it is now, every byte of it."""
    seen = complete_version(repo, "main")
    assert seen is not None, f"{trial}: main is no complete version"
    if trial.seen[-1:] != [seen]:
        trial.seen.append(seen)


def _check(hub: RunningHub, repo, trial: Trial) -> None:
    assert trial.seen == ["1.0.0", "1.1.0"], trial
    # Also what the reader was too slow to see: every commit that main ever was at.
    history = [complete_version(repo, sha) for sha, _ in repo.log("main")]
    assert None not in history[:-1], f"{trial}: {history}"
    assert set(repo.state.refs) == {"refs/heads/main", "refs/tags/v1.0.0", "refs/tags/v1.1.0"}, trial
    assert complete_version(repo, "v1.1.0") == "1.1.0", trial
    assert complete_version(repo, "v1.0.0") == "1.0.0", trial
    hub.faults.clear()
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("HF_ENDPOINT", hub.url)
        assert verify(locate(REPO)) == [], trial
    twice = [oid for oid, count in uploads(hub).items() if count > 1]
    # What was spoilt there is uploaded once more.
    allowed = 1 if trial.fault == "corrupt_upload" and trial.at != "nowhere" else 0
    assert len(twice) <= allowed, f"{trial}: {twice} uploaded again"
