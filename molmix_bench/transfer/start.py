"""What a fine-tuning begins with: the networks of a finished run, or the spec of one that begins from scratch."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import torch

from molmix_bench.errors import UsageError
from molmix_bench.metrics.cells import FloatArray
from molmix_bench.models.heads import Head, NormedHead
from molmix_bench.models.network import Network, make_network, set_fingerprints
from molmix_bench.specs.base import content_digest
from molmix_bench.specs.finetune import StartOrigin
from molmix_bench.specs.model import FittedSpec, HeadSpec, TrainedSpec
from molmix_bench.specs.result import Target
from molmix_bench.specs.run import RunSpec
from molmix_bench.training.randomness import seeded
from molmix_bench.training.trained import Run
from molmix_bench.transfer.featurized import Featurized
from molmix_bench.vocab import DType, Kind, Level

LINEAR = HeadSpec(depth=1)
"""The head that a probe can be written as: of embeddings as they are."""


@dataclass(frozen=True)
class Start:
    """A run, or the spec of one.

    Args:
        spec: of the networks.
        run: whose networks have learnt something; None where nothing was learnt.

    """

    spec: RunSpec
    run: Run | None = None

    @classmethod
    def of(cls, run: Run) -> Start:
        """Returns what the networks of a run are to begin with."""
        return cls(run.spec, run)

    @property
    def origin(self) -> StartOrigin:
        """What is written down of it."""
        networks = self._seeds() if self.run is not None else ()
        mix = None if self.run is None else self.run.result.mix
        return StartOrigin(run=self.spec.name, spec_digest=content_digest(self.spec), mix=mix, networks=networks)

    @cached_property
    def _bodies(self) -> dict[int, Network]:
        return {}

    def pretrained(self, seed: int) -> Network:
        """Returns the network of the run that a seed begins with, in evaluation mode; it is not to be changed.

        Raises:
            UsageError: nothing was trained before.
            RunError: the weights cannot be read, or are for another version of the featurizer.
        """
        if self.run is None:
            raise UsageError(f"run {self.spec.name}", found="a spec", expected="a finished run, whose networks go on")
        self._model(None)
        seeds = self._seeds()
        chosen = seeds[seed % len(seeds)]
        if chosen not in self._bodies:
            self._bodies[chosen] = self.run.network(chosen)
        return self._bodies[chosen]

    def _seeds(self) -> tuple[int, ...]:
        """Returns the seeds of the run whose training did not fail."""
        return () if self.run is None else tuple(item.seed for item in self.run.result.seeds)

    def network(self, target: Target, seed: int, *, pretrained: bool, head: HeadSpec | None = None) -> Network:
        """Returns a network with a fresh head for a target, the same for the same seed.

        Args:
            target: what the head predicts.
            seed: of the head, and of the body where that is fresh too.
            pretrained: whether the body is that of the run's network for this seed.
            head: of which form; like the run's where None.
        """
        spec = self._model(head)
        with seeded(seed, 0, device=torch.device("cpu")):
            network = make_network(spec, features=self.spec.features, targets=[target])
            if head is not LINEAR:
                _norm_head(network)
        if pretrained:
            network.body.load_state_dict(self.pretrained(seed).body.state_dict())
        return network

    def embed(self, molecules: Featurized, seed: int, *, device: torch.device) -> FloatArray:
        """Returns the embeddings that the run's network for a seed gives molecules, (n, width)."""
        network = set_fingerprints(self.pretrained(seed), molecules.fingerprints).to(device)
        with torch.inference_mode():
            parts = [network.embed(batch.to(device)).float().cpu().numpy() for batch in molecules.batches()]
        return np.concatenate(parts).astype(np.float64)

    def _model(self, head: HeadSpec | None) -> TrainedSpec:
        model = self.spec.model
        if isinstance(model, FittedSpec):
            raise UsageError(
                f"run {self.spec.name}",
                found=f"a model that is fitted, {model.architecture}",
                expected="a network, which can go on learning",
            )
        return model if head is None else model.model_copy(update={"head": head})


def _norm_head(network: Network) -> None:
    """Puts a norm before the one head of a network."""
    ((name, head),) = network.heads.items()
    if not isinstance(head, Head):
        raise TypeError(f"no head of ours: {type(head).__name__}")
    network.heads[name] = NormedHead(head, head.width)


def make_target(name: str, tasks: tuple[str, ...], kind: Kind, labels: FloatArray, num_classes: int | None) -> Target:
    """Returns what a head predicts, with the statistics of the labels to train on, (n, T)."""
    mean: list[float] = []
    std: list[float] = []
    if kind is Kind.REGRESSION:
        for values in labels.T:
            present = values[~np.isnan(values)]
            # Without labels there is nothing to centre; labels that are all equal have no scale.
            mean.append(float(present.mean()) if len(present) else 0.0)
            std.append(float(present.std()) if len(present) and present.std() > 0 else 1.0)
    return Target(
        dataset=name,
        level=Level.GRAPH,
        kind=kind,
        num_classes=num_classes,
        dtype=DType.FLOAT32 if kind is Kind.REGRESSION else DType.INT8,
        tasks=tasks,
        mean=tuple(mean),
        std=tuple(std),
    )
