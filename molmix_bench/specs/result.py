"""What a run leaves behind, as its JSON files hold it."""

from __future__ import annotations

from typing import Annotated, Any, Literal, Self

from pydantic import Field, FiniteFloat, NonNegativeFloat, PositiveFloat, PositiveInt, model_validator

from molmix_bench.specs.base import Spec
from molmix_bench.specs.run import RunName, Seed
from molmix_bench.specs.source import Name, Sha256
from molmix_bench.vocab import DType, Kind, Level


class Target(Spec):
    """What one head predicts: all that is needed to turn its outputs into predictions, without the mix."""

    dataset: Name
    level: Level
    kind: Kind
    num_classes: Annotated[int, Field(ge=3)] | None = None
    """Multiclass only."""
    dtype: DType
    """Of the labels; predictions are float64 where it is, else float32."""
    tasks: Annotated[tuple[str, ...], Field(min_length=1)]
    mean: tuple[FiniteFloat, ...] = ()
    """Of each task's train labels, in its unit; regression only."""
    std: tuple[Annotated[PositiveFloat, Field(allow_inf_nan=False)], ...] = ()

    @property
    def num_outputs(self) -> int:
        """Numbers that the head gives for a molecule or atom: one per task, or one per class of each task."""
        return len(self.tasks) * (self.num_classes or 1)

    @model_validator(mode="after")
    def _is_consistent(self) -> Self:
        if (self.kind is Kind.MULTICLASS) != (self.num_classes is not None):
            raise ValueError("num_classes goes with kind 'multiclass', and only with it")
        wanted = len(self.tasks) if self.kind is Kind.REGRESSION else 0
        if len(self.mean) != wanted or len(self.std) != wanted:
            raise ValueError(f"{len(self.mean)} means and {len(self.std)} stds for {wanted} regression tasks")
        return self


class TrainedMix(Spec):
    """The mix a run was trained on: equal keys, equal labels."""

    name: Name
    version: str
    build_key: Sha256


class Origin(Spec):
    """`origin.json`: what a run was begun with beside its spec; a run that goes on must find the same."""

    mix: TrainedMix
    targets: tuple[Target, ...]


class EpochRecord(Spec):
    """A line of `metrics.jsonl`."""

    epoch: PositiveInt
    """From 1."""
    loss: float
    """Weighted sum over datasets of `losses`."""
    losses: dict[Name, float]
    """By dataset, the mean over all train labels of the epoch."""
    validation: dict[Name, dict[str, float | None]]
    """By dataset and metric, the macro over scorable tasks; null without any."""
    selection: float | None
    """The value of the rule in `training/selection.py`; lower is better."""
    learning_rate: float
    """At the epoch's last step."""
    graphs_per_second: float
    """Of training, loading included."""
    train_seconds: float
    validation_seconds: float
    accelerator: str = ""
    """What it was trained on, as in `Hardware`; empty in the records of older versions."""


class Hardware(Spec):
    """Where a run took place."""

    cpu: str
    threads: PositiveInt
    """That torch computes with on the CPU."""
    accelerator: str
    """`cpu`, or the name of the GPU; several, with a comma, where the pieces of a training had several."""
    devices: PositiveInt = 1
    """Processes, each with its accelerator, that trained a network together."""


class SeedResult(Spec):
    """How the training of one seed went."""

    seed: Seed
    epoch: PositiveInt
    """Whose weights predict, from 1."""
    selection: float | None
    """Of that epoch."""


class FailedSeed(Spec):
    """A seed whose training ended in an error; the run has the others."""

    seed: Seed
    reason: Annotated[str, Field(min_length=1)]
    """The error, as it was said."""


class RunResult(Spec):
    """`result.json`: written last, so that its presence says that the run is finished."""

    format: Literal["molmix-run-1"] = "molmix-run-1"
    name: RunName
    spec_digest: Sha256
    """Of the spec in `run.yaml`."""
    mix: TrainedMix
    num_parameters: PositiveInt
    """Of networks the trainable ones; of trees their leaves (of boosted ones the most they may have), of the trivial
    predictor its constants. Of one seed."""
    seeds: Annotated[tuple[SeedResult, ...], Field(min_length=1)]
    """Those that were trained to the end; scores are of these alone."""
    failed: tuple[FailedSeed, ...] = ()
    scores: tuple[dict[str, Any], ...]
    """Each seed's and their means, over several tasks; `scores.json` also has those of single tasks."""
    train_seconds: NonNegativeFloat
    """Over all epochs, seeds and pieces of an interrupted run; validation left out."""
    wall_seconds: NonNegativeFloat
    """The same with validation."""
    hardware: Hardware
    notes: tuple[str, ...] = ()
    """What a reader of the scores has to know, such as datasets that the model could not learn."""
