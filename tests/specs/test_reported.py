"""Tests of published scores: they are of what the catalog has, and of what the protocol measures."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from molmix_bench.metrics.protocol import METRICS
from molmix_bench.specs.catalog import load_mix_spec, resolve_sources
from molmix_bench.specs.reported import Reported, load_reported, reported_names


@pytest.mark.parametrize("name", reported_names())
def test_every_table_is_of_a_dataset_and_of_metrics_that_exist(name):
    """Datasets are the mix's, metrics those of their kind, and a source is named."""
    found = load_reported(name)
    assert found.mix == name
    assert "2310.04292" in found.source.url
    datasets = {key: spec for source in resolve_sources(load_mix_spec(name)) for key, spec in source.datasets.items()}
    for table in found.tables:
        assert set(table.metrics) <= {metric.name for metric in METRICS[datasets[table.dataset].kind]}
    assert {table.dataset for table in found.tables} == set(datasets)


def test_figures_that_the_project_states_elsewhere():
    """Issue and README quote some of the same figures: GINE on one dataset, MPNN++ on the whole mix."""
    rows = {(table.dataset, table.setting): table for table in load_reported("toymix").tables}
    assert rows["zinc12k", "single"].rows["GINE"][0] == "0.266 ± 0.02"
    assert rows["zinc12k", "multi"].rows["MPNN++ (sum)"][0] == "0.1002 ± 0.0025"
    assert rows["tox21", "single"].rows["GINE"][1:] == ("0.783 ± 0.007", "0.345 ± 0.02")
    assert rows["tox21", "multi"].rows["MPNN++ (sum)"][1:] == ("0.8569 ± 0.0005", "0.4598 ± 0.0044")


def test_nothing_is_published_on_other_mixes():
    """A name that is unknown has no numbers."""
    assert load_reported("minimix") is None
    assert load_reported("../mixes/toymix") is None


@pytest.mark.parametrize(
    ("key", "value", "message"),
    [
        ("rows", {"GCN": ["0.1", "0.2"]}, "1 metrics, and not as many figures for GCN"),
        ("rows", {"GCN": ["about 0.1"]}, "pattern"),
        ("setting", "other", "settings has no other"),
    ],
)
def test_what_is_no_table_is_refused(key, value, message):
    """Rows of another length, figures that are none, settings that nothing explains."""
    data = load_reported("toymix").model_dump(mode="json")
    table = {"dataset": "qm9", "setting": "single", "metrics": ["r2"], "rows": {"GCN": ["0.1"]}}
    data["tables"] = [table | {key: value}]
    with pytest.raises(ValidationError, match=message):
        Reported.model_validate(data)
