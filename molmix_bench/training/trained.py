"""A finished run: its networks, and predictions with them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import torch

from molmix_bench.errors import RunError, UsageError
from molmix_bench.graphs.cached import open_store
from molmix_bench.metrics.scores import Scores
from molmix_bench.mix import Mix
from molmix_bench.models.fingerprints import open_fingerprints
from molmix_bench.models.network import Network, make_network, set_fingerprints
from molmix_bench.specs.model import FingerprintMlpSpec, FittedSpec
from molmix_bench.specs.result import RunResult, Target
from molmix_bench.specs.run import RunSpec
from molmix_bench.training.checkpoint import load_weights
from molmix_bench.training.environment import check_featurizer
from molmix_bench.training.folder import PIECES, RunFolder
from molmix_bench.training.learner import learnt_targets
from molmix_bench.training.objective import Objective
from molmix_bench.training.predict import predict_split, write_split
from molmix_bench.vocab import Split


@dataclass(frozen=True, slots=True)
class Run:
    """A finished run, read from its directory."""

    folder: RunFolder
    spec: RunSpec
    targets: tuple[Target, ...]
    result: RunResult

    @property
    def path(self) -> Path:
        """The directory."""
        return self.folder.path

    def scores(self) -> Scores:
        """Returns all scores, those of single tasks among them."""
        return Scores.from_json(self.folder.scores.read_text(encoding="utf-8"))

    def network(self, seed: int) -> Network:
        """Returns the trained network of a seed, on the CPU, in evaluation mode.

        Where the run's spec names a network of the user's (`import`), its module is imported, which runs its code: open
        such runs of people you trust only. One on fingerprints needs `models.network.set_fingerprints` as well.

        Raises:
            UsageError: the run has no such seed, or no network.
            RunError: its weights cannot be read, or it was trained on another version of the featurizer.
        """
        epochs = {item.seed: item.epoch for item in self.result.seeds}
        if seed not in epochs:
            expected = f"one of {', '.join(map(str, epochs))}"
            raise UsageError(str(self.path), found=f"no seed {seed}", expected=expected)
        if isinstance(self.spec.model, FittedSpec):
            raise UsageError(
                str(self.path),
                found=f"a run of {self.spec.model.architecture}, of which only predictions are kept",
                fix="run its YAML with the other mix",
            )
        if not isinstance(self.spec.model, FingerprintMlpSpec):
            check_featurizer(self.path, self.folder.read_versions())
        network = make_network(self.spec.model, features=self.spec.features, targets=self.targets)
        load_weights(self.folder.seed(seed).weights(epochs[seed], self.spec.training.checkpoint), network)
        return network.eval()


def open_run(path: str | Path) -> Run:
    """Returns the finished run in a directory.

    Raises:
        UsageError: the directory holds no run, or a fine-tuning of one.
        RunError: the run is not finished.
    """
    folder = RunFolder(Path(path))
    spec = folder.read_spec()
    if (folder.path / PIECES).is_dir():
        expected = "the directory of a finished run"
        fix = f"name that of the run it began with, {spec.name}; a fine-tuning is read by embed and predict --data"
        raise UsageError(str(path), found="a fine-tuning", expected=expected, fix=fix)
    folder.check_finished()
    return Run(folder, spec, folder.read_origin().targets, folder.read_result())


def predict_run(run: Run, mix: Mix, out: Path, *, splits: Sequence[Split] | None = None) -> tuple[Path, ...]:
    """Writes the predictions of every seed's network for a mix and returns the files.

    Args:
        run: whose networks.
        mix: the run's own, or any other that has some of its datasets.
        out: the folder of predictions; files are `<dataset>/<split>/seed=<k>.parquet`.
        splits: which; all but train where None.

    Raises:
        UsageError: the mix has none of the run's datasets, or lacks a split.
        RunError: a dataset of the mix has other tasks than that of the run, or a prediction is not finite.
    """
    device = torch.device("cpu")
    objectives = {target.dataset: Objective.of(target, device=device) for target in _common_targets(run, mix)}
    store = open_store(mix, run.spec.features)
    table = None
    if isinstance(run.spec.model, FingerprintMlpSpec):
        table = open_fingerprints(mix, store, run.spec.model.fingerprint)
    files: list[Path] = []
    for seed in (item.seed for item in run.result.seeds):
        network = set_fingerprints(run.network(seed), table)
        for split in splits or [split for split in mix.splits if split is not Split.TRAIN]:
            found = predict_split(network, objectives, store=store, split=split, device=device)
            files += write_split(out, found, split=split, seed=seed)
    return tuple(files)


def _common_targets(run: Run, mix: Mix) -> tuple[Target, ...]:
    learnt = run.targets if isinstance(run.spec.model, FittedSpec) else learnt_targets(run.spec.model, run.targets)[0]
    targets = tuple(target for target in learnt if target.dataset in mix.datasets)
    if not targets:
        names = ", ".join(target.dataset for target in run.targets)
        raise UsageError(f"mix {mix.name}", found="none of the run's datasets", expected=f"one of {names}")
    for target in targets:
        if mix.datasets[target.dataset].tasks != target.tasks:
            raise RunError(
                f"mix {mix.name}, dataset {target.dataset}",
                found=f"tasks {', '.join(mix.datasets[target.dataset].tasks):.80}",
                expected=f"those the run was trained on, {', '.join(target.tasks):.80}",
            )
    return targets
