"""A whole run: from a spec and a mix to networks, predictions and scores, resumable after every epoch."""

from __future__ import annotations

from pathlib import Path

import polars as pl
import torch
from lightning_fabric import Fabric

from molmix_bench.atomic import write_text
from molmix_bench.errors import RunError
from molmix_bench.graphs.cached import open_store
from molmix_bench.metrics.protocol import REPLICATES
from molmix_bench.metrics.scores import Scores
from molmix_bench.mix import Mix
from molmix_bench.models.network import Network, count_parameters, make_network
from molmix_bench.specs.base import content_digest, validate_spec
from molmix_bench.specs.result import Origin, RunResult, SeedResult, TrainedMix
from molmix_bench.specs.run import RunSpec
from molmix_bench.talk import say
from molmix_bench.training.checkpoint import load_weights
from molmix_bench.training.environment import read_hardware, read_versions
from molmix_bench.training.folder import RunFolder
from molmix_bench.training.journal import read_records
from molmix_bench.training.loop import Setting, Trainer
from molmix_bench.training.predict import predict_split, write_split
from molmix_bench.training.randomness import seeded
from molmix_bench.training.targets import choose_datasets, make_targets
from molmix_bench.training.trained import Run, open_run
from molmix_bench.training.validation import read_references, score_split
from molmix_bench.vocab import Split


def run(spec: RunSpec, mix: Mix, out: Path, *, accelerator: str = "auto") -> Run:
    """Trains and scores what a spec describes, and returns the finished run.

    Called again, an interrupted run goes on after its last complete epoch, and a finished one is returned as it is.

    Args:
        spec: the run; its `mix` is not looked at, as `mix` is already there.
        mix: the data.
        out: the directory of the run.
        accelerator: `auto`, `cpu` or `cuda`, as Lightning Fabric names them.

    Raises:
        UsageError: the spec names a dataset that the mix has not.
        SpecError: it has settings for datasets that are not trained on.
        RunError: `out` holds another run, a dataset cannot be learnt, the network is too large, or a loss is not
            finite.
        StoreError: the mix cannot be featurised.
    """
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
        for change in folder.prepare(spec, origin, versions=read_versions()):
            say(f"{out}: begun with another version, so the last digits may differ ({change})")
        if folder.result.is_file():
            say(f"{out}: this run is finished already")
        else:
            try:
                _complete(spec, mix, origin, folder=folder, accelerator=accelerator)
            except OSError as error:
                fix = "make room there and run again; it goes on after the last complete epoch"
                raise RunError(str(out), found=f"a file cannot be written ({error})", fix=fix) from error
    return open_run(out)


def _complete(spec: RunSpec, mix: Mix, origin: Origin, *, folder: RunFolder, accelerator: str) -> None:
    """Trains what is not trained yet, then predicts and scores."""
    datasets = tuple(target.dataset for target in origin.targets)
    if not any(Split.TRAIN in mix.datasets[name].splits for name in datasets):
        raise RunError(f"mix {mix.name}", found="no train split in any of the datasets", fix="split the mix anew")
    setting = Setting(
        spec=spec,
        targets=origin.targets,
        store=open_store(mix, spec.features),
        validation=read_references(mix, datasets, split=Split.VALIDATION),
        fabric=Fabric(accelerator=accelerator, devices=1),
    )
    num_parameters = _announce(setting, mix)
    results = [_train_seed(setting, seed, folder) for seed in spec.training.seeds]
    # The test labels are read here, once, when every choice has been made.
    seeds = Scores.concat(_score_seed(setting, mix, result, folder=folder) for result in results)
    scores = Scores.concat([seeds, seeds.over_seeds()])
    write_text(folder.scores, scores.to_json())
    records = [record for result in results for record in read_records(folder.seed(result.seed).metrics)]
    train_seconds = sum(record.train_seconds for record in records)
    result = RunResult(
        name=spec.name,
        spec_digest=content_digest(spec),
        mix=origin.mix,
        num_parameters=num_parameters,
        seeds=tuple(results),
        scores=tuple(scores.table.filter(pl.col("task").is_null()).to_dicts()),
        train_seconds=train_seconds,
        wall_seconds=train_seconds + sum(record.validation_seconds for record in records),
        hardware=read_hardware(setting.fabric.device),
    )
    write_text(folder.result, result.model_dump_json(indent=1))


def _announce(setting: Setting, mix: Mix) -> int:
    """Says what will be trained on what, and returns the number of trainable parameters, if the budget allows it."""
    spec, datasets = setting.spec, ", ".join(target.dataset for target in setting.targets)
    found = count_parameters(_make_network(setting, spec.training.seeds[0]))
    if spec.max_parameters is not None and found > spec.max_parameters:
        raise RunError(
            f"run {spec.name}",
            found=f"{found:,} trainable parameters",
            expected=f"at most {spec.max_parameters:,}, as max_parameters says",
            fix="reduce model.width or model.depth",
        )
    molecules = setting.train_loader(0, 1).num_molecules
    say(f"{spec.name}: {found:,} parameters learn {datasets} from {molecules:,} molecules of {mix.name}")
    return found


def _make_network(setting: Setting, seed: int) -> Network:
    """Returns a network with the initial weights of a seed."""
    with seeded(seed, 0, device=torch.device("cpu")):
        return make_network(setting.spec.model, features=setting.spec.features, targets=setting.targets)


def _train_seed(setting: Setting, seed: int, folder: RunFolder) -> SeedResult:
    """Trains one network, and returns which epoch's weights are to predict."""
    progress = Trainer(setting, _make_network(setting, seed), seed=seed, folder=folder.seed(seed)).train()
    epoch = progress.best_epoch if setting.spec.training.checkpoint == "best" else progress.epoch
    selections = {record.epoch: record.selection for record in read_records(folder.seed(seed).metrics)}
    return SeedResult(seed=seed, epoch=epoch, selection=selections.get(epoch))


def _score_seed(setting: Setting, mix: Mix, result: SeedResult, *, folder: RunFolder) -> Scores:
    """Writes the predictions of one network for all splits but train, and returns their scores."""
    network = _make_network(setting, result.seed)
    load_weights(folder.seed(result.seed).weights(result.epoch, setting.spec.training.checkpoint), network)
    device = setting.fabric.device
    network.to(device)
    parts = []
    for split in mix.splits:
        if split is Split.TRAIN:
            continue
        references = read_references(mix, setting.objectives(), split=split, replicates=REPLICATES)
        if not references:
            continue
        found = predict_split(network, setting.objectives(), store=setting.store, split=split, device=device)
        write_split(folder.predictions, found, split=split, seed=result.seed)
        parts.append(score_split(found, references, seed=result.seed))
    return Scores.concat(parts)
