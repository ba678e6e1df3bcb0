"""Tests of whole runs on a small mix: what they leave, what they refuse, and that interruptions leave no trace."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import time
from errno import ENOSPC
from pathlib import Path

import polars as pl
import pytest
import yaml
from filelock import FileLock

from molmix_bench.errors import RunError, SpecError, UsageError
from molmix_bench.graphs.cached import open_store
from molmix_bench.graphs.order import Order
from molmix_bench.specs.base import read_yaml, validate_spec
from molmix_bench.specs.run import RunSpec
from molmix_bench.submissions.score import score
from molmix_bench.training import checkpoint, loop, step
from molmix_bench.training import folder as folder_module
from molmix_bench.training import run as run_module
from molmix_bench.training.run import run
from tests.training.small import DATASETS, build_chains, read_run, run_spec


@pytest.fixture(scope="module")
def finished(chains, cache_folder, tmp_path_factory):
    """A run of `run_spec()` that nothing interrupted."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("MOLMIX_CACHE", str(cache_folder))
        return run(run_spec(), chains, tmp_path_factory.mktemp("finished"))


def test_leaves_everything_that_it_promises(finished, chains):
    """The directory holds spec, origin, journal, checkpoints, predictions of all splits but train, scores, result."""
    assert set(read_run(finished.path)) == {
        "lock",
        "run.yaml",
        "origin.json",
        "versions.json",
        "seed=0/metrics.jsonl",
        "seed=0/checkpoint/last.safetensors",
        f"seed=0/checkpoint/best-{finished.result.seeds[0].epoch:04d}.safetensors",
        *(f"predictions/{d}/{s}/seed=0.parquet" for d in DATASETS for s in ("validation", "test")),
        "scores.json",
        "result.json",
    }
    resolved = validate_spec(RunSpec, read_yaml(finished.path / "run.yaml"), where="run.yaml")
    assert resolved == finished.spec == run_spec(datasets=DATASETS)
    assert finished.result.mix.build_key == chains.manifest.build_key


def test_tells_what_it_does(chains, tmp_path, capsys):
    """The start, and where an interrupted run goes on, are told on stderr; stdout stays empty."""
    with pytest.MonkeyPatch.context() as patch:
        _fail_at(patch, loop, "predict_split", 2)
        with pytest.raises(KeyboardInterrupt):
            run(run_spec(), chains, tmp_path)
    run(run_spec(), chains, tmp_path)
    out, err = capsys.readouterr()
    assert re.search(rf"small: [\d,]+ parameters learn {', '.join(DATASETS)} from \d+ molecules of tiny", err)
    assert "small, seed 0: going on after epoch 1 of 4" in err
    assert not out


LEARNT = {
    "energies": ("mae_standardised", 0.4),
    "groups": ("auroc", 0.9),
    "grades": ("ap", 0.7),
    "panel": ("auroc", 0.9),
    "atoms": ("mae_standardised", 0.6),
}
"""The primary metric of each dataset, or one near it, and what it must pass."""


def test_learns(chains, tmp_path):
    """In 40 epochs, the validation metrics of all kinds of datasets pass what guesses and first epochs have."""
    result = run(run_spec(training__epochs=40), chains, tmp_path)
    records = [json.loads(line) for line in (tmp_path / "seed=0/metrics.jsonl").read_text().splitlines()]
    first, best = records[0], records[result.result.seeds[0].epoch - 1]
    for dataset, (metric, bound) in LEARNT.items():
        before, after = first["validation"][dataset][metric], best["validation"][dataset][metric]
        assert (after < bound and after < 0.7 * before) if "mae" in metric else after > bound, (dataset, before, after)
    assert best["loss"] < 0.5 * first["loss"]
    assert best["selection"] == min(record["selection"] for record in records)


def test_result_equals_scoring_the_written_predictions(finished, chains):
    """`score` on the predictions gives the numbers of `scores.json` and `result.json`, exactly."""
    again = score(finished.path / "predictions", chains)
    key = ["dataset", "split", "seed", "aggregation", "task", "metric"]
    left, right = (scores.table.sort(key) for scores in (finished.scores(), again))
    assert left.equals(right)
    assert left["split"].unique().sort().to_list() == ["test", "validation"]
    aggregated = pl.DataFrame(finished.result.scores, schema=left.schema).sort(key)
    assert aggregated.equals(left.filter(pl.col("task").is_null()))


def test_predictions_are_in_the_units_of_the_labels(finished, chains):
    """Energies near -1,000 are predicted as such, in float64; probabilities lie between 0 and 1."""
    energies = pl.read_parquet(finished.path / "predictions/energies/test/seed=0.parquet")
    assert energies.schema["prediction"] == pl.List(pl.Float64)
    labels = chains.scan("energies", "test").select("mol_id", "energy").collect()
    both = energies.join(labels, on="mol_id", validate="1:1")
    assert len(both) == len(labels)
    assert (both["prediction"].list.get(1) - both["energy"]).abs().max() < 600
    groups = pl.read_parquet(finished.path / "predictions/groups/test/seed=0.parquet")
    assert groups.schema["prediction"] == pl.List(pl.Float32)
    assert groups["prediction"].explode().is_between(0, 1).all()


def _fail_at(patch, owner, name, count):
    """Makes the `count`-th call of a function of a module or class end in KeyboardInterrupt, as Ctrl-C does."""
    original = getattr(owner, name)
    calls = []

    def interrupted(*args, **kwargs):
        calls.append(None)
        if len(calls) == count:
            raise KeyboardInterrupt
        return original(*args, **kwargs)

    patch.setattr(owner, name, interrupted)


MOMENTS = {
    "beginning": (folder_module, "write_text", 3),
    "first step": (step.Step, "__call__", 1),
    "middle of an epoch": (step.Step, "__call__", 9),
    "validation": (loop, "predict_split", 3),
    "before the checkpoint": (loop, "save_checkpoint", 2),
    "inside the checkpoint": (checkpoint, "save", 4),
    "after the checkpoint": (loop.SeedFolder, "remove_other_bests", 2),
    "predictions": (run_module, "write_split", 2),
    "scores": (run_module, "write_text", 1),
    "result": (run_module, "write_text", 2),
}


@pytest.mark.parametrize("moment", MOMENTS)
def test_an_interruption_leaves_no_trace(moment, finished, chains, tmp_path):
    """Stopped at any moment and begun again, a run ends with the very bytes of one that was not stopped."""
    with pytest.MonkeyPatch.context() as patch:
        _fail_at(patch, *MOMENTS[moment])
        with pytest.raises(KeyboardInterrupt):
            run(run_spec(), chains, tmp_path)
    assert not (tmp_path / "result.json").exists()
    run(run_spec(), chains, tmp_path)
    assert read_run(tmp_path) == read_run(finished.path)


@pytest.mark.slow
def test_a_kill_leaves_no_trace(finished, chains, tmp_path):
    """Killed by the operating system after each of the first epochs, a run ends with the bytes of one that was not."""
    (tmp_path / "spec.yaml").write_text(yaml.safe_dump(run_spec().model_dump(mode="json")))
    script = (
        "import sys, pathlib, time\n"
        "from molmix_bench.mix import Mix\n"
        "from molmix_bench.specs.base import read_yaml, validate_spec\n"
        "from molmix_bench.specs.run import RunSpec\n"
        "from molmix_bench.training.run import run\n"
        "import torch; torch.set_num_threads(int(sys.argv[4]))\n"
        "run(validate_spec(RunSpec, read_yaml(pathlib.Path(sys.argv[1])), where='-'), Mix(sys.argv[2]),"
        " pathlib.Path(sys.argv[3]))\n"
    )
    threads = json.loads((finished.path / "versions.json").read_text())["threads"]
    out = tmp_path / "run"
    command = [sys.executable, "-c", script, tmp_path / "spec.yaml", chains.path, out, threads]
    for lines in (1, 2, 3):
        process = subprocess.Popen(command, env=os.environ)
        _wait_for_lines(out / "seed=0/metrics.jsonl", lines, process)
        process.send_signal(signal.SIGKILL)
        process.wait()
    subprocess.run(command, check=True, env=os.environ)
    assert read_run(out) == read_run(finished.path)


def _wait_for_lines(path: Path, count: int, process: subprocess.Popen[bytes]) -> None:
    while process.poll() is None and (not path.is_file() or path.read_text().count("\n") < count):
        time.sleep(0.001)


def test_a_finished_run_is_returned_as_it_is(finished, chains, capsys):
    """The same command again says that the run is finished, and changes no file."""
    before = {path: path.stat().st_mtime_ns for path in finished.path.rglob("*.json*")}
    again = run(run_spec(), chains, finished.path)
    assert "this run is finished already" in capsys.readouterr().err
    assert again.result == finished.result
    assert {path: path.stat().st_mtime_ns for path in finished.path.rglob("*.json*")} == before


def test_refuses_the_directory_of_another_spec(finished, chains):
    """The error names each setting that differs, with both values."""
    with pytest.raises(RunError, match=r"model\.width: 8 -> 9; training\.epochs: 4 -> 5\)"):
        run(run_spec(training__epochs=5, model__width=9), chains, finished.path)


def test_refuses_the_directory_of_another_mix(finished, tmp_path):
    """A mix of the same name built from other labels is another mix."""
    other = build_chains(tmp_path, step=-38.0)
    with pytest.raises(RunError, match=r"another build of the mix \(mix\.build_key: "):
        run(run_spec(), other, finished.path)


def test_refuses_a_directory_with_other_files(chains, tmp_path):
    """Nothing is written among files that are not a run's."""
    (tmp_path / "thesis.tex").touch()
    with pytest.raises(RunError, match=r"files that no run left there \(thesis\.tex\)"):
        run(run_spec(), chains, tmp_path)


def test_refuses_to_share_a_directory(chains, tmp_path):
    """Two processes cannot train into one directory."""
    with FileLock(tmp_path / "lock"), pytest.raises(RunError, match="another process at work"):
        run(run_spec(), chains, tmp_path)


def test_says_when_versions_have_changed(finished, chains, capsys):
    """A run that goes on under other versions says which, since its last digits may differ."""
    file = finished.path / "versions.json"
    text = file.read_text()
    versions = json.loads(text)
    file.write_text(json.dumps({**versions, "torch": "1.0"}))
    run(run_spec(), chains, finished.path)
    file.write_text(text)
    assert f"torch: '1.0' -> '{versions['torch']}'" in capsys.readouterr().err


def test_last_epoch_predicts_where_the_spec_says_so(chains, tmp_path):
    """With `checkpoint: last`, the last epoch's weights predict, whichever was best."""
    result = run(run_spec(training__checkpoint="last"), chains, tmp_path)
    assert result.result.seeds[0].epoch == 4


def test_norms_see_every_training_batch(finished, chains):
    """Batch norms count one batch per step of every epoch: training is done in training mode, validation is not."""
    steps = -(-chains.splits["train"] // 7) * 4
    with checkpoint.safe_open(finished.path / "seed=0/checkpoint/last.safetensors", framework="pt") as file:
        counts = {file.get_tensor(name).item() for name in file.keys() if name.endswith("num_batches_tracked")}  # noqa: SIM118  # no mapping
    assert counts == {steps}


def test_batches_by_atoms_and_draws_by_dataset(chains, tmp_path):
    """An epoch has the batches that the store's own loader gives under the same settings."""
    sampling = {name: float(name == "groups") for name in DATASETS}
    spec = run_spec(training__epochs=2, training__max_nodes=60, training__sampling=sampling)
    done = run(spec, chains, tmp_path)
    order = Order(max_nodes=60, sampling=sampling)
    store = open_store(chains, spec.features)
    epochs = [
        list(store.loader("train", batch_size=7, seed=0, epoch=epoch, datasets=DATASETS, order=order))
        for epoch in (1, 2)
    ]
    with checkpoint.safe_open(done.path / "seed=0/checkpoint/last.safetensors", framework="pt") as file:
        counts = {file.get_tensor(name).item() for name in file.keys() if name.endswith("num_batches_tracked")}  # noqa: SIM118  # no mapping
    assert counts == {sum(map(len, epochs))}
    assert counts != {2 * -(-chains.splits["train"] // 7)}
    assert all(len(batch.labels["groups"].rows) == batch.num_graphs for epoch in epochs for batch in epoch)
    with pytest.raises(SpecError, match="sampling must have a weight for each of datasets"):
        run(run_spec(training__sampling={"groups": 1}), chains, tmp_path / "other")


def test_trains_on_a_part_of_the_mix(chains, tmp_path):
    """Datasets that are not named are neither learnt nor predicted."""
    result = run(run_spec(datasets=["groups"], training__epochs=1), chains, tmp_path)
    assert [target.dataset for target in result.targets] == ["groups"]
    assert [path.name for path in (tmp_path / "predictions").iterdir()] == ["groups"]


def test_refuses_unknown_datasets(chains, tmp_path):
    """An unknown dataset is answered with the nearest known one; settings for absent ones are refused."""
    with pytest.raises(UsageError, match=r"dataset 'group' \(did you mean 'groups'\?\)"):
        run(run_spec(datasets=["group"]), chains, tmp_path)
    with pytest.raises(SpecError, match="loss_weights names datasets that are not trained on: qm9"):
        run(run_spec(training__loss_weights={"qm9": 2.0}), chains, tmp_path)
    assert not list(tmp_path.iterdir())


def test_refuses_a_network_over_budget(chains, tmp_path):
    """The error names the count and the budget."""
    with pytest.raises(RunError, match=r"found [\d,]+ trainable parameters; expected at most 100, as max_parameters"):
        run(run_spec(max_parameters=100), chains, tmp_path)


def test_a_run_refused_before_training_binds_nothing(chains, tmp_path):
    """The mended spec runs in the same directory."""
    with pytest.raises(RunError, match="max_parameters"):
        run(run_spec(max_parameters=100), chains, tmp_path)
    assert run(run_spec(), chains, tmp_path).spec.max_parameters is None


def test_stops_at_a_loss_that_is_not_finite(chains, tmp_path, monkeypatch):
    """The batch is saved, the last good checkpoint kept, and the error says where and what to try."""
    monkeypatch.setattr(loop, "rate_factor", lambda *_, step, num_steps: 1e36 if step >= num_steps // 4 else 1.0)
    with pytest.raises(RunError, match=r"^epoch 2, batch 2 of \d+: a loss that is not finite \(.*clip_norm"):
        run(run_spec(), chains, tmp_path)
    with checkpoint.safe_open(tmp_path / "seed=0/failed_batch.safetensors", framework="pt") as file:
        assert {"atom_code", "edge_index", "ptr", "encodings.rwse", "labels.energies.values"} <= set(file.keys())
        assert {"labels.panel.owners", "labels.panel.tasks", "labels.atoms.nodes"} <= set(file.keys())
        assert len(file.get_tensor("molecules")) == 7
    with checkpoint.safe_open(tmp_path / "seed=0/checkpoint/last.safetensors", framework="pt") as file:
        assert json.loads(file.metadata()["molmix"])["epoch"] == 1
        assert all(file.get_tensor(name).isfinite().all() for name in file.keys())  # noqa: SIM118  # no mapping


def test_a_full_disk_loses_nothing(finished, chains, tmp_path):
    """A full disk is named as such; with room again, the same command ends as if nothing had happened."""
    original = Path.write_bytes

    def full(self, data):
        if "last" in self.name and (tmp_path / "seed=0/metrics.jsonl").read_text().count("\n") == 3:
            raise OSError(ENOSPC, "No space left on device")
        return original(self, data)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Path, "write_bytes", full)
        with pytest.raises(RunError, match=r"No space left on device.*make room there and run again"):
            run(run_spec(), chains, tmp_path)
    run(run_spec(), chains, tmp_path)
    assert read_run(tmp_path) == read_run(finished.path)


def test_bf16_trains_to_about_the_same(finished, chains, tmp_path):
    """In bfloat16 the losses are near those of float32, and weights stay float32."""
    result = run(run_spec(training__precision="bf16-mixed"), chains, tmp_path)
    losses = [
        [json.loads(line)["loss"] for line in (path / "seed=0/metrics.jsonl").read_text().splitlines()]
        for path in (finished.path, result.path)
    ]
    assert losses[0] != losses[1]
    assert losses[0] == pytest.approx(losses[1], rel=0.1)
    assert {str(p.dtype) for p in result.network(0).parameters()} == {"torch.float32"}


def test_refuses_gpus_that_are_not_there(chains, tmp_path):
    """Before anything is written, with how many there are."""
    with pytest.raises(UsageError, match="GPUs that PyTorch can use; expected 999"):
        run(run_spec(), chains, tmp_path / "run", accelerator="cuda", devices=999)
    assert not (tmp_path / "run").exists()
