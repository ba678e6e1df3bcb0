"""Mixes whose cards the tests write."""

from __future__ import annotations

import shutil

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from molmix_bench.build.run import build
from molmix_bench.cards.write import write_card
from tests.build.tiny import ALKANES, build_tiny, mix_spec, numbered, table_source

NASTY = "<img src=x onerror=alert(1)> | `a` _b_ [c](javascript:d) $e$ \"q\" 's' # -"
"""A name that is markup in markdown, in HTML and in YAML."""


@pytest.fixture(scope="session")
def built(tmp_path_factory):
    """Returns the path of a mix of wide regression, wide binary, sparse binary and multiclass datasets, no card yet."""
    folder = tmp_path_factory.mktemp("cards")
    binary = "smiles,b-1,b-2\n" + "".join(
        f"{text},{i % 2},{'' if i % 3 else 1}\n" for i, text in enumerate(ALKANES[5:])
    )
    names = [f"s{task}" for task in range(130)]
    sparse = f"smiles,{','.join(names)}\n" + "".join(
        f"{text},{','.join(str((row + task) % 2) if (row + task) % 4 else '' for task in range(130))}\n"
        for row, text in enumerate(ALKANES[:20])
    )
    classes = "smiles,c\n" + "".join(f"{text},{row % 3}\n" for row, text in enumerate(ALKANES))
    doubles = [{"name": "t0", "description": "x", "dtype": "float64", "unit": "eV"}, {"name": "t1", "description": "y"}]
    return build_tiny(
        folder,
        table_source("one", numbered([*ALKANES[:30], "C1CC"], tasks=2), folder, tasks=doubles),
        table_source("bin", binary, folder, kind="binary"),
        table_source("many", sparse, folder, kind="binary"),
        table_source("classes", classes, folder, kind="multiclass", num_classes=3),
    ).path


@pytest.fixture(scope="session")
def carded(built, tmp_path_factory):
    """Returns the mix with its card."""
    path = shutil.copytree(built, tmp_path_factory.mktemp("carded") / "mix")
    return write_card(path)


@pytest.fixture(scope="session")
def nasty(tmp_path_factory):
    """Returns a mix of one dataset whose title, notes and task names are markup, with its card."""
    folder = tmp_path_factory.mktemp("nasty")
    task = NASTY.replace("/", "")
    tasks = [
        {"name": "x", "description": f"{NASTY}\n---\nlicense: mit"},
        {"name": task, "column": "y", "description": NASTY},
    ]
    rows = "".join(f"{text},{row},{row / 2}\n" for row, text in enumerate(ALKANES))
    source = table_source("one", f"smiles,x,y\n{rows}", folder, tasks=tasks)
    source |= {
        "title": NASTY,
        "description": f"{NASTY}\n\n# {NASTY}",
        "licence": NASTY,
        "citation": f"```\n{NASTY}\n````",
    }
    text = f"{NASTY}\n---\n- x: y"
    spec = mix_spec(source).model_copy(update={"title": text, "description": text})
    path = build(spec, folder / "mix", raw=[folder]).path
    return write_card(path)


@pytest.fixture
def atoms(tmp_path):
    """Returns a mix of labels of atoms, all train: ethanol with one missing, methane, propane without any."""
    source = table_source("atoms", "smiles,q\n", tmp_path, level="node")
    (tmp_path / "atoms.csv").unlink()
    table = {"smiles": ["CCO", "C", "CCC"], "q": [[0.5, None, 1.5], [2.0], []]}
    pq.write_table(pa.table(table), tmp_path / "atoms.parquet")
    return build_tiny(tmp_path, source | {"files": [{"name": "atoms.parquet"}]}, validation=0, test=0)


def figures_of(mix):
    """Returns the figures that a card was written with; drawing them again takes seconds."""
    folder = mix.path / "figures"
    names = [
        file.path.removeprefix("figures/").removesuffix(".png") for file in mix.manifest.files if "figures" in file.path
    ]
    return {
        name: tuple((folder / f"{name}{ending}.png").read_bytes() for ending in ("", "-dark"))
        for name in names
        if not name.endswith("-dark")
    }
