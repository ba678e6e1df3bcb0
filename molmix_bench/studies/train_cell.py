"""The cell that trains one network, or fits one model, on a mix or a part of it."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from itertools import groupby
from pathlib import Path

from molmix_bench.graphs.featurize import FEATURIZER_VERSION
from molmix_bench.metrics.protocol import REPLICATES
from molmix_bench.metrics.scores import Scores
from molmix_bench.mix import Mix
from molmix_bench.specs.model import FittedSpec, ModelSpec
from molmix_bench.specs.run import RunSpec, SubsetSpec, TrainingSpec
from molmix_bench.specs.study import NetworkTraining
from molmix_bench.studies.bench import RUN_DIR, Bench
from molmix_bench.studies.cells import Factors, Measured, cell_key, label_of, macro_scores
from molmix_bench.submissions.folder import find_predictions
from molmix_bench.submissions.score import group_steps, result_of
from molmix_bench.training.run import run
from molmix_bench.training.trained import Run
from molmix_bench.vocab import Split

_MEANS = "a cell of a study"


@dataclass(frozen=True)
class TrainCell:
    """A run of one seed.

    Attributes:
        spec: of the run; its mix is a name that the bench knows.
        build_key: of the mix.
        num_seen: molecules that it will see, about.
        scored: whether its scores are the study's; of bodies that go on learning they are not.
    """

    spec: RunSpec
    build_key: str
    factors: Factors = field(hash=False)
    num_seen: float
    scored: bool = True

    @cached_property
    def key(self) -> str:
        """As `Cell`."""
        content = {"run": _content(self.spec), "build": self.build_key, "featurizer": FEATURIZER_VERSION}
        return cell_key("train", content)

    @property
    def label(self) -> str:
        """As `Cell`."""
        return label_of("train", self.factors, self.seed)

    @property
    def seed(self) -> int:
        """As `Cell`."""
        return self.spec.training.seeds[0]

    @property
    def needs(self) -> tuple[str, ...]:
        """As `Cell`."""
        return ()

    @property
    def work(self) -> float:
        """As `Cell`."""
        return self.num_seen

    def measure(self, folder: Path, bench: Bench) -> Measured:
        """Trains and scores."""
        mix = bench.mix(self.spec.mix)
        done = run(self.spec, mix, folder / RUN_DIR, accelerator=bench.accelerator)
        facts: dict[str, str | int | float] = {
            "num_parameters": done.result.num_parameters,
            "train_seconds": done.result.train_seconds,
            "hardware": _place(done),
        }
        if done.result.notes:
            facts["notes"] = "; ".join(done.result.notes)
        return Measured(macro_scores(test_scores(done, mix)) if self.scored else (), facts)


def train_cell(  # noqa: PLR0913  # one for each thing that may vary
    network: NetworkTraining,
    mix: tuple[str, Mix],
    *,
    factors: Factors,
    seed: int,
    datasets: tuple[str, ...] | None = None,
    subset: SubsetSpec | None = None,
    scored: bool = False,
) -> TrainCell:
    """Returns the cell that trains the network of a study.

    Args:
        network: what is trained, and how.
        mix: as the spec names it, and opened.
        factors: the cell's place in the study.
        seed: of the study.
        datasets: to train on; all of the mix where None.
        subset: of their train molecules.
        scored: whether its scores are the study's.
    """
    training = network.training.model_copy(update={"seeds": (seed,)})
    spec = RunSpec(
        name=_MEANS.replace(" ", "-"),
        description=_MEANS,
        mix=mix[0],
        datasets=datasets,
        subset=subset,
        features=network.features,
        model=network.model,
        training=TrainingSpec.model_validate(training.model_dump(exclude_unset=True) | {"seeds": (seed,)}),
    )
    return of_spec(spec, mix[1], factors=factors, scored=scored)


def of_spec(spec: RunSpec, mix: Mix, *, factors: Factors, scored: bool = True) -> TrainCell:
    """Returns the cell of a run of one seed; its name becomes one that follows from its content."""
    named = spec.model_copy(update={"name": f"{_kind(spec.model)}-{cell_key('run', _content(spec))[4:12]}"})
    epochs = 1 if isinstance(spec.model, FittedSpec) else spec.training.epochs
    return TrainCell(named, mix.manifest.build_key, factors, float(epochs * num_members(spec, mix)), scored)


def num_members(spec: RunSpec, mix: Mix) -> int:
    """Returns about how many molecules a run learns from: those that several datasets share are counted once each."""
    names = spec.datasets or tuple(mix.datasets)
    there = [mix.datasets[name].splits.get(Split.TRAIN, 0) for name in names if name in mix.datasets]
    whole = min(sum(there), mix.splits.get(Split.TRAIN, 0)) if spec.datasets is None else sum(there)
    if spec.subset is None:
        return whole
    return spec.subset.molecules or round((spec.subset.fraction or 1.0) * whole)


def test_scores(done: Run, mix: Mix) -> Scores:
    """Returns the scores of a run on the test split, with replicates."""
    files = [file for file in find_predictions(done.folder.predictions, mix) if file.split == Split.TEST]
    groups = groupby(files, key=lambda file: file.dataset)
    return Scores.concat(result_of(group_steps(list(group), mix, replicates=REPLICATES))[1] for _, group in groups)


def _content(spec: RunSpec) -> dict[str, object]:
    """Returns what decides what a run gives: neither its name nor that of its mix, whose build is told apart."""
    return spec.model_dump(mode="json", exclude={"name", "description", "mix"})


def _kind(model: ModelSpec) -> str:
    return str(getattr(model, "architecture", "import")).replace("_", "-")


def _place(done: Run) -> str:
    hardware = done.result.hardware
    return hardware.cpu if hardware.accelerator == "cpu" else hardware.accelerator
