"""Tests of `publish`, `verify` and `dev-hub` as commands, and of whole mixes read back by real clients."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys

import pytest

from molmix_bench.cards.write import write_card
from molmix_bench.devhub.faults import flip_byte
from molmix_bench.hub.locate import locate
from molmix_bench.hub.publish import publish
from molmix_bench.hub.verify import verify
from tests.build.tiny import ALKANES, build_tiny, numbered, table_source
from tests.command import run_here
from tests.hub.published import command, environment, repository, run

REPO = "molmix/tiny"

# What a user does in a fresh process: the card's own lines, then every config, whole, streamed, pinned; rows as JSON.
READER = """
import json, sys, datasets
repo, commit, lines, configs = sys.argv[1], sys.argv[2], sys.argv[3], sys.argv[4:]
datasets.disable_progress_bars()
card = {}
exec(lines, card)
assert len(card["rows"]) and len(card["tasks"]) and sum(map(len, card["mix"].values()))
counts = {}
for config in configs:
    whole = datasets.load_dataset(repo, config, revision=commit)
    streamed = datasets.load_dataset(repo, config, streaming=True)
    for split, rows in whole.items():
        table = rows.data.table.combine_chunks()
        first = [row for _, row in zip(range(20), streamed[split])]
        assert first == rows.select(range(min(20, len(rows)))).to_list(), (config, split)
        import pyarrow.parquet as pq
        pq.write_table(table, f"{config}-{split}.parquet")
        counts[f"{config}/{split}"] = len(rows)
default = datasets.load_dataset(repo)
assert {split: len(rows) for split, rows in default.items()} == {
    name.split("/")[1]: count for name, count in counts.items() if name.startswith("mix/")
}
print(json.dumps(counts))
"""


def _read_back(hub, mix, repo, folder):
    """Reads every config in a fresh process with empty caches and compares all rows and labels with the build."""
    import polars as pl

    env = environment(hub, folder)
    del env["HF_TOKEN"]
    commit = repository(hub, repo).resolve("main")
    configs = ["mix", *mix.datasets, "tasks"]
    card = (mix.path / "README.md").read_text(encoding="utf-8")
    lines = re.search(r"```python\n(.*?)```", card, re.DOTALL)[1]
    arguments = [sys.executable, "-c", READER, repo, commit, lines, *configs]
    done = subprocess.run(arguments, env=env, cwd=folder, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    counts = json.loads(done.stdout)
    assert counts.pop("tasks/full") == len(mix.tasks)
    tables = {("mix", split) for split in mix.splits}
    tables |= {(name, split) for name, item in mix.datasets.items() for split in item.splits}
    assert set(counts) == {f"{name}/{split}" for name, split in tables}
    for name, split in tables:
        built = mix.scan(name, split).collect()
        found = pl.read_parquet(folder / f"{name}-{split}.parquet")
        assert found.cast(built.schema).equals(built), (name, split)


@pytest.mark.slow
def test_load_dataset(hub, versions, tmp_path):
    """Every config of a published mix loads in a fresh process, whole, streamed and pinned, equal to the build."""
    publish(versions[0].path, REPO, yes=True)
    _read_back(hub, versions[0], REPO, tmp_path)


@pytest.mark.slow
@pytest.mark.real_data
@pytest.mark.timeout(1800)
def test_toymix(hub, toymix, tmp_path):
    """ToyMix of the real files: published with its card, read back config by config, and trained from by its name."""
    mix = write_card(shutil.copytree(toymix.path, tmp_path / "toymix"), workers=2)
    done = run("publish", mix.path, "--repo", "molmix/toymix", "--yes", "--json", env=environment(hub, tmp_path))
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["tagged"]
    assert verify(locate("molmix/toymix", revision="v1.0.0")) == []
    _read_back(hub, mix, "molmix/toymix", tmp_path)
    small = ["training.epochs=1", "training.batch_size=512", "datasets=[zinc12k]", "model.width=16"]
    settings = [word for setting in small for word in ("--set", setting)]
    arguments = ("run", "gine", "--mix", "molmix/toymix", "--out", tmp_path / "run", "--json", *settings)
    trained = run(*arguments, env=environment(hub, tmp_path), timeout=800)
    assert trained.returncode == 0, trained.stderr
    assert json.loads(trained.stdout)["mix"]["build_key"] == toymix.manifest.build_key


@pytest.mark.slow
def test_many_shards(hub, tmp_path, monkeypatch):
    """A mix of 120 shards and more, in one repository: in several batches, by one commit on main."""
    from molmix_bench.build import write

    monkeypatch.setattr(write, "TARGET_SHARD_BYTES", 100)
    smiles = [f"{chain}{tail}" for chain in ALKANES for tail in ("O", "N", "F", "Cl", "Br")]
    built = build_tiny(tmp_path, table_source("one", numbered(smiles, tasks=2), tmp_path))
    mix = write_card(built.path, repository=REPO)
    shards = [file.path for file in mix.manifest.files if "-of-" in file.path]
    assert len(shards) >= 120
    publish(mix.path, REPO, yes=True)
    assert verify(locate(REPO)) == []
    repo = repository(hub, REPO)
    assert len(list(repo.log("main"))) == 2
    assert set(shards) <= set(repo.commit("main").files)
    _read_back(hub, mix, REPO, tmp_path)


@pytest.mark.slow
def test_publish_and_verify_commands(hub, versions, tmp_path):
    """`publish` says what it would do, then does it; `verify` exits 0, then 1 with the name of what differs.

    Nobody has to switch off for this Hub the transfer that only the official one speaks.
    """
    env = environment(hub, tmp_path)
    del env["HF_HUB_DISABLE_XET"]
    planned = run("publish", versions[0].path, "--repo", REPO, env=env)
    assert (planned.returncode, repository(hub, REPO)) == (0, None)
    assert f"would publish {len(versions[0].manifest.files) + 1} files" in planned.stdout
    assert "add --yes" in planned.stderr
    assert run("publish", versions[0].path, "--repo", REPO, "--yes", env=env).returncode == 0
    assert not any("xet" in request for request, _ in hub.journal)
    good = run("verify", REPO, env=env)
    assert (good.returncode, good.stdout.endswith("every file is as in its manifest\n")) == (0, True)
    repo = repository(hub, REPO)
    flip_byte(repo.content_path(repo.commit("main").files["tasks.parquet"]))
    bad = run("verify", REPO, "--revision", "v1.0.0", "--json", env=env)
    assert bad.returncode == 1
    assert [item["path"] for item in json.loads(bad.stdout)] == ["tasks.parquet"]


@pytest.mark.parametrize(
    ("options", "says"),
    [
        (["--repo", REPO, "--to", "x"], "found both or neither of --repo and --to"),
        ([], "found both or neither of --repo and --to"),
        (["--to", "x", "--private"], "--private: found a folder or an address; expected --repo"),
        (["--to", "x", "--version", "1"], "--version: found '1'; expected three numbers"),
    ],
)
def test_options_that_do_not_fit(versions, options, says):
    """Options that contradict each other are usage errors, and none is ignored without a word."""
    done = run_here("publish", versions[0].path, *options, env={})
    assert (done.returncode, says in done.stderr) == (2, True)


@pytest.mark.slow
def test_dev_hub_command(tmp_path):
    """`dev-hub` prints its address, refuses a folder or a port in use, and ends well when interrupted."""
    import os
    import signal

    env = {**os.environ, "MOLMIX_CACHE": str(tmp_path)}
    start = command("dev-hub", "--port", 0, "--data", tmp_path / "data")
    with subprocess.Popen(start, env=env, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        address = process.stdout.readline().strip()
        second = run("dev-hub", "--port", 0, "--data", tmp_path / "data", env=env)
        third = run("dev-hub", "--port", address.rpartition(":")[2], "--data", tmp_path / "other", env=env)
        os.kill(process.pid, signal.SIGINT)
        process.wait(20)
        errors = process.stderr.read()
    assert (second.returncode, "another dev-hub" in second.stderr) == (2, True)
    assert (third.returncode, "cannot be used" in third.stderr) == (2, True)
    assert "Traceback" not in errors
    assert f"export HF_ENDPOINT={address} HF_HUB_DISABLE_XET=1" in errors


def test_missing_extra(monkeypatch):
    """Without the server's packages the error names the extra."""
    from molmix_bench import extras
    from molmix_bench.errors import MissingExtraError

    monkeypatch.setattr(extras, "find_spec", lambda _: None)
    with pytest.raises(MissingExtraError, match=r"molmix-bench\[leaderboard\]"):
        extras.require_server()
