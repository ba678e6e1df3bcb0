"""Tests of `new-mix`, and of `build` with the user's own YAML and a choice of datasets."""

from __future__ import annotations

import gzip
import json

import polars as pl
import pytest
import yaml
from rdkit import Chem

from molmix_bench.mix import Mix
from tests.build.tiny import ALKANES, numbered, table_source
from tests.command import CLOSED, run_here


def _run(*arguments, cache):
    """Runs the command with no way to the network."""
    return run_here(*arguments, env=CLOSED | {"MOLMIX_CACHE": str(cache)})


def _mix(*sources, **more):
    """Returns the data of a mix of the user's, split by hash."""
    return {
        "name": "my_mix",
        "version": "1.0.0",
        "title": "My mix",
        "description": "catalog and own data",
        "citation": "@misc{my, title = {x}}",
        "sources": list(sources),
        "split": {"method": "hash", "validation": 0.1, "test": 0.1},
    } | more


def _own_sources(folder):
    """Writes a CSV, a TSV, a parquet and an SDF file; returns the source of each."""
    values = [float(row) for row in range(40)]
    csv = table_source("from_csv", numbered(ALKANES), folder)
    tsv = table_source("from_tsv", numbered(ALKANES), folder) | {"files": [{"name": "t.tsv"}]}
    (folder / "from_tsv.csv").unlink()
    pl.DataFrame({"smiles": ALKANES, "t0": values}).write_csv(folder / "t.tsv", separator="\t")
    parquet = table_source("from_parquet", numbered(ALKANES), folder) | {"files": [{"name": "t.parquet"}]}
    (folder / "from_parquet.csv").unlink()
    pl.DataFrame({"smiles": ALKANES, "t0": values}).write_parquet(folder / "t.parquet")
    sdf = table_source("from_sdf", numbered(ALKANES), folder)
    sdf |= {"files": [{"name": "t.sdf"}], "reader": {"form": "sdf"}}
    (folder / "from_sdf.csv").unlink()
    with Chem.SDWriter(str(folder / "t.sdf")) as writer:
        for smiles, value in zip(ALKANES, values, strict=True):
            mol = Chem.MolFromSmiles(smiles)
            mol.SetProp("t0", str(value))
            writer.write(mol)
    return csv, tsv, parquet, sdf


def test_catalog_and_own_sources(tmp_path):
    """A YAML mixes the catalog with own CSV, TSV, parquet and SDF sources, written out or in files beside it."""
    csv, *others = _own_sources(tmp_path)
    (tmp_path / "sources").mkdir()
    for source in others:
        (tmp_path / "sources" / f"{source['name']}.yaml").write_text(yaml.safe_dump(source))
    names = [f"sources/{source['name']}.yaml" for source in others]
    # What the catalog's source downloads, where it is found beside the YAML.
    with gzip.open(tmp_path / "ZINC12k.csv.gz", "wt") as file:
        file.write("smiles,SA,logp,score\n" + "".join(f"{text}O,{row},0,1\n" for row, text in enumerate(ALKANES)))
    data = _mix("zinc12k", csv, *names, datasets=["zinc12k", "from_csv", "from_tsv", "from_parquet", "from_sdf"])
    (tmp_path / "my_mix.yaml").write_text(yaml.safe_dump(data))
    result = _run("build", tmp_path / "my_mix.yaml", "--workers", "2", "--json", cache=tmp_path / "cache")
    assert result.returncode == 0, result.stderr
    answer = json.loads(result.stdout)
    assert answer["path"] == str(tmp_path / "my_mix")
    assert list(answer["datasets"]) == data["datasets"]
    mix = Mix(tmp_path / "my_mix")
    assert mix.datasets["zinc12k"].num_molecules == 40
    for source in (csv, *others):
        frames = [mix.scan(source["name"], split).collect() for split in mix.datasets[source["name"]].splits]
        found = {len(smiles): value for smiles, value in pl.concat(frames).select("smiles", "t0").iter_rows()}
        assert found == {row + 1: float(row) for row in range(40)}


def test_part_of_a_mix(tmp_path):
    """`--datasets` builds these and no others, elsewhere than the whole."""
    csv, _, parquet, _ = _own_sources(tmp_path)
    (tmp_path / "my_mix.yaml").write_text(yaml.safe_dump(_mix(csv, parquet)))
    result = _run(
        "build", tmp_path / "my_mix.yaml", "--datasets", "from_csv", "--workers", "1", "--json", cache=tmp_path
    )
    assert result.returncode == 0, result.stderr
    answer = json.loads(result.stdout)
    assert list(answer["datasets"]) == ["from_csv"]
    assert answer["path"].startswith(str(tmp_path / "my_mix-"))
    assert not (tmp_path / "my_mix").exists()
    wrong = _run("build", tmp_path / "my_mix.yaml", "--datasets", "from_csv,from_parket", cache=tmp_path)
    assert wrong.returncode == 2
    assert "did you mean 'from_parquet'?" in wrong.stderr


@pytest.mark.parametrize(
    ("change", "status", "message"),
    [
        ({"sources": ["minimax"]}, 2, "did you mean 'minimix'?"),
        ({"sources": ["other.yaml"]}, 2, "other.yaml: no such file"),
        ({"sources": ["own.yaml"]}, 1, "key 'lisence' is unknown (did you mean 'licence'?)"),
        ({"sources": ["own.yaml"]}, 1, "own.yaml: key 'licence' is missing"),
        ({"sources": [{"name": "x", "titel": "y"}]}, 1, "key 'titel' is unknown (did you mean 'title'?)"),
        ({"sources": [{"name": "x", "titel": "y"}]}, 1, "my_mix.yaml, source x: key 'title' is missing"),
        ({"splits": {}}, 1, "key 'splits' is unknown (did you mean 'split'?)"),
        ({"sources": []}, 1, "key 'sources'"),
        ({"sources": "minimix"}, 1, "key 'sources'"),
    ],
)
def test_wrong_yaml(tmp_path, change, status, message):
    """Specs of the user's are as strict as the catalog's, and errors name the file and the key."""
    own = table_source("own", numbered(ALKANES), tmp_path)
    own["lisence"] = own.pop("licence")
    (tmp_path / "own.yaml").write_text(yaml.safe_dump(own))
    (tmp_path / "my_mix.yaml").write_text(yaml.safe_dump(_mix("minimix") | change))
    result = _run("build", tmp_path / "my_mix.yaml", cache=tmp_path)
    assert (result.returncode, result.stdout) == (status, "")
    assert message in result.stderr


def test_from_csv_to_mix_in_two_commands(tmp_path):
    """`new-mix` drafts, `build` builds the draft unchanged; both speak JSON, and say what was left out."""
    lines = ["id,smiles,active", *(f"A{row},{smiles},{row % 2}" for row, smiles in enumerate(ALKANES))]
    (tmp_path / "my.csv").write_text("\n".join(lines))
    drafted = _run("new-mix", tmp_path / "my.csv", "--json", cache=tmp_path)
    assert drafted.returncode == 0, drafted.stderr
    assert json.loads(drafted.stdout) == {
        "path": str(tmp_path / "my_mix.yaml"),
        "rows": 40,
        "smiles": "smiles",
        "other_smiles": [],
        "datasets": {"my": {"kind": "binary", "num_classes": None, "tasks": ["active"]}},
        "left_out": {"id": "40 of its cells are no numbers, such as 'A0'"},
    }
    assert "column 'id' is left out" in drafted.stderr
    again = _run("new-mix", tmp_path / "my.csv", cache=tmp_path)
    assert again.returncode == 2
    assert "choose another --out" in again.stderr
    built = _run("build", tmp_path / "my_mix.yaml", "--json", cache=tmp_path)
    assert built.returncode == 0, built.stderr
    assert json.loads(built.stdout)["datasets"]["my"]["rows"]["kept"] == 40


def test_draft_elsewhere(tmp_path):
    """A draft in another folder says with which --raw it builds, and does."""
    (tmp_path / "data").mkdir()
    lines = ["mol,parent,y", *(f"{smiles},{smiles}O,{row}.5" for row, smiles in enumerate(ALKANES))]
    (tmp_path / "data" / "my.csv").write_text("\n".join(lines))
    out = tmp_path / "mixes" / "assay.yaml"
    drafted = _run("new-mix", tmp_path / "data" / "my.csv", "--out", out, cache=tmp_path)
    assert drafted.stdout.strip() == str(out)
    assert f"molmix-bench build {out} --raw {tmp_path / 'data'}" in drafted.stderr
    assert "'mol' is taken for the SMILES; so could be parent" in drafted.stderr
    built = _run("build", out, "--raw", tmp_path / "data", "--workers", "1", cache=tmp_path)
    assert built.stdout.strip() == str(tmp_path / "mixes" / "assay")


@pytest.mark.parametrize(
    ("name", "text", "status", "message"),
    [
        ("none.csv", None, 2, "no such file"),
        ("empty.csv", "", 1, "an empty file"),
        ("names.csv", "name,y\nibuprofen,1.5\naspirin,2.5\n", 1, "no column with SMILES"),
        ("text.csv", "smiles,name\nCCO,ethanol\nCC,ethane\n", 2, "no column with labels"),
        ("table.xlsx", "smiles", 1, "rename the file after its form"),
    ],
)
def test_new_mix_errors(tmp_path, name, text, status, message):
    """What cannot be drafted is said in a line, and nothing is written."""
    if text is not None:
        (tmp_path / name).write_text(text)
    result = _run("new-mix", tmp_path / name, cache=tmp_path)
    assert (result.returncode, result.stdout) == (status, "")
    assert message in result.stderr
    assert not list(tmp_path.glob("*.yaml"))
