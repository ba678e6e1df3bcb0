"""What a study is: one YAML file that says which runs are made, what varies between them and what they are asked."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import Field, PositiveInt, model_validator

from molmix_bench.errors import SpecError, UsageError
from molmix_bench.specs.base import (
    Spec,
    apply_overrides,
    nearest,
    read_yaml,
    spec_problems,
    validate_changed,
    validate_spec,
)
from molmix_bench.specs.baselines import baselines_dir
from molmix_bench.specs.features import FeatureSpec
from molmix_bench.specs.finetune import BOOSTED, FoldsSpec, Mode, TreesSpec, TuningSpec
from molmix_bench.specs.model import FingerprintSpec, ForestSpec, GraphNetworkSpec
from molmix_bench.specs.run import RunName, Seed, SubsetSpec, TrainingSpec
from molmix_bench.specs.source import Name
from molmix_bench.vocab import Kind

Several = Annotated[tuple[PositiveInt, ...], Field(min_length=1)]
_FOREST = ForestSpec(fingerprint=FingerprintSpec(descriptors=True))


class NetworkTraining(Spec):
    """The network of a study, and how it is trained; the study says on what, and with which seeds."""

    features: FeatureSpec = FeatureSpec()
    model: Annotated[GraphNetworkSpec, Field(discriminator="architecture")]
    training: TrainingSpec

    @model_validator(mode="after")
    def _leaves_seeds_to_the_study(self) -> Self:
        # One that is written down in full has the default.
        if self.training.seeds != TrainingSpec().seeds:
            raise ValueError("training.seeds: the seeds are those of the study, at its top")
        if missing := sorted({"epochs", "batch_size"} - self.training.model_fields_set):
            raise ValueError(f"training lacks {', '.join(missing)}")
        return self


class TaskSpec(Spec):
    """What networks are fine-tuned on: a dataset of the catalog's suites, or a table of one's own."""

    source: Name | None = None
    """A dataset of a suite, with its folds."""
    file: Annotated[str, Field(min_length=1)] | None = None
    """CSV, TSV or parquet, in place of a dataset; relative to where the command is given."""
    tasks: tuple[str, ...] = ()
    """Columns of the file with labels."""
    smiles: str | None = None
    kind: Kind | None = None
    folds: FoldsSpec = FoldsSpec(folds=1)
    """Of the file."""

    @model_validator(mode="after")
    def _is_one_of_both(self) -> Self:
        if (self.source is None) == (self.file is None):
            raise ValueError("a task has a source or a file")
        if self.source is not None and self.model_copy(update={"source": None}) != TaskSpec.model_construct():
            raise ValueError("columns and folds of a source are the catalog's; they go with a file")
        if self.folds.limit is not None:
            raise ValueError("folds.limit: the study says how many labels there are")
        return self

    @property
    def name(self) -> str:
        """By which it is known."""
        return self.source or Path(str(self.file)).name.split(".")[0]


class TuneSpec(Spec):
    """How networks learn a task, and what the reference on fingerprints is."""

    mode: Mode = "head_first"
    tuning: TuningSpec = TuningSpec()
    trees: Annotated[tuple[TreesSpec, ...], Field(min_length=1)] = (_FOREST, *BOOSTED)
    """The one that is best on validation is taken; the first where so few labels do not say."""


class StudySpec(Spec):
    """What all studies have."""

    name: RunName
    description: Annotated[str, Field(min_length=1)]
    seeds: Annotated[tuple[Seed, ...], Field(min_length=1)] = (0, 1, 2)
    """Each is a network, a draw of molecules where any are drawn, and a row for each score in the table of results.
    With one alone nothing can be established."""

    @model_validator(mode="after")
    def _repeats_nothing(self) -> Self:
        for key, value in self:
            if isinstance(value, tuple) and any(item in value[:place] for place, item in enumerate(value)):
                raise ValueError(f"{key} repeat")
        return self


class DiversitySpec(StudySpec):
    """Does multi-task training help by scale or by diversity?

    Networks are pre-trained on equally many molecules from one, two, ... datasets, each giving as many, and then
    fine-tuned on tasks that are in none of them. For every seed other datasets are drawn, where there are others.
    """

    study: Literal["diversity"]
    mix: Annotated[str, Field(min_length=1)]
    datasets: tuple[Name, ...] | None = None
    """Those to draw from; null is all of the mix."""
    num_datasets: Several
    num_molecules: Several
    """To pre-train on, in all."""
    tasks: Annotated[tuple[TaskSpec, ...], Field(min_length=1)]
    num_labels: Annotated[int, Field(ge=16)]
    """Molecules of each task to train and validate on."""
    pretrain: NetworkTraining
    tune: TuneSpec = TuneSpec()


class ScaleSpec(StudySpec):
    """How much does a network gain from more of a mix, and from more width?"""

    study: Literal["scale"]
    mix: Annotated[str, Field(min_length=1)]
    datasets: tuple[Name, ...] | None = None
    fractions: Annotated[tuple[Annotated[float, Field(gt=0, le=1)], ...], Field(min_length=1)]
    """Of the train molecules; a smaller one is part of a larger one."""
    widths: Several
    max_epochs: PositiveInt | None = None
    """A fraction f of the molecules is trained on for epochs / f epochs, so for as many steps as all of them, but for
    no more than this. Null: for the same epochs, so for fewer steps."""
    train: NetworkTraining


class EfficiencySpec(StudySpec):
    """What does quality cost, in parameters, time and energy, on one machine?"""

    study: Literal["efficiency"]
    mix: Annotated[str, Field(min_length=1)]
    datasets: tuple[Name, ...] | None = None
    subset: SubsetSpec | None = None
    """Of the train molecules, the same for all; null is all of them."""
    baselines: Annotated[tuple[str, ...], Field(min_length=2)]
    """YAML files of runs, or names of baselines."""
    epochs: PositiveInt | None = None
    """Of those that are trained in epochs; null is each one's own."""


class RepresentationSpec(StudySpec):
    """What do tasks of different kinds share?

    A network is trained on each dataset alone. From each of its layers, linear probes predict the labels of every
    dataset, and the layers of two networks are compared by centred kernel alignment (CKA).
    """

    study: Literal["representation"]
    mix: Annotated[str, Field(min_length=1)]
    datasets: Annotated[tuple[Name, ...], Field(min_length=2)]
    """To train on. Probes are of those with labels of molecules."""
    num_molecules: PositiveInt
    """To train on, from each dataset."""
    probe_molecules: Annotated[int, Field(ge=20)] = 1_000
    """To fit a probe on, at most, and as many to test it on; and to compare networks on, from all datasets."""
    probe_tasks: PositiveInt = 12
    """Of a dataset, those with the most labels."""
    train: NetworkTraining


class BodySpec(Spec):
    """What a network is pre-trained on."""

    name: RunName
    mix: Annotated[str, Field(min_length=1)]
    datasets: tuple[Name, ...] | None = None
    subset: SubsetSpec | None = None


class TransferSpec(StudySpec):
    """How many labels does pre-training replace?"""

    study: Literal["transfer"]
    bodies: Annotated[tuple[BodySpec, ...], Field(min_length=1)]
    """Mixes, and single datasets of them."""
    tasks: Annotated[tuple[TaskSpec, ...], Field(min_length=1)]
    num_labels: Annotated[tuple[Annotated[int, Field(ge=16)], ...], Field(min_length=1)] = (16, 64, 256, 1_000)
    """Molecules to train and validate on. A task that has not as many is left out there, which the report says."""
    pretrain: NetworkTraining
    tune: TuneSpec = TuneSpec()

    @model_validator(mode="after")
    def _names_bodies_apart(self) -> Self:
        names = [body.name for body in self.bodies]
        if len(set(names)) < len(names) or {"scratch", "fingerprints"} & set(names):
            raise ValueError("names of bodies repeat, or are those of references, scratch and fingerprints")
        return self


AnyStudy = DiversitySpec | ScaleSpec | EfficiencySpec | RepresentationSpec | TransferSpec
_SPECS: dict[str, type[AnyStudy]] = {
    "diversity": DiversitySpec,
    "scale": ScaleSpec,
    "efficiency": EfficiencySpec,
    "representation": RepresentationSpec,
    "transfer": TransferSpec,
}


def studies_dir() -> Path:
    """Returns the folder of the studies that come with the package."""
    return baselines_dir() / "studies"


def study_names() -> tuple[str, ...]:
    """Returns the names of the studies that come with the package, such as `diversity` and `full/diversity`."""
    folder = studies_dir()
    return tuple(sorted(path.relative_to(folder).with_suffix("").as_posix() for path in folder.rglob("*.yaml")))


def find_study(name: str | Path) -> Path:
    """Returns the YAML file of a study: a path as it is, else the study of that name.

    Raises:
        UsageError: there is neither a file nor a study of that name.
    """
    if Path(name).is_file():
        return Path(name)
    known = study_names()
    if str(name) not in known:
        found = f"no such file, and no study of that name{nearest(str(name), known)}"
        raise UsageError(str(name), found=found, expected=f"a YAML file or one of {', '.join(known)}")
    return studies_dir() / f"{name}.yaml"


def load_study(name: str | Path, settings: Iterable[str] = ()) -> AnyStudy:
    """Returns the study of a YAML file or name, with `a.b=value` settings applied.

    Raises:
        UsageError: as `find_study`; or a setting is none, or makes no study of a file that is one.
        SpecError: the file is no study.
    """
    path, given = find_study(name), tuple(settings)
    data = read_yaml(path)
    model = _model_of(data, path)
    changed = apply_overrides(data, given, where="--set")
    if given and not spec_problems(model, data):
        return validate_changed(model, changed, where=f"{path} with --set {' '.join(given)}")
    return validate_spec(model, changed, where=str(path))


def parse_study(data: dict[str, Any], *, where: str) -> AnyStudy:
    """Returns the study that plain data describe; raises like `load_study`."""
    return validate_spec(_model_of(data, Path(where)), data, where=where)


def _model_of(data: dict[str, Any], path: Path) -> type[AnyStudy]:
    kind = data.get("study")
    if not isinstance(kind, str) or kind not in _SPECS:
        found = "no key 'study'" if kind is None else f"study {kind!r}{nearest(str(kind), _SPECS)}"
        raise SpecError(str(path), found=found, expected=f"study: one of {', '.join(_SPECS)}", fix="correct the file")
    return _SPECS[kind]
