"""Tests of the seeds of a run: alone, with others, added later, and failed."""

from __future__ import annotations

import pytest

from molmix_bench.errors import RunError, StoreError
from molmix_bench.training import folder as folder_module
from molmix_bench.training import learner as learner_module
from molmix_bench.training.run import run
from molmix_bench.training.trained import predict_run
from tests.training.small import read_run, run_spec


def test_seeds_are_independent(chains, tmp_path):
    """A seed trained after another gives what it gives alone; two seeds give different networks."""
    both = run(run_spec(training__seeds=[3, 5], training__epochs=2), chains, tmp_path / "both")
    alone = run(run_spec(training__seeds=[5], training__epochs=2), chains, tmp_path / "alone")
    in_both, in_alone = read_run(both.path), read_run(alone.path)
    assert all(in_both[name] == content for name, content in in_alone.items() if "seed=5" in name)
    assert in_both["seed=3/checkpoint/last.safetensors"] != in_both["seed=5/checkpoint/last.safetensors"]
    assert [item.seed for item in both.result.seeds] == [3, 5]
    assert set(both.scores().table["seed"]) == {3, 5, None}


def test_a_finished_run_takes_more_seeds(chains, tmp_path, monkeypatch):
    """Its networks stay as they are, and it ends as a run that had all seeds from the first."""
    whole = run(run_spec(training__seeds=[5, 3], training__epochs=2), chains, tmp_path / "whole")
    grown = tmp_path / "grown"
    run(run_spec(training__seeds=[3], training__epochs=2), chains, grown)
    journal = (grown / "seed=3/metrics.jsonl").read_bytes()
    # A kill between the old result's end and the new spec: the run as it was is scored again.
    with monkeypatch.context() as patch:
        patch.setattr(folder_module.RunFolder, "_write_spec", _raise_interrupt)
        with pytest.raises(KeyboardInterrupt):
            run(run_spec(training__seeds=[5, 3], training__epochs=2), chains, grown)
    again = run(run_spec(training__seeds=[3], training__epochs=2), chains, grown)
    assert [item.seed for item in again.result.seeds] == [3]
    run(run_spec(training__seeds=[5, 3], training__epochs=2), chains, grown)
    assert (grown / "seed=3/metrics.jsonl").read_bytes() == journal
    assert read_run(grown) == read_run(whole.path)
    with pytest.raises(RunError, match=r"training\.seeds: \[5, 3\] -> \[5\]\)"):
        run(run_spec(training__seeds=[5], training__epochs=2), chains, grown)
    with pytest.raises(RunError, match=r"another spec \(training\.epochs: 2 -> 3\)"):
        run(run_spec(training__seeds=[5, 3, 4], training__epochs=3), chains, grown)


def test_a_run_goes_on_with_as_many_devices(chains, tmp_path):
    """With more, steps would be of other batches."""
    run(run_spec(training__epochs=1), chains, tmp_path)
    with pytest.raises(RunError, match=r"a run begun with --devices 1.*; expected 2, as asked for; give --devices 1"):
        run(run_spec(training__epochs=1, training__seeds=[0, 1]), chains, tmp_path, accelerator="cpu", devices=2)


def _raise_interrupt(*_: object) -> None:
    raise KeyboardInterrupt


def test_a_failed_seed_loses_no_other(chains, tmp_path, monkeypatch):
    """Two of three are complete and scored; the third is named with its reason, and tried again by the same command."""
    learn = learner_module.NetworkLearner.learn

    def fails_once(self, seed):
        if seed == 1:
            raise RunError("epoch 2, batch 3 of 6", found="a loss that is not finite (energies)")
        return learn(self, seed)

    monkeypatch.setattr(learner_module.NetworkLearner, "learn", fails_once)
    done = run(run_spec(training__epochs=1, training__seeds=[0, 1, 2]), chains, tmp_path / "run")
    done_scores = done.scores().table
    assert [item.seed for item in done.result.seeds] == [0, 2]
    assert [item.seed for item in done.result.failed] == [1]
    assert "not finite" in done.result.failed[0].reason
    assert any("seed 1 failed" in note for note in done.result.notes)
    assert set(done.scores().table["seed"].drop_nulls()) == {0, 2}
    assert {path.stem for path in predict_run(done, chains, tmp_path / "others")} == {"seed=0", "seed=2"}
    monkeypatch.setattr(learner_module.NetworkLearner, "learn", learn)
    again = run(run_spec(training__epochs=1, training__seeds=[0, 1, 2]), chains, tmp_path / "run")
    assert ([item.seed for item in again.result.seeds], again.result.failed) == ([0, 1, 2], ())
    assert again.scores().table.filter(seed=0).equals(done_scores.filter(seed=0))


def test_an_error_of_a_network_loses_no_other_seed(chains, tmp_path, monkeypatch, capsys):
    """Whatever it raises, the traceback is shown and the other seed is complete; errors of the data end the run."""
    learn = learner_module.NetworkLearner.learn

    def fails(self, seed):
        if seed == 0:
            raise error
        return learn(self, seed)

    monkeypatch.setattr(learner_module.NetworkLearner, "learn", fails)
    error: Exception = ValueError("unlucky weights")
    done = run(run_spec(training__epochs=1, training__seeds=[0, 1]), chains, tmp_path / "run")
    assert [item.reason for item in done.result.failed] == ["ValueError: unlucky weights"]
    assert [item.seed for item in done.result.seeds] == [1]
    assert "Traceback" in capsys.readouterr().err
    error = StoreError("store", found="a damaged array")
    with pytest.raises(StoreError):
        run(run_spec(training__epochs=1, training__seeds=[0, 1]), chains, tmp_path / "other")


def test_a_run_whose_seeds_all_fail_says_why(chains, tmp_path, monkeypatch):
    """The first seed's error, and no result."""

    def fails(_, seed):
        raise RunError(f"seed {seed}", found="a loss that is not finite")

    monkeypatch.setattr(learner_module.NetworkLearner, "learn", fails)
    with pytest.raises(RunError, match="seed 4: a loss"):
        run(run_spec(training__seeds=[4, 5]), chains, tmp_path)
    assert not (tmp_path / "result.json").exists()


def test_a_run_that_failed_at_once_may_be_changed(chains, tmp_path):
    """After seeds that failed in their first epoch, the advised lower rate runs there as in an empty directory."""
    with pytest.raises(RunError, match="lower the learning rate"):
        run(run_spec(training__optimizer__learning_rate=1e36, training__seeds=[0, 1]), chains, tmp_path / "again")
    assert "seed=0/failed_batch.safetensors" in read_run(tmp_path / "again")
    spec = run_spec(training__optimizer__learning_rate=1e-3)
    run(spec, chains, tmp_path / "again")
    run(spec, chains, tmp_path / "once")
    assert read_run(tmp_path / "again") == read_run(tmp_path / "once")
    with pytest.raises(RunError, match="a run of another spec"):
        run(run_spec(training__optimizer__learning_rate=1e-4), chains, tmp_path / "again")
