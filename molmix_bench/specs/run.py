"""What a run is: one YAML file that holds the mix, the features, the model and the training, complete."""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import Field, NonNegativeFloat, PositiveFloat, PositiveInt, StringConstraints, model_validator

from molmix_bench.specs.base import Spec
from molmix_bench.specs.features import FeatureSpec
from molmix_bench.specs.model import FittedSpec, Fraction, ModelSpec
from molmix_bench.specs.source import Name

RunName = Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9_.-]{0,63}$")]
Seed = Annotated[int, Field(ge=0, lt=2**31)]
LossMean = Literal["labels", "tasks"]


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

    epochs: PositiveInt = 1
    batch_size: PositiveInt = 100
    """Molecules."""
    max_nodes: PositiveInt | None = None
    """Atoms that a batch may have, besides its molecules: it ends before the molecule that would exceed either. A
    larger molecule is a batch of its own. Null is no limit."""
    sampling: PositiveFloat | dict[Name, NonNegativeFloat] | None = None
    """Null gives an epoch every molecule once. A number is a temperature T: an epoch has as many molecules, drawn from
    the datasets by weights of their sizes to the power of 1 / T, so that large T favours small ones. A mapping has the
    weights themselves, of all datasets."""
    block_size: PositiveInt | None = None
    """Null shuffles all molecules. For a store larger than memory: blocks of so many neighbours are shuffled, and
    molecules within a buffer of blocks, so that each block is read once in an epoch. 4,096 is a good size."""
    buffer_blocks: PositiveInt = 64
    """Blocks in the buffer, which is what has to fit into memory; without meaning where `block_size` is null."""
    seeds: Annotated[tuple[Seed, ...], Field(min_length=1)] = (0,)
    """One network is trained for each; it decides initial weights, the order of molecules, dropout and signs."""
    optimizer: OptimizerSpec = OptimizerSpec()
    schedule: ScheduleSpec = ScheduleSpec()
    weight_average: Annotated[float, Field(ge=0, lt=1)] | None = None
    """Decay, a step, of a moving average of the weights, which is validated and predicts in their place; null has
    none. The average begins with smaller decays: 0.998 is reached after about 4,490 steps, so that shorter trainings do
    not depend on it. `training/averaging.py` states the rule."""
    loss_mean: LossMean = "labels"
    """A dataset's loss in a batch: the mean over all of its labels, whichever their tasks (the paper's, `flatten`); or
    the mean over tasks of the mean over the labels of each (`mean-per-label`), so that rarely measured tasks count as
    much as others."""
    loss_weights: dict[Name, NonNegativeFloat] = Field(default_factory=dict)
    """By dataset; 1 for those not named. The loss is the weighted sum of the datasets' losses."""
    class_loss: ClassLossSpec = ClassLossSpec()
    """Of multiclass datasets; that of regression is the absolute error, that of binary datasets the cross-entropy."""
    precision: Literal["32-true", "bf16-mixed"] = "32-true"
    validate_every: PositiveInt = 1
    """Epochs from one validation to the next; the last epoch is always validated. Others cannot be chosen."""
    checkpoint: Literal["best", "last"] = "best"
    """Which epoch's weights predict; `training/selection.py` states the rule for `best`."""

    @model_validator(mode="after")
    def _has_distinct_seeds(self) -> Self:
        if len(set(self.seeds)) < len(self.seeds):
            raise ValueError("seeds repeat; each trains one network")
        return self


class SubsetSpec(Spec):
    """Some of the train molecules, which alone are learnt from; validation and test stay as they are.

    They are those with the lowest keyed hashes of their identities, so that the same spec chooses the same ones
    everywhere, and a larger subset holds a smaller one of the same draw. Statistics of the train split, by which labels
    are standardised, stay those of all of it: so scores compare.
    """

    fraction: Annotated[float, Field(gt=0, le=1)] | None = None
    """Of the train molecules with labels in the datasets that are trained on."""
    molecules: PositiveInt | None = None
    """That many of them, in place of a fraction."""
    balanced: bool = False
    """Whether each dataset gives as many: the smallest first, of those that none has given yet. A molecule brings all
    of its labels, whichever dataset gave it."""
    draw: Seed = 0
    """Another number draws others."""

    @model_validator(mode="after")
    def _has_one_size(self) -> Self:
        if (self.fraction is None) == (self.molecules is None):
            raise ValueError("a subset has a fraction or a number of molecules")
        return self


class RunSpec(Spec):
    """One run, complete."""

    name: RunName
    description: Annotated[str, Field(min_length=1)]
    mix: Annotated[str, Field(min_length=1)]
    """A catalog name, a directory or a Hub id."""
    datasets: Annotated[tuple[Name, ...], Field(min_length=1)] | None = None
    """The part of the mix to train on; null is all of it."""
    subset: SubsetSpec | None = None
    """Of the train molecules of these datasets; null is all of them."""
    features: FeatureSpec = FeatureSpec()
    model: ModelSpec
    max_parameters: PositiveInt | None = None
    """A network with more trainable parameters than this is refused."""
    training: TrainingSpec

    @model_validator(mode="after")
    def _fits_the_model(self) -> Self:
        architecture = getattr(self.model, "architecture", "import")
        given = self.training.model_fields_set
        if isinstance(self.model, FittedSpec):
            default = TrainingSpec()
            if strange := [
                key for key in sorted(given - {"seeds"}) if getattr(self.training, key) != getattr(default, key)
            ]:
                raise ValueError(
                    f"{architecture} is not trained in epochs: training has seeds and no {', '.join(strange)}"
                )
        elif missing := sorted({"epochs", "batch_size"} - given):
            raise ValueError(f"{architecture} is trained in epochs, and training lacks {', '.join(missing)}")
        return self

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
