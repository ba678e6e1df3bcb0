"""What a fine-tuning is asked for, and what it leaves behind."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Annotated, Any, Literal, Self, get_args

from pydantic import Field, FiniteFloat, NonNegativeFloat, PositiveInt, model_validator

from molmix_bench.specs.base import Spec, apply_overrides, validate_changed
from molmix_bench.specs.manifest import Accounting, Count
from molmix_bench.specs.model import BoostingSpec, FingerprintSpec, ForestSpec, HeadSpec
from molmix_bench.specs.result import Hardware, TrainedMix
from molmix_bench.specs.run import OptimizerSpec, ScheduleSpec, Seed
from molmix_bench.specs.source import Name, Sha256
from molmix_bench.vocab import DropReason, Kind

Mode = Literal["probe", "head_first", "all"]
"""How a pre-trained network learns a new task."""
ReferenceMethod = Literal["scratch", "fingerprints", "trivial"]
"""What stands beside it on the same folds."""
Method = Literal["probe", "head_first", "all", "scratch", "fingerprints", "trivial"]
MODES: tuple[Mode, ...] = get_args(Mode)
REFERENCES: tuple[ReferenceMethod, ...] = get_args(ReferenceMethod)
SplitMethod = Literal["scaffold", "random", "column"]
Share = Annotated[float, Field(gt=0, lt=0.5)]


class TuningSpec(Spec):
    """How a network learns a task of few labels: by modes `head_first` and `all`, and from scratch."""

    epochs: PositiveInt = 60
    """The most; training ends `patience` epochs after the one that is best on validation."""
    patience: PositiveInt = 15
    head_epochs: PositiveInt = 15
    """Of `head_first`: the epochs, at most, in which the head alone is trained, before everything is."""
    batch_size: PositiveInt = 64
    """Molecules."""
    optimizer: OptimizerSpec = OptimizerSpec()
    """The rate is that of the head, and of all of a network that is trained from scratch."""
    body_share: Annotated[float, Field(gt=0, le=1)] = 0.2
    """The rate of a pre-trained body, as a share of the head's."""
    schedule: ScheduleSpec = ScheduleSpec()
    """Over the most epochs that there may be."""
    head: HeadSpec | None = None
    """Of the new head; null has one like those that the network was trained with."""


TreesSpec = Annotated[BoostingSpec | ForestSpec, Field(discriminator="architecture")]
BOOSTED = (
    BoostingSpec(fingerprint=FingerprintSpec(descriptors=True), num_trees=100),
    BoostingSpec(
        fingerprint=FingerprintSpec(descriptors=True), num_trees=400, learning_rate=0.03, max_leaves=15, min_leaf=5
    ),
)
"""Trees on Morgan bits and descriptors: scikit-learn's own settings, and more cautious ones for few molecules."""


class FoldsSpec(Spec):
    """Which molecules are trained on, validated on and tested on; `transfer/splits.py` states each rule."""

    split: SplitMethod = "scaffold"
    column: Annotated[str, Field(min_length=1)] | None = None
    """Of the data, for the split `column`: train, validation and test, or the number of a fold."""
    folds: PositiveInt = 5
    """Each is tested once; 1 is a single split. Without meaning where a column says it."""
    validation: Share = 0.1
    """Share of the molecules."""
    test: Share = 0.1
    """Share of the molecules where there is one fold."""
    seed: Annotated[int, Field(ge=0, lt=2**32)] = 0
    """Of everything random about the folds."""
    limit: Annotated[int, Field(ge=4)] | None = None
    """Molecules of each fold to train and validate on, drawn from those that there are; null is all of them."""
    limit_seed: Annotated[int, Field(ge=0, lt=2**32)] | None = None
    """Of what is drawn where there is a limit, on the same folds; null is `seed`."""

    @model_validator(mode="after")
    def _has_its_column(self) -> Self:
        if (self.split == "column") != (self.column is not None):
            raise ValueError("column goes with split 'column', and only with it")
        return self


class FinetuneSpec(Spec):
    """A fine-tuning, complete but for the run that it begins with and the data."""

    modes: tuple[Mode, ...] = ("head_first",)
    """The first is the one that is compared with the references, and that predicts."""
    references: tuple[ReferenceMethod, ...] = REFERENCES
    seeds: Annotated[tuple[Seed, ...], Field(min_length=1)] = (0, 1, 2)
    """Of networks: of the new head, and of the order of molecules. Seed k begins with the k-th network of the run, from
    the first again where that has fewer."""
    folds: FoldsSpec = FoldsSpec()
    tuning: TuningSpec = TuningSpec()
    trees: Annotated[tuple[TreesSpec, ...], Field(min_length=1)] = BOOSTED
    """Of the reference `fingerprints`: the setting that is best on validation is taken, in each fold."""

    @model_validator(mode="after")
    def _is_consistent(self) -> Self:
        for name in ("modes", "references", "seeds"):
            values = getattr(self, name)
            if len(set(values)) < len(values):
                raise ValueError(f"{name} repeat")
        if not self.methods:
            raise ValueError("modes and references are both empty: there is nothing to do")
        return self

    def changed(self, settings: Iterable[str]) -> FinetuneSpec:
        """Returns this one with `a.b=value` settings applied.

        Raises:
            UsageError: a setting is none, or leaves nothing that could be done.
        """
        given = tuple(settings)
        data = apply_overrides(self.model_dump(mode="json"), given, where="--set")
        return validate_changed(FinetuneSpec, data, where=f"fine-tuning with --set {' '.join(given)}")

    @property
    def methods(self) -> tuple[Method, ...]:
        """Everything that is fitted, the modes first."""
        return (*self.modes, *self.references)


class StartOrigin(Spec):
    """What a fine-tuning began with."""

    run: str
    """Name of the run or, where nothing was trained before, of its spec."""
    spec_digest: Sha256
    mix: TrainedMix | None
    """What the run was trained on; null where nothing was."""
    networks: tuple[Seed, ...] = ()
    """The run's seeds."""


class DataOrigin(Spec):
    """The measurements: which file, which columns."""

    name: Name
    file: str
    """Its name, without folders."""
    digest: Sha256
    """Of molecules, labels and tasks, as they are learnt."""
    smiles: str
    tasks: Annotated[tuple[str, ...], Field(min_length=1)]
    kind: Kind
    num_classes: Annotated[int, Field(ge=3)] | None = None
    inferred: bool
    """Whether the kind was told from the labels."""
    rows: Accounting
    """Of the file: a molecule is kept, further rows of it are merged."""
    problems: dict[DropReason, Count]
    """Rows and labels in `drops.parquet`, by reason; some are rows that were kept without a label."""


class FinetuneOrigin(Spec):
    """`origin.json`: what a fine-tuning was begun with; one that goes on must find the same."""

    start: StartOrigin
    data: DataOrigin
    spec: FinetuneSpec
    featurizer: str
    seen_digest: Sha256 | None
    """Of the molecules of the data that were in the labels of the run's mix; null where nobody looked."""


class FoldResult(Spec):
    """One fold: its molecules, and how many of those tested the run has seen in training."""

    train: Count
    validation: Count
    test: Count
    seen: Count | None


class PieceResult(Spec):
    """One method on one fold with one seed."""

    method: Method
    fold: Count
    seed: Seed
    epoch: Count
    """Whose weights predict; 0 of what is not trained in epochs."""
    selection: FiniteFloat | None
    """On validation, by the rule of `training/selection.py`; null where it cannot be scored."""
    seconds: NonNegativeFloat


class FinetuneResult(Spec):
    """`result.json`: written last, so that its presence says that the fine-tuning is finished."""

    format: Literal["molmix-finetune-1"] = "molmix-finetune-1"
    origin: FinetuneOrigin
    folds: tuple[FoldResult, ...]
    pieces: tuple[PieceResult, ...]
    scores: tuple[dict[str, Any], ...]
    """By `method` and `part` of the tested molecules (all, new, seen), means over folds and seeds; other columns are as
    in all scores. `scores.json` also has those of single tasks."""
    differences: tuple[dict[str, Any], ...]
    """Of the first mode from each other method, over all molecules tested."""
    excluded: tuple[dict[str, Any], ...]
    """Tasks that could not be scored in a fold, with the reason."""
    hardware: Hardware
    notes: tuple[str, ...] = ()
