"""Tests of the commands: finetune, embed, predict --data, and run on a suite."""

from __future__ import annotations

import gzip
import json
import re
from pathlib import Path

import polars as pl
import pytest

import molmix_bench
from molmix_bench.errors import UsageError
from tests.command import CLOSED, run_here
from tests.transfer.small import MOLECULES, QUICK, write_table

SETTINGS = [part for setting in (*QUICK[:3], QUICK[-1]) for part in ("--set", setting)]
TUNE = ("--folds", 2, "--seeds", 1, "--mode", "probe", *SETTINGS)


def molmix(*arguments):
    """Runs the command, without a network."""
    return run_here(*arguments, env=CLOSED)


@pytest.fixture(scope="module")
def tuned(pretrained, chains, tmp_path_factory):
    """What `finetune --json` said, and its directory."""
    folder = tmp_path_factory.mktemp("cli")
    rows = (*MOLECULES[:-1], "C1CC")
    data = write_table(folder / "mine.csv", smiles=rows, size=[*map(str, range(48)), ">10", "3"])
    out = folder / "out"
    done = molmix(
        *("finetune", pretrained.path, "--data", data, "--smiles", "smiles", "--task", "size"),
        *("--mix", chains.path, "--split", "random", "--out", out, "--json", *TUNE),
    )
    return done, out


def test_finetune(tuned):
    """Kinds and problems are told with rows on stderr; the result is on stdout, with all references beside the mode."""
    done, out = tuned
    assert done.returncode == 0, done.stderr
    assert "mine.csv: SMILES in 'smiles'; size: regression (told from the labels" in done.stderr
    assert "50 rows: 48 molecules, 0 merged into them, 2 dropped" in done.stderr
    assert "row 48, size: censored, '>10' is a bound, no value; dropped" in done.stderr
    assert "row 49: unparsable" in done.stderr
    assert "rows are counted from 0, the header not among them" in done.stderr
    found = json.loads(done.stdout)
    assert found["path"] == str(out)
    assert {row["method"] for row in found["scores"]} == {"probe", "scratch", "fingerprints", "trivial"}
    assert found["origin"]["data"]["problems"] == {"unparsable": 1, "censored": 1}


def test_finetune_in_words(tuned, pretrained, chains):
    """The same command without --json shows a table of what is finished, with intervals and verdicts."""
    done, out = tuned
    assert done.returncode == 0
    again = molmix(
        *("finetune", pretrained.path, "--data", out.parent / "mine.csv", "--task", "size"),
        *("--mix", chains.path, "--split", "random", "--out", out, *TUNE),
    )
    assert again.returncode == 0, again.stderr
    assert "this fine-tuning is finished already" in again.stderr
    assert "note: one seed: " in again.stderr
    assert all(word in again.stdout for word in ("ci_low", "verdict", "fingerprints", "seen", str(out)))


def test_predict_and_embed(tuned, pretrained, tmp_path):
    """One molecule that cannot be read, among others, has a row with the reason; the others have results."""
    _, out = tuned
    (tmp_path / "new.tsv.gz").write_bytes(gzip.compress(b"SMILES\tnote\nCCO\ta\nC1CC\tb\nc1ccccc1C\tc\n"))
    done = molmix("predict", out, "--data", tmp_path / "new.tsv.gz", "--out", tmp_path / "p.csv", "--workers", 1)
    assert done.returncode == 0, done.stderr
    assert "1 row without a result: unparsable" in done.stderr
    assert "2 of 3 molecules, 1 columns, 2 networks" in done.stderr
    found = pl.read_csv(tmp_path / "p.csv")
    assert found["reason"].to_list() == [None, "unparsable", None]
    assert found["size"].is_null().to_list() == [False, True, False]
    done = molmix(
        *("embed", pretrained.path, "--data", tmp_path / "new.tsv.gz", "--out", tmp_path / "e.parquet"),
        *("--layer", 1, "--workers", 1, "--json"),
    )
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["problems"] == {"unparsable": 1}
    assert pl.read_parquet(tmp_path / "e.parquet")["embedding"].list.len().to_list() == [8, None, 8]


@pytest.mark.parametrize("columns", [1, 2])
def test_blank_lines_are_rows(pretrained, tmp_path, columns):
    """Rows of what comes out are those of the file, whatever it has between them and after, in one column or more."""
    lines = ["smiles,note", "CCO,a", "", "CCN,b", "", "", "C1CC,c", ""]
    (tmp_path / "t.csv").write_text(
        "\n".join(line.rpartition(",")[0] if columns == 1 else line for line in lines) + "\n"
    )
    common = ("--data", tmp_path / "t.csv", "--workers", 1, "--out", tmp_path / "out.parquet")
    for done in (
        molmix("embed", pretrained.path, *common),
        molmix("predict", pretrained.path, *common, "--mix", "none"),
    ):
        assert done.returncode == 0, done.stderr
        found = pl.read_parquet(tmp_path / "out.parquet")
        assert found["row"].to_list() == list(range(7))
        empty = "empty_smiles"
        assert found["reason"].to_list() == [None, empty, None, empty, empty, "unparsable", empty]
        assert "4 rows without a result: empty_smiles" in done.stderr
        assert "rows are counted from 0, the header not among them, blank lines among them" in done.stderr


def test_options_that_do_not_fit(tuned, pretrained, tmp_path):
    """Each is refused as a usage error that says what would do."""
    _, out = tuned
    data = out.parent / "mine.csv"
    for arguments, message in (
        (("finetune", pretrained.path, "--data", data, "--task", "siz"), "--task 'siz', no column of it (did you mean"),
        (("finetune", pretrained.path, "--data", data, "--split", "column"), "both --split column and --column NAME"),
        (("predict", out, "--out", tmp_path / "p.csv"), "found neither --mix nor --data"),
        (("predict", out, "--data", data, "--out", tmp_path / "p.csv", "--split", "test"), "a file has no splits"),
        (("run", pretrained.path, "--mix", "qm9", "--raw", tmp_path), "--raw or --trained-on without a suite"),
        (
            ("run", pretrained.path, "--mix", "tdc_admet", "--datasets", "herk"),
            "(did you mean 'herg'",
        ),
    ):
        done = molmix(*arguments, *(("--mix", "none") if arguments[0] == "finetune" else ()))
        assert done.returncode == 2, done.stdout
        assert message in done.stderr


@pytest.mark.parametrize("command", [("finetune", "--data"), ("run", "--mix", "moleculenet"), ("predict", "--mix")])
def test_a_fine_tuning_in_place_of_a_run(tuned, chains, tmp_path, command):
    """Where a run is asked for, it is said that this is none, and which run it began with."""
    _, out = tuned
    verb, *options = command
    value = {"finetune": [out.parent / "mine.csv"], "run": [], "predict": [chains.path]}[verb]
    done = molmix(verb, out, *options, *value, "--out", tmp_path / "out")
    assert done.returncode == 2, done.stderr
    assert f"{out}: found a fine-tuning; expected the directory of a finished run; name that of" in done.stderr
    assert "it began with, chains;" in done.stderr


def test_a_suite_without_the_mix_of_the_run(pretrained, tmp_path):
    """The advice names the option that the command has."""
    command = ("run", pretrained.path, "--mix", "moleculenet", "--out", tmp_path / "out", "--datasets", "esol")
    done = molmix(*command)
    assert done.returncode == 2, done.stderr
    assert "name its directory with --trained-on, or do without by --trained-on none" in done.stderr
    other = molmix("finetune", pretrained.path, "--data", write_table(tmp_path / "t.csv"), "--task", "size")
    assert "name its directory with --mix, or do without by --mix none" in other.stderr


@pytest.mark.parametrize("verb", ["finetune", "predict"])
def test_a_file_that_is_not_there(pretrained, tmp_path, verb):
    """It is said before the mix of the run, which is not at hand either, is missed."""
    done = molmix(verb, pretrained.path, "--data", tmp_path / "new.csv", "--out", tmp_path / "out.csv")
    assert done.returncode == 2, done.stdout
    assert f"{tmp_path / 'new.csv'}: no such file; check the path" in done.stderr
    with pytest.raises(UsageError, match="no such file"):
        getattr(molmix_bench, verb)(pretrained.path, tmp_path / "new.csv", out=tmp_path / "out.csv")


@pytest.mark.parametrize("verb", ["embed", "predict", "finetune", "new-mix"])
def test_a_file_with_semicolons(pretrained, tmp_path, verb):
    """Every command that reads a table of the user's names the separator."""
    (tmp_path / "t.csv").write_bytes(b"smiles;y\nCCO;1,5\nCCN;2,5\n")
    out = ("--out", tmp_path / "out.parquet")
    arguments = (tmp_path / "t.csv",) if verb == "new-mix" else (pretrained.path, "--data", tmp_path / "t.csv", *out)
    mix = ("--mix", "none") if verb in {"finetune", "predict"} else ()
    done = molmix(verb, *arguments, *mix)
    assert done.returncode == 1, done.stderr
    assert "t.csv: found semicolons between columns; expected commas in a .csv file" in done.stderr


def test_a_suite(pretrained, tmp_path):
    """Datasets whose files are whole are learnt, each split by the suite's rule; one that is empty fails the command.

    The same command goes on where it was.
    """
    raw = tmp_path / "raw"
    raw.mkdir()
    table = pl.read_csv(write_table(tmp_path / "t.csv"))
    table.select("smiles", expt="size").write_csv(raw / "SAMPL.csv")
    # Both classes in every scaffold, so that the scaffold tested has both.
    table.select("size", "smiles", Class=pl.int_range(pl.len()) % 2).write_csv(raw / "bace.csv")
    (raw / "esol.csv").touch()
    command = (
        *("run", pretrained.path, "--mix", "moleculenet", "--datasets", "freesolv,bace,esol", "--raw", raw),
        *("--trained-on", "none", "--seeds", 0, "--out", tmp_path / "out", "--set", "finetune.modes=[probe]"),
        *(part.replace("tuning", "finetune.tuning").replace("trees=", "finetune.trees=") for part in SETTINGS),
    )
    done = molmix(*command, "--json")
    assert done.returncode == 1
    assert "error: esol: 1 dataset that could not be learnt" in done.stderr
    found = json.loads(done.stdout)
    assert set(found["results"]) == {"freesolv", "bace"}
    assert set(found["missing"]) == {"esol"}
    assert "an empty file" in found["missing"]["esol"]
    folds = {name: result["folds"] for name, result in found["results"].items()}
    # Twenty without rings and three scaffolds of six fit into 40; the fourth fits into 45.
    assert folds["freesolv"] == [{"train": 38, "validation": 6, "test": 6, "seen": None}]
    again = molmix(*command[:4], "--datasets", "bace", *command[6:])
    assert again.returncode == 0, again.stderr
    assert "this fine-tuning is finished already" in again.stderr
    assert " ap " in again.stdout


def test_readme_names_what_there_is():
    """The commands that README shows for own measurements have the options that it names."""
    text = (Path(__file__).parents[2] / "README.md").read_text(encoding="utf-8")
    section = text.partition("## Your own measurements")[2].partition("\n## ")[0]
    lines = re.findall(r"^\$ molmix-bench (\w+) (.*)$", section, flags=re.MULTILINE)
    assert [verb for verb, _ in lines] == ["finetune", "predict", "embed", "run"]
    for verb, arguments in lines:
        shown = molmix(verb, "--help").stdout
        options = re.findall(r"--[a-z-]+", arguments)
        assert [option for option in options if option not in shown] == []
        assert len(options) >= 2
