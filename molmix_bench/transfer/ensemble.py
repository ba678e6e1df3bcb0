"""The networks that embed and predict new molecules: those of a run's seeds, or of a fine-tuning's folds and seeds."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from itertools import islice
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from molmix_bench.errors import RunError, UsageError
from molmix_bench.graphs.batch import Batch, DenseLabels
from molmix_bench.graphs.cached import open_store
from molmix_bench.graphs.label_tables import ABSENT
from molmix_bench.metrics.cells import FloatArray
from molmix_bench.mix import Mix
from molmix_bench.models.fingerprints import FingerprintRows, open_fingerprints
from molmix_bench.models.network import Network, set_fingerprints
from molmix_bench.specs.finetune import MODES, Method
from molmix_bench.specs.model import FingerprintMlpSpec, FingerprintSpec, FittedSpec
from molmix_bench.specs.result import Target
from molmix_bench.specs.run import RunSpec
from molmix_bench.training.checkpoint import load_weights
from molmix_bench.training.environment import check_featurizer
from molmix_bench.training.learner import learnt_targets
from molmix_bench.training.objective import Objective
from molmix_bench.training.subset import train_members
from molmix_bench.training.trained import Run, open_run
from molmix_bench.transfer.fit import objective_of
from molmix_bench.transfer.nearest import NUM_BITS, RADIUS, Neighbours
from molmix_bench.transfer.outcome import Finetuned, is_finetuned, open_finetuned
from molmix_bench.transfer.start import LINEAR, Start
from molmix_bench.vocab import Level, Split


@dataclass(frozen=True, slots=True)
class Member:
    """One network, opened when it is asked for."""

    name: str
    open: Callable[[], Network]
    objectives: dict[str, Objective]
    """By dataset of molecules' labels."""


@dataclass(frozen=True, slots=True)
class Ensemble:
    """Networks that predict the same.

    Attributes:
        path: the directory that they come from.
        spec: of the run.
        targets: what is predicted of molecules; means and scales are those of the first network's training.
        members: the networks.
        trained_on: the molecules that they were trained on; it needs the run's mix, where they are those of a run.
    """

    path: Path
    spec: RunSpec
    targets: tuple[Target, ...]
    members: tuple[Member, ...]
    trained_on: Callable[[Mix | None], Neighbours]

    @property
    def fingerprint(self) -> FingerprintSpec | None:
        """What networks look at in place of atoms; None where they look at atoms."""
        return self.spec.model.fingerprint if isinstance(self.spec.model, FingerprintMlpSpec) else None


def open_ensemble(path: str | Path) -> Ensemble:
    """Returns the networks in the directory of a finished run or fine-tuning.

    Raises:
        UsageError: the directory holds neither, or a run of which no networks are kept.
        RunError: it is not finished, or of another version of the featurizer.
    """
    folder = Path(path)
    return _of_finetuned(open_finetuned(folder)) if is_finetuned(folder) else _of_run(open_run(folder))


def _of_run(run: Run) -> Ensemble:
    start = Start.of(run)
    if isinstance(run.spec.model, FittedSpec):
        found = f"a run of {run.spec.model.architecture}, of which only predictions are kept"
        raise UsageError(str(run.path), found=found, expected="a run of a network")
    learnt, _ = learnt_targets(run.spec.model, run.targets)
    targets = tuple(target for target in learnt if target.level is Level.GRAPH)
    if not isinstance(run.spec.model, FingerprintMlpSpec):
        check_featurizer(run.path, run.folder.read_versions())
    cpu = torch.device("cpu")
    objectives = {target.dataset: Objective.of(target, device=cpu) for target in targets}

    def _opener(seed: int) -> Callable[[], Network]:
        return lambda: start.pretrained(seed)

    members = tuple(
        # Seeds are places among the run's own.
        Member(f"seed={seed}", _opener(place), objectives)
        for place, seed in enumerate(start.origin.networks)
    )
    return Ensemble(run.path, run.spec, targets, members, lambda mix: _neighbours_of_run(run, mix))


def _neighbours_of_run(run: Run, mix: Mix | None) -> Neighbours:
    if mix is None:
        fix = "name its directory with --mix, or do without distances by --mix none"
        raise UsageError(str(run.path), found="no mix", expected="the mix that the run was trained on", fix=fix)
    store = open_store(mix, run.spec.features)
    table = open_fingerprints(mix, store, FingerprintSpec(radius=RADIUS, bits=NUM_BITS))
    members = store.molecules(Split.TRAIN)
    labelled = np.zeros(len(members), bool)
    for target in run.targets:
        labelled |= store.labels(target.dataset, Split.TRAIN).row != ABSENT
    chosen = train_members(run.spec, store, [target.dataset for target in run.targets])
    if chosen is not None:
        labelled &= np.isin(np.arange(len(members)), chosen)
    return Neighbours.of(np.asarray(table.bits[members[labelled]]))


def _of_finetuned(found: Finetuned) -> Ensemble:
    origin = found.result.origin
    method = origin.spec.methods[0]
    if method not in (*MODES, "scratch"):
        raise UsageError(str(found.path), found=f"networks of none of its methods, {method}", expected="a mode")
    if not isinstance(found.spec.model, FingerprintMlpSpec):
        check_featurizer(found.path, {"featurizer": origin.featurizer})
    start = Start(found.spec)
    members = []
    for piece in found.result.pieces:
        if piece.method == method:
            target = found.targets[piece.fold]
            opener = _Kept(found, start, target, method, (piece.fold, piece.seed))
            objectives = {target.dataset: objective_of(target, torch.device("cpu"))}
            members.append(Member(f"fold={piece.fold}, seed={piece.seed}", opener, objectives))

    def _trained_on(_: Mix | None) -> Neighbours:
        return Neighbours.of_smiles(found.molecules()["smiles"].to_list())

    return Ensemble(found.path, found.spec, found.targets[:1], tuple(members), _trained_on)


@dataclass(frozen=True, slots=True)
class _Kept:
    """A network that a fine-tuning kept."""

    found: Finetuned
    start: Start
    target: Target
    method: Method
    place: tuple[int, int]
    """Fold and seed."""

    def __call__(self) -> Network:
        """Returns it, in evaluation mode."""
        fold, seed = self.place
        head = LINEAR if self.method == "probe" else self.found.result.origin.spec.tuning.head
        network = self.start.network(self.target, seed, pretrained=False, head=head)
        path = self.found.folder.network(self.method, fold, seed)
        if not path.is_file():
            fix = "delete result.json and the folder pieces, then give the command that made it again"
            raise RunError(str(path), found="no such file", expected="the weights of a network", fix=fix)
        load_weights(path, network)
        return network.eval()


def predict_batch(
    network: Network, member: Member, batch: Batch, *, table: FingerprintRows | None
) -> dict[str, NDArray[np.floating]]:
    """Returns what one network predicts for all molecules of a batch, by dataset, (num_graphs, num_outputs)."""
    set_fingerprints(network, table)
    rows = torch.arange(batch.num_graphs, device=batch.ptr.device)
    with torch.inference_mode():
        labels = {
            name: DenseLabels(rows, torch.full((batch.num_graphs, len(item.target.tasks)), torch.nan))
            for name, item in member.objectives.items()
        }
        outputs = network(replace(batch, labels=labels))
        return {name: member.objectives[name].predictions(output.cpu()).numpy() for name, output in outputs.items()}


def embed_batch(network: Network, batch: Batch, layer: int | None, *, table: FingerprintRows | None) -> FloatArray:
    """Returns the embeddings of all molecules of a batch after one layer, the last where None, (num_graphs, width)."""
    set_fingerprints(network, table)
    last = network.num_layers if layer is None else layer
    with torch.inference_mode():
        found = next(islice(network.embed_each_layer(batch), last, None))
        return found.float().cpu().numpy()
