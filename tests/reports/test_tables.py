"""Tests of the tables of a report: they hold what the run's files hold."""

from __future__ import annotations

from dataclasses import replace

import yaml

from molmix_bench.cards.document import Code, Listing, Paragraph, Table
from molmix_bench.cards.page import Fold
from molmix_bench.reports.numbers import number
from molmix_bench.reports.read import read_run
from molmix_bench.reports.tables import excluded_section, reproduce_section, resource_section, score_section
from molmix_bench.specs.base import validate_spec
from molmix_bench.specs.run import RunSpec


def test_scores(trained, fitted):
    """The primary metric of all datasets and splits, all metrics behind it; a spread where there are several seeds."""
    ran = read_run(trained)
    table, fold = score_section(ran)[2:]
    summary = ran.scores.summary()
    assert [[*row[:2], row[-1]] for row in table.rows] == [
        [Code(row["dataset"]), row["split"], f"{row['metric']} {'↑' if row['direction'] == 'higher' else '↓'}"]
        for row in summary.iter_rows(named=True)
    ]
    first = summary.row(0, named=True)
    assert table.rows[0][2:4] == [f"{number(first['macro'])} ({first['n_tasks']})", number(first["std"])]
    assert isinstance(fold, Fold)
    assert {row[-1] for row in fold.blocks[0].rows} > {row[-1] for row in table.rows}
    assert "std" not in score_section(read_run(fitted))[2].header


def test_every_excluded_task_is_named(trained):
    """In a fold for each dataset and split, with the reason."""
    ran = read_run(trained)
    folds = [block for block in excluded_section(ran) if isinstance(block, Fold)]
    named = [(row[0].text, row[1]) for fold in folds for row in fold.blocks[0].rows]
    assert sorted(named) == sorted(ran.scores.excluded.select("task", "reason").iter_rows())
    assert len(named) > 50
    object.__setattr__(ran.scores, "excluded", ran.scores.excluded.clear())
    assert "None" in excluded_section(ran)[1].text


def test_resources(trained, fitted):
    """Parameters, hardware and versions of the result; rates of each seed, or that there are none."""
    ran = read_run(trained)
    _, facts, seeds, _ = resource_section(ran)
    values = {row[0]: row[1] for row in facts.rows}
    assert values["parameters"] == f"{ran.result.num_parameters:,}"
    assert values["processor"] == ran.result.hardware.cpu
    assert values["rdkit"] == ran.versions["rdkit"]
    assert [row[0] for row in seeds.rows] == ["0", "4"]
    (said,) = [block for block in resource_section(read_run(fitted)) if isinstance(block, Paragraph)]
    assert "no rates" in said.text
    assert not any(isinstance(block, Table) and "seed" in block.header for block in resource_section(read_run(fitted)))


def test_the_listing_is_the_run(trained):
    """What the page tells to save as run.yaml reads back as the run's spec, and the command names it."""
    ran = read_run(trained)
    commands, listing = [block for block in reproduce_section(ran) if isinstance(block, Listing)]
    assert validate_spec(RunSpec, yaml.safe_load(listing.text), where="page") == ran.spec
    assert "molmix-bench run run.yaml --mix tiny --out small\n" in f"{commands.text}\n"
    hardware = ran.result.hardware.model_copy(update={"devices": 2})
    several = replace(ran, result=ran.result.model_copy(update={"hardware": hardware}))
    assert "--out small --devices 2\n" in f"{reproduce_section(several)[1].text}\n"
    assert f"molmix-bench[train]=={ran.versions['molmix-bench']}" in commands.text
