"""A whole run: from a spec and a mix to networks, predictions and scores, resumable after every epoch."""

from __future__ import annotations

from pathlib import Path

import polars as pl
import torch
from lightning_fabric import Fabric

from molmix_bench.atomic import write_text
from molmix_bench.errors import MolmixError, RunError, UsageError
from molmix_bench.graphs.cached import open_store
from molmix_bench.metrics.protocol import REPLICATES
from molmix_bench.metrics.scores import Scores
from molmix_bench.mix import Mix
from molmix_bench.models.fingerprints import open_fingerprints
from molmix_bench.specs.base import content_digest, validate_spec
from molmix_bench.specs.model import FingerprintMlpSpec, FittedSpec, TrivialSpec
from molmix_bench.specs.result import FailedSeed, Origin, RunResult, SeedResult, TrainedMix
from molmix_bench.specs.run import RunSpec
from molmix_bench.talk import say, told
from molmix_bench.training.environment import check_featurizer, read_versions
from molmix_bench.training.folder import DEVICES, RunFolder
from molmix_bench.training.learner import Learner, NetworkLearner, learnt_targets
from molmix_bench.training.loop import Setting
from molmix_bench.training.predict import write_split
from molmix_bench.training.randomness import deterministic
from molmix_bench.training.subset import train_members
from molmix_bench.training.targets import choose_datasets, make_targets
from molmix_bench.training.task_learner import TaskLearner
from molmix_bench.training.trained import Run, open_run
from molmix_bench.training.validation import read_references, score_split
from molmix_bench.vocab import Split


def run(spec: RunSpec, mix: Mix, out: Path, *, accelerator: str = "auto", devices: int = 1) -> Run:
    """Trains and scores what a spec describes, and returns the finished run.

    Called again, an interrupted run goes on after its last complete epoch, and a finished one is returned as it is, but
    for seeds that failed: they are tried again from their last complete epoch. With more seeds, it learns those.

    Args:
        spec: the run; its `mix` is not looked at, as `mix` is already there.
        mix: the data.
        out: the directory of the run.
        accelerator: `auto`, `cpu` or `cuda`, as Lightning Fabric names them.
        devices: processes that train each network together, each with batches of the spec's size; see `processes`.

    Raises:
        UsageError: the spec names a dataset that the mix has not, or there are not as many GPUs.
        SpecError: it has settings for datasets that are not trained on.
        RunError: `out` holds another run, a dataset cannot be learnt, the network is too large, or a loss is not
            finite.
        StoreError: the mix cannot be featurised.
    """
    _check_devices(accelerator, devices)
    where = f"run {spec.name}"
    datasets = choose_datasets(mix, spec.datasets, where=where)
    resolved = {**spec.model_dump(mode="json"), "mix": mix.name, "datasets": datasets}
    spec = validate_spec(RunSpec, resolved, where=where)
    key = mix.manifest.build_key
    origin = Origin(
        mix=TrainedMix(name=mix.name, version=mix.version, build_key=key), targets=make_targets(mix, datasets)
    )
    folder = RunFolder(out)
    with folder.locked():
        for change in folder.prepare(spec, origin, versions={**read_versions(), DEVICES: str(devices)}):
            say(f"{out}: begun with another version, so the last digits may differ ({change})")
        if folder.result.is_file() and not folder.read_result().failed:
            say(f"{out}: this run is finished already")
        else:
            _check_codes(folder, spec)
            try:
                fabric = Fabric(accelerator=accelerator, devices=1)
                with deterministic(fabric.device):
                    _complete(spec, mix, origin, folder=folder, fabric=fabric, devices=devices)
            except OSError as error:
                fix = "make room there and run again; it goes on after the last complete epoch"
                raise RunError(str(out), found=f"a file cannot be written ({error})", fix=fix) from error
    return open_run(out)


def _check_devices(accelerator: str, devices: int) -> None:
    """Refuses GPUs that are not there; processes on a CPU may be as many as one likes."""
    there = torch.cuda.device_count()
    if accelerator == "cuda" and there < max(1, devices):
        fix = "ask for fewer devices, or for accelerator cpu"
        raise UsageError("accelerator cuda", found=f"{there} GPUs that PyTorch can use", expected=f"{devices}", fix=fix)


def _check_codes(folder: RunFolder, spec: RunSpec) -> None:
    """Refuses to go on with a network that has begun to learn other codes of atoms."""
    if not isinstance(spec.model, (FittedSpec, FingerprintMlpSpec)):
        check_featurizer(folder.path, folder.read_versions())


def _complete(spec: RunSpec, mix: Mix, origin: Origin, *, folder: RunFolder, fabric: Fabric, devices: int) -> None:
    """Trains what is not trained yet, then predicts and scores."""
    datasets = tuple(target.dataset for target in origin.targets)
    if not any(Split.TRAIN in mix.datasets[name].splits for name in datasets):
        raise RunError(f"mix {mix.name}", found="no train split in any of the datasets", fix="split the mix anew")
    learner = _make_learner(spec, mix, origin, folder=folder, fabric=fabric, devices=devices)
    results, failed = _learn_all(learner, spec)
    # The test labels are read here, once, when every choice has been made.
    seeds = Scores.concat(_score_seed(learner, mix, result, folder=folder, datasets=datasets) for result in results)
    scores = Scores.concat([seeds, seeds.over_seeds()])
    write_text(folder.scores, scores.to_json())
    notes = (*learner.notes, *(f"seed {item.seed} failed, and nothing is of it: {item.reason}" for item in failed))
    seconds = [learner.seconds(item.seed) for item in results]
    result = RunResult(
        name=spec.name,
        spec_digest=content_digest(spec),
        mix=origin.mix,
        num_parameters=learner.num_parameters,
        seeds=tuple(results),
        failed=tuple(failed),
        scores=tuple(scores.table.filter(pl.col("task").is_null()).to_dicts()),
        train_seconds=sum(train for train, _ in seconds),
        wall_seconds=sum(wall for _, wall in seconds),
        hardware=learner.hardware(),
        notes=notes,
    )
    for note in notes:
        say(f"{spec.name}: {note}")
    write_text(folder.result, result.model_dump_json(indent=1))


def _learn_all(learner: Learner, spec: RunSpec) -> tuple[list[SeedResult], list[FailedSeed]]:
    """Learns with every seed; one that fails, as of a loss that is not finite, does not lose the others.

    Raises:
        Exception: all of them failed; it is the first one's.
    """
    results: list[SeedResult] = []
    failures: dict[int, Exception] = {}
    for seed in spec.training.seeds:
        try:
            results.append(learner.learn(seed))
        except Exception as error:
            # A user's own network may raise anything; what is wrong with the folder or the data is so for every seed.
            if isinstance(error, (OSError, MolmixError)) and not isinstance(error, RunError):
                raise
            failures[seed] = error
            say(f"{spec.name}, seed {seed} failed: {told(error)}")
    if not results:
        raise next(iter(failures.values()))
    return results, [FailedSeed(seed=seed, reason=_reason(error)) for seed, error in failures.items()]


def _reason(error: Exception) -> str:
    return str(error) if isinstance(error, RunError) else f"{type(error).__name__}: {error}"


def _make_learner(
    spec: RunSpec, mix: Mix, origin: Origin, *, folder: RunFolder, fabric: Fabric, devices: int
) -> Learner:
    """Returns the model of a run; says what it will learn, where that may take long."""
    store = open_store(mix, spec.features)
    names = [target.dataset for target in origin.targets]
    validation = read_references(mix, names, split=Split.VALIDATION)
    if isinstance(spec.model, FittedSpec):
        table = None
        if not isinstance(spec.model, TrivialSpec):
            table = open_fingerprints(mix, store, spec.model.fingerprint)
        return TaskLearner(spec, origin.targets, store, table=table, validation=validation, folder=folder)
    learnt, others = learnt_targets(spec.model, origin.targets)
    setting = Setting(
        spec=spec,
        targets=learnt,
        store=store,
        validation={target.dataset: validation[target.dataset] for target in learnt if target.dataset in validation},
        fabric=fabric,
        fingerprints=open_fingerprints(mix, store, spec.model.fingerprint)
        if isinstance(spec.model, FingerprintMlpSpec)
        else None,
        members=train_members(spec, store, names),
    )
    return NetworkLearner(setting, others, folder=folder, devices=devices)


def _score_seed(
    learner: Learner, mix: Mix, result: SeedResult, *, folder: RunFolder, datasets: tuple[str, ...]
) -> Scores:
    """Writes the predictions of one seed for all splits but train, and returns their scores."""
    parts = []
    for split in mix.splits:
        if split is Split.TRAIN:
            continue
        references = read_references(mix, datasets, split=split, replicates=REPLICATES)
        if not references:
            continue
        found = learner.predict(result, split)
        write_split(folder.predictions, found, split=split, seed=result.seed)
        parts.append(score_split(found, references, seed=result.seed))
    return Scores.concat(parts)
