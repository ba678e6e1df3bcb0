"""A mix, submissions to it that are good, bad and hostile, and the site that is made of them."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

from leaderboard.cli import app
from leaderboard.store.database import Store
from leaderboard.store.known import know_mixes
from leaderboard.store.users import Origin, caller_of
from molmix_bench.metrics.predictions import prediction_path, write_predictions
from molmix_bench.metrics.reference import read_reference
from tests.build.tiny import ALKANES, build_tiny, table_source
from tests.leaderboard.live import serving_here
from tests.submissions.honest import build_mix, facts_of, write_facts, write_submission

HOSTILE = "</title><script>alert(1)</script><img src=x onerror=alert(2)> \" onclick='x' {{ 7 * 7 }}"
"""Markup and a template's expression, in every text that a submitter may choose freely."""


@pytest.fixture(scope="session")
def mix(tmp_path_factory):
    """Eighty molecules, half of them in test: two tasks of numbers; a class, and one that cannot be scored."""
    folder = tmp_path_factory.mktemp("board")
    smiles = [*ALKANES, *(f"{text}O" for text in ALKANES)]
    numbers = "\n".join(["smiles,t0,t1", *(f"{text},{row % 17},{row**2 % 29}" for row, text in enumerate(smiles)), ""])
    classes = "\n".join(["smiles,active,never", *(f"{text},{row % 2},0" for row, text in enumerate(smiles)), ""])
    sources = (table_source("size", numbers, folder), table_source("assay", classes, folder, kind="binary"))
    return build_tiny(folder, *sources, validation=0.1, test=0.5)


def submit(folder, mix, kind, **changes):
    """Writes a submission of perfect, constant or random predictions, the last of two seeds; returns its folder."""
    seeds = (0, 1) if kind == "random" else (0,)
    for dataset in mix.datasets:
        reference = read_reference(mix, dataset, "test")
        shape = (len(reference.mol_id), len(reference.tasks))
        for seed in seeds:
            values = np.random.default_rng(seed).random(shape)
            if kind != "random":
                values = np.tile(np.nan_to_num(reference.train_mean, nan=0.5).clip(0, 30), (shape[0], 1))
            if kind == "perfect":
                tasks = np.repeat(np.arange(shape[1]), np.diff(reference.starts))
                values[reference.rows, tasks] = reference.labels
            if dataset == "assay":
                values = values.clip(0, 1)
            path = prediction_path(folder / "predictions", dataset, split="test", seed=seed)
            write_predictions(path, reference.mol_id, values)
    record = {"name": mix.name, "version": mix.version, "build_key": mix.manifest.build_key}
    stated = facts_of(record | {"datasets": list(mix.datasets)}, splits=("test",), seeds=seeds)
    write_facts(folder, stated | {"model": kind} | changes)
    return folder


@pytest.fixture(scope="session")
def submissions(mix, tmp_path_factory):
    """A folder of seven: five to be scored, two of them the same and one with hostile texts; two to be refused."""
    folder = tmp_path_factory.mktemp("submissions")
    for kind in ("perfect", "constant", "random"):
        submit(folder / kind, mix, kind)
    shutil.copytree(folder / "random", folder / "twin")
    external = [{"name": HOSTILE, "url": "https://example.org/\"onmouseover='x'<b>", "use": HOSTILE}]
    submit(
        folder / "hostile",
        mix,
        "constant",
        authors=[{"name": HOSTILE}],
        command=HOSTILE,
        hardware=HOSTILE,
        training_data={"mixes": [], "external_data": external},
    )
    submit(folder / "late<script>", mix, "constant", vresion=HOSTILE, hours=-1)
    (folder / "late<script>" / "predictions" / "size" / "test" / "seed=0.parquet").write_bytes(b"PAR1")
    (folder / "none").mkdir()
    (folder / "none" / "scores.json").write_text(json.dumps({"ap": 1.0}), encoding="utf-8")
    (folder / "README.md").write_text("not a submission", encoding="utf-8")
    (folder / ".git").mkdir()
    return folder


def invoke(*arguments):
    """Returns the result of a command, in this process."""
    return CliRunner().invoke(app, [str(item) for item in arguments], catch_exceptions=False)


@pytest.fixture(scope="session")
def rendered(submissions, mix, tmp_path_factory):
    """Returns the site's folder and the command's result."""
    out = tmp_path_factory.mktemp("rendered") / "site"
    return out, invoke("render", submissions, "--out", out, "--mix", mix.path)


def texts(site: Path) -> dict[str, str]:
    """Returns the content of each file of a site."""
    return {
        path.relative_to(site).as_posix(): path.read_text(encoding="utf-8")
        for path in sorted(site.rglob("*"))
        if path.is_file() and path.suffix != ".gz"
    }


@pytest.fixture
def clock():
    """The time, which stands still until a test moves it."""
    return [1_000_000.0]


@pytest.fixture
def store(tmp_path, clock):
    """An empty store."""
    made = Store(tmp_path / "data", make=True, clock=lambda: clock[0])
    yield made
    made.close()


@pytest.fixture
def ann(store):
    """A user."""
    return caller_of(store, Origin.HUB, "ann")


@pytest.fixture(scope="session")
def honest_mix(tmp_path_factory):
    """The mix that honest and hostile submissions to the service predict."""
    return build_mix(tmp_path_factory.mktemp("honest-mix"))


@pytest.fixture(scope="session")
def honest(honest_mix, tmp_path_factory):
    """A submission without a fault."""
    return write_submission(tmp_path_factory.mktemp("honest"), honest_mix)


@pytest.fixture
def here(honest_mix, tmp_path):
    """An empty service of that mix, whose users no Hub knows."""
    store = Store(tmp_path / "data", make=True)
    know_mixes(store, [str(honest_mix.path)])
    with serving_here(store) as running:
        yield running
    store.close()
