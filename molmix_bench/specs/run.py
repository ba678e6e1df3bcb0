"""What a run is: one YAML file that holds the mix, the features, the model and the training, complete."""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import Field, NonNegativeFloat, PositiveFloat, PositiveInt, StringConstraints, model_validator

from molmix_bench.specs.base import Spec
from molmix_bench.specs.features import FeatureSpec
from molmix_bench.specs.source import Name

RunName = Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9_.-]{0,63}$")]
Probability = Annotated[float, Field(ge=0, lt=1)]
Fraction = Annotated[float, Field(ge=0, le=1)]
Seed = Annotated[int, Field(ge=0, lt=2**31)]

Activation = Literal["relu", "gelu", "silu"]
Norm = Literal["batch", "layer", "none"]
Pooling = Literal["sum", "mean", "max"]


class HeadSpec(Spec):
    """The perceptron that turns an embedding into one dataset's predictions; every dataset has its own."""

    depth: PositiveInt = 2
    """Linear layers, the last one included."""
    width: PositiveInt = 96
    """Of the layers before the last."""
    dropout: Probability = 0.0


class GineSpec(Spec):
    """A stack of GINE layers (Hu et al., ICLR 2020), the paper's strongest simple network."""

    architecture: Literal["gine"] = "gine"
    width: PositiveInt = 96
    """Of node and graph embeddings."""
    depth: PositiveInt = 4
    """Message-passing layers."""
    expansion: PositiveInt = 2
    """Hidden width of the perceptron in each layer, as a multiple of `width`."""
    activation: Activation = "relu"
    norm: Norm = "batch"
    residual: bool = True
    """Whether each layer adds its input to its output."""
    dropout: Probability = 0.0
    """After each layer."""
    flip_signs: bool = True
    """Whether training negates each Laplacian eigenvector of each molecule at random, as its sign has no meaning."""
    pooling: Pooling = "sum"
    """From a molecule's atoms to the molecule."""
    head: HeadSpec = HeadSpec()


class OptimizerSpec(Spec):
    """AdamW and its settings."""

    learning_rate: PositiveFloat = 1e-3
    """The highest of the schedule."""
    weight_decay: NonNegativeFloat = 1e-5
    clip_norm: PositiveFloat | None = None
    """Gradients of a larger norm are scaled down to it; null leaves them."""


class ScheduleSpec(Spec):
    """The learning rate over the steps of a run, as fractions of the highest."""

    shape: Literal["cosine", "linear", "constant"] = "cosine"
    """How the rate falls after the warm-up."""
    warmup: Fraction = 0.1
    """Share of the steps in which the rate rises linearly from near 0."""
    final: Fraction = 0.0
    """The rate at the end; without meaning for `constant`."""


class ClassLossSpec(Spec):
    """The loss of multiclass datasets: cross-entropy, and the error of the expected class, since classes are ordered.

    The paper's, with its library's defaults.
    """

    cross_entropy: Fraction = 0.5
    """Its share in the loss, the paper's alpha; 1 is plain cross-entropy, for classes without an order."""
    error: Literal["squared", "absolute"] = "squared"
    """That of the expected class, against the number of the right one; without meaning for plain cross-entropy."""


class TrainingSpec(Spec):
    """How the weights are found."""

    epochs: PositiveInt
    batch_size: PositiveInt
    """Molecules."""
    max_nodes: PositiveInt | None = None
    """Atoms that a batch may have, besides its molecules: it ends before the molecule that would exceed either. A
    larger molecule is a batch of its own. Null is no limit."""
    sampling: PositiveFloat | dict[Name, NonNegativeFloat] | None = None
    """Null gives an epoch every molecule once. A number is a temperature T: an epoch has as many molecules, drawn from
    the datasets by weights of their sizes to the power of 1 / T, so that large T favours small ones. A mapping has the
    weights themselves, of all datasets."""
    seeds: Annotated[tuple[Seed, ...], Field(min_length=1)] = (0,)
    """One network is trained for each; it decides initial weights, the order of molecules, dropout and signs."""
    optimizer: OptimizerSpec = OptimizerSpec()
    schedule: ScheduleSpec = ScheduleSpec()
    loss_weights: dict[Name, NonNegativeFloat] = Field(default_factory=dict)
    """By dataset; 1 for those not named. The loss is the weighted sum of the datasets' losses."""
    class_loss: ClassLossSpec = ClassLossSpec()
    """Of multiclass datasets; that of regression is the absolute error, that of binary datasets the cross-entropy."""
    precision: Literal["32-true", "bf16-mixed"] = "32-true"
    checkpoint: Literal["best", "last"] = "best"
    """Which epoch's weights predict; `training/selection.py` states the rule for `best`."""

    @model_validator(mode="after")
    def _has_distinct_seeds(self) -> Self:
        if len(set(self.seeds)) < len(self.seeds):
            raise ValueError("seeds repeat; each trains one network")
        return self


class RunSpec(Spec):
    """One run, complete."""

    name: RunName
    description: Annotated[str, Field(min_length=1)]
    mix: Annotated[str, Field(min_length=1)]
    """A catalog name, a directory or a Hub id."""
    datasets: Annotated[tuple[Name, ...], Field(min_length=1)] | None = None
    """The part of the mix to train on; null is all of it."""
    features: FeatureSpec = FeatureSpec()
    model: GineSpec
    max_parameters: PositiveInt | None = None
    """A network with more trainable parameters than this is refused."""
    training: TrainingSpec

    @model_validator(mode="after")
    def _is_consistent(self) -> Self:
        if self.datasets is None:
            return self
        if len(set(self.datasets)) < len(self.datasets):
            raise ValueError("datasets repeat")
        sampling = self.training.sampling
        if isinstance(sampling, dict) and set(sampling) != set(self.datasets):
            raise ValueError("sampling must have a weight for each of datasets, and no other")
        if strange := sorted(set(self.training.loss_weights) - set(self.datasets)):
            raise ValueError(f"loss_weights names datasets that are not trained on: {', '.join(strange)}")
        return self
