"""Tests of scoring a folder of prediction files."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest
from sklearn.metrics import average_precision_score, mean_absolute_error

from molmix_bench.errors import SubmissionError, UsageError
from molmix_bench.metrics.predictions import prediction_path, write_predictions
from molmix_bench.submissions import folder as scoring_folder
from molmix_bench.submissions.folder import find_predictions
from molmix_bench.submissions.score import compare, score
from molmix_bench.vocab import Kind, Split
from tests.build.tiny import ALKANES, build_tiny, numbered, table_source
from tests.metrics.small_mix import SmallDataset, SmallMix, evaluate, mol_ids

NAN = np.nan
ASSAY = np.array([[0.0, 1.0], [1.0, NAN], [0.0, 1.0], [1.0, 1.0]])
ENERGY = np.array([[1.0], [2.0], [5.0]])
"""Standard deviation in train: 2."""


@pytest.fixture
def mix():
    """Two datasets; `energy` has a validation split too."""
    return SmallMix(
        assay=SmallDataset(Kind.BINARY, {Split.TRAIN: ASSAY, Split.TEST: ASSAY}),
        energy=SmallDataset(
            Kind.REGRESSION,
            {Split.TRAIN: [[0.0], [4.0]], Split.TEST: ENERGY, Split.VALIDATION: ENERGY},
        ),
    )


def _predict(folder, dataset, seed, split=Split.TEST):
    """Writes and returns random predictions for one dataset, split and seed."""
    labels = {"assay": ASSAY, "energy": ENERGY}[dataset]
    values = np.random.default_rng([seed, len(labels)]).random(labels.shape)
    ids = mol_ids(split, len(labels))
    write_predictions(prediction_path(folder, dataset, split=split, seed=seed), ids[::-1], values[::-1])
    return values


@pytest.fixture
def folder(tmp_path):
    """Predictions for both datasets' test splits, two seeds each."""
    for seed in (0, 7):
        _predict(tmp_path, "assay", seed)
        _predict(tmp_path, "energy", seed)
    return tmp_path


def test_each_seed_is_scored_and_then_their_mean(mix, folder):
    """Task by task against scikit-learn; mean and standard deviation against NumPy."""
    values = {name: [_predict(folder, name, seed) for seed in (0, 7)] for name in ("assay", "energy")}
    expected = {
        ("assay", "ap"): [average_precision_score(ASSAY[:, 0], value[:, 0]) for value in values["assay"]],
        ("energy", "mae"): [mean_absolute_error(ENERGY, value) for value in values["energy"]],
        ("energy", "mae_standardised"): [mean_absolute_error(ENERGY, value) / 2 for value in values["energy"]],
    }
    scores = score(folder, mix)
    for (dataset, metric), of_seeds in expected.items():
        rows = scores.table.filter(dataset=dataset, metric=metric, aggregation="task", task="t0")
        assert rows["seed"].to_list() == [0, 7, None]
        mean, std = np.mean(of_seeds), np.std(of_seeds, ddof=1)
        assert rows["value"].to_list() == pytest.approx([*of_seeds, mean], rel=0, abs=1e-9)
        assert rows["std"].to_list() == [None, None, pytest.approx(std, abs=1e-9)]
    assert scores.excluded.select("dataset", "task").rows() == [("assay", "t1")]
    assert scores.not_submitted == ()


def test_a_folder_gives_the_scores_that_its_predictions_give(mix, folder):
    """Through files and through arrays: the same to the last bit."""
    values = _predict(folder, "energy", 3)
    _predict(folder, "assay", 3)
    direct = evaluate(mix, "energy", mol_id=mol_ids(Split.TEST, 3), prediction=values)
    through_files = score(folder, mix).table.filter(dataset="energy", seed=3)
    assert through_files.equals(direct.table, null_equal=True)


def test_labels_of_a_built_mix_score_as_perfect_predictions(tmp_path):
    """Through the real build and reader: what is read back as a label is an error of 0 as a prediction."""
    table = numbered(ALKANES, tasks=2).replace(",7.5", ",")
    built = build_tiny(tmp_path, table_source("one", table, tmp_path), validation=0.3, test=0.3)
    for split in ("validation", "test"):
        labels = built.scan("one", split).collect()
        path = prediction_path(tmp_path / "predictions", "one", split=split, seed=0)
        write_predictions(path, labels["mol_id"], labels.select("t0", "t1").to_numpy())
    scores = score(tmp_path / "predictions", built)
    assert scores.table.filter(aggregation="macro", metric="mae")["value"].to_list() == [0] * 4
    assert scores.table.filter(aggregation="task", seed=0, metric="r2")["value"].to_list() == [1] * 4


def test_datasets_stand_in_the_mixs_order_and_splits_in_theirs(mix, folder):
    """However the folder lists them; seeds by number and not by text."""
    for seed in (0, 7, 10):
        _predict(folder, "energy", seed, Split.VALIDATION)
    files = find_predictions(folder, mix)
    assert [(file.dataset, str(file.split), file.seed) for file in files] == [
        ("assay", "test", 0),
        ("assay", "test", 7),
        ("energy", "validation", 0),
        ("energy", "validation", 7),
        ("energy", "validation", 10),
        ("energy", "test", 0),
        ("energy", "test", 7),
    ]


def test_what_is_missing_is_listed(mix, tmp_path):
    """A dataset without predictions for a split that others have; splits that no one predicted are nobody's lack."""
    _predict(tmp_path, "energy", 0)
    scores = score(tmp_path, mix)
    assert scores.not_submitted == ("assay/test",)
    assert scores.table["dataset"].unique().to_list() == ["energy"]


def test_everything_out_of_place_is_named_at_once(mix, folder):
    """Unknown datasets and splits with the nearest known, and files of other names."""
    (folder / "esay").mkdir()
    (folder / "notes.txt").touch()
    (folder / "assay" / "tset").mkdir()
    for name in ("seed=01.parquet", "seed=-1.parquet", "seed=1.csv", "seed=0.parquet.tmp"):
        (folder / "energy" / "test" / name).touch()
    with pytest.raises(SubmissionError) as caught:
        score(folder, mix)
    assert caught.value.where == str(folder)
    assert caught.value.found.split("; ") == [
        "'assay/tset' is no split of assay (did you mean 'test'?)",
        "'energy/test/seed=-1.parquet' is no seed=<k>.parquet",
        "'energy/test/seed=0.parquet.tmp' is no seed=<k>.parquet",
        "'energy/test/seed=01.parquet' is no seed=<k>.parquet",
        "'energy/test/seed=1.csv' is no seed=<k>.parquet",
        "'esay' is no dataset (did you mean 'assay'?)",
        "'notes.txt' is no dataset",
    ]


def test_many_problems_are_counted_and_some_named(mix, folder):
    """A wrong folder given by mistake does not fill the screen."""
    for number in range(30):
        (folder / f"junk{number}").touch()
    with pytest.raises(SubmissionError, match=r"'junk26' is no dataset; and 10 more; expected nothing but"):
        score(folder, mix)


def test_seeds_must_be_the_same_in_all_datasets_of_a_split(mix, folder):
    """A mean over other seeds is another quantity; splits may differ."""
    _predict(folder, "energy", 1, Split.VALIDATION)
    score(folder, mix)
    _predict(folder, "energy", 3)
    with pytest.raises(SubmissionError, match=r"seeds differ within split test \(assay: \[0, 7\], energy: \[0, 3, 7\]"):
        score(folder, mix)


def test_a_folder_that_is_none_is_refused(mix, tmp_path):
    """Absent, empty, or a file; and at any depth."""
    with pytest.raises(SubmissionError, match=r"nowhere: found it is no folder"):
        score(tmp_path / "nowhere", mix)
    with pytest.raises(SubmissionError, match="it is an empty folder"):
        score(tmp_path, mix)
    (tmp_path / "assay").touch()
    with pytest.raises(SubmissionError, match="assay is no folder"):
        score(tmp_path, mix)


def test_links_are_refused(mix, folder, tmp_path_factory):
    """A submission holds its own files."""
    elsewhere = tmp_path_factory.mktemp("elsewhere")
    (folder / "energy" / "validation").symlink_to(elsewhere)
    with pytest.raises(SubmissionError, match="'energy/validation' is a link"):
        score(folder, mix)


def test_a_folder_of_too_many_files_is_refused(mix, folder, monkeypatch):
    """Before their names are looked at."""
    monkeypatch.setattr(scoring_folder, "MAX_ENTRIES", 1)
    with pytest.raises(SubmissionError, match="it holds over 1 files"):
        score(folder, mix)


def test_errors_in_a_file_name_it(mix, folder):
    """Its content as its form."""
    path = prediction_path(folder, "assay", split="test", seed=7)
    write_predictions(path, mol_ids(Split.TEST, 3), ASSAY[:3])
    with pytest.raises(SubmissionError, match=r"assay/test/seed=7.parquet: found molecules missing: 1 \('test-3'\)"):
        score(folder, mix)
    path.write_bytes(b"no parquet")
    with pytest.raises(SubmissionError, match=r"assay/test/seed=7.parquet: found no parquet footer"):
        score(folder, mix)


def test_the_summary_of_a_folder_is_its_means(mix, folder):
    """One row per dataset and split."""
    summary = score(folder, mix).summary()
    assert summary.select("dataset", "split", "metric", "n_seeds", "n_tasks", "n_reliable").rows() == [
        ("assay", "test", "ap", 2, 1, 0),
        ("energy", "test", "mae_standardised", 2, 1, 0),
    ]
    assert summary["macro_reliable"].dtype == pl.Float64


NUM_MANY = 40


@pytest.fixture
def many():
    """Two datasets of molecules enough for intervals."""
    rng = np.random.default_rng(1)
    assay, energy = (rng.random((NUM_MANY, 2)) < 0.5).astype(np.float64), rng.normal(size=(NUM_MANY, 1))
    return SmallMix(
        assay=SmallDataset(Kind.BINARY, {Split.TRAIN: assay, Split.TEST: assay}),
        energy=SmallDataset(Kind.REGRESSION, {Split.TRAIN: energy, Split.TEST: energy}),
    )


@pytest.fixture
def guessed(many, tmp_path):
    """Random predictions for both datasets, two seeds each."""
    return _guess(many, tmp_path / "guessed", ("assay", "energy"))


def _guess(mix, folder, datasets):
    for seed in (0, 7):
        for name in datasets:
            path = prediction_path(folder, name, split="test", seed=seed)
            shape = mix.datasets[name].labels[Split.TEST].shape
            write_predictions(path, mol_ids(Split.TEST, NUM_MANY), np.random.default_rng(seed).random(shape))
    return folder


def _know_energies(mix, folder):
    """Writes the labels of `energy` as predictions."""
    labels = mix.datasets["energy"].labels[Split.TEST]
    write_predictions(prediction_path(folder, "energy", split="test", seed=4), mol_ids(Split.TEST, NUM_MANY), labels)
    return folder


def test_scores_have_intervals_unless_they_are_not_wanted(many, guessed):
    """Those of seeds and of their means, in the table and in the summary; the values are the same."""
    scores, plain = score(guessed, many), score(guessed, many, replicates=0)
    values = scores.table.filter(pl.col("aggregation") != "micro")
    assert values["ci_low"].null_count() == 0
    assert (values["ci_low"] < values["value"]).all()
    means = pl.col("seed").is_null() & pl.col("primary")
    shown = scores.table.filter(means, aggregation="macro")["ci_low"]
    assert scores.summary()["ci_low"].to_list() == shown.to_list()
    assert plain.table["ci_low"].null_count() == plain.table.height
    columns = pl.exclude("ci_low", "ci_high")
    assert plain.table.select(columns).equals(scores.table.select(columns), null_equal=True)
    assert score(guessed, many).to_json() == scores.to_json()


def test_another_folder_is_compared_with(many, guessed, tmp_path):
    """What both predict: the means over two seeds and over one; and it is written as JSON too."""
    other = _know_energies(many, tmp_path / "other")
    found = score(guessed, many, against=other, replicates=100)
    assert found.differences["dataset"].unique().to_list() == ["energy"]
    row = found.differences.row(
        by_predicate=(pl.col("metric") == "mae") & (pl.col("aggregation") == "macro"), named=True
    )
    mean = found.table.filter(pl.col("seed").is_null(), dataset="energy", metric="mae", aggregation="macro")["value"]
    assert (row["value"], row["other_value"], row["difference"]) == (mean.item(), 0, mean.item())
    assert (row["model"], row["other"], row["better"]) == (str(guessed), str(other), str(other))
    assert len(found.to_records()["differences"]) == found.differences.height


def test_nothing_in_common_is_refused(mix, folder, tmp_path_factory):
    """A comparison without rows would look like one without differences."""
    other = tmp_path_factory.mktemp("other")
    _predict(other, "energy", 0, Split.VALIDATION)
    with pytest.raises(UsageError, match="--against: found nothing in"):
        score(folder, mix, against=other)


def test_folders_are_ranked(many, guessed, tmp_path):
    """The labels themselves are first; both copies of other predictions share a rank behind."""
    copy, perfect = _guess(many, tmp_path / "copy", ("energy",)), _know_energies(many, tmp_path / "perfect")
    found = compare([guessed, copy, perfect], many)
    ranks = found.ranks.filter(dataset="energy", metric="mae")
    assert ranks.select("model", "rank", "tied", "n_seeds").rows() == [
        (str(perfect), 1, False, 1),
        (str(guessed), 2, True, 2),
        (str(copy), 2, True, 2),
    ]
    alone = found.ranks.filter(dataset="assay")
    assert alone.select("model", "rank", "tied").rows() == [(str(guessed), 1, False)] * 3


def test_a_comparison_needs_two_folders_and_replicates(mix, folder):
    """One, the same twice, or no interval to go by."""
    for folders in ([folder], [folder, folder], []):
        with pytest.raises(UsageError, match="expected two or more different folders"):
            compare(folders, mix)
    with pytest.raises(UsageError, match="ranks follow from intervals"):
        compare([folder, folder / "energy"], mix, replicates=0)
