"""The cell that fine-tunes a network on few labels of a task, or learns them without pre-training."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

import polars as pl

from molmix_bench.graphs.featurize import FEATURIZER_VERSION
from molmix_bench.metrics.evaluate import evaluate_reference
from molmix_bench.metrics.folds import over_folds
from molmix_bench.metrics.protocol import REPLICATES
from molmix_bench.metrics.scores import Scores
from molmix_bench.specs.finetune import MODES, FinetuneSpec, FoldsSpec, Method
from molmix_bench.specs.run import RunSpec, TrainingSpec
from molmix_bench.specs.study import NetworkTraining, TaskSpec, TuneSpec
from molmix_bench.studies.bench import Bench
from molmix_bench.studies.cells import Factors, Measured, cell_key, label_of, macro_scores
from molmix_bench.studies.train_cell import TrainCell
from molmix_bench.transfer.finetune import finetune
from molmix_bench.transfer.folder import read_piece
from molmix_bench.transfer.outcome import Finetuned
from molmix_bench.transfer.read import OwnData
from molmix_bench.transfer.scoring import make_reference
from molmix_bench.transfer.splits import make_folds
from molmix_bench.transfer.start import Start, make_target
from molmix_bench.vocab import MOL_ID

_TUNED_DIR = "tuned"


@dataclass(frozen=True)
class TuneCell:
    """One method on the folds of one task, with one seed.

    Attributes:
        start: the cell whose network goes on learning; or the spec of one that does not, of references.
        task: what is learnt.
        digest: of the task's measurements.
        spec: of the fine-tuning; it has one method and one seed.
        study_seed: that of the study; that of the fine-tuning is a place among the start's networks, of which a cell
            has one.
    """

    start: TrainCell | RunSpec
    task: TaskSpec
    digest: str
    spec: FinetuneSpec
    study_seed: int
    factors: Factors = field(hash=False)

    @cached_property
    def key(self) -> str:
        """As `Cell`."""
        begun = self.start.key if isinstance(self.start, TrainCell) else self.start.model_dump(mode="json")
        content = {
            "start": begun,
            "data": self.digest,
            "tuning": self.spec.model_dump(mode="json"),
            "featurizer": FEATURIZER_VERSION,
        }
        return cell_key("tune", content)

    @property
    def method(self) -> Method:
        """What is fitted."""
        return self.spec.methods[0]

    @property
    def label(self) -> str:
        """As `Cell`."""
        return label_of(f"tune {self.task.name}", self.factors, self.seed)

    @property
    def seed(self) -> int:
        """As `Cell`."""
        return self.study_seed

    @property
    def needs(self) -> tuple[str, ...]:
        """As `Cell`."""
        return (self.start.key,) if isinstance(self.start, TrainCell) else ()

    @property
    def work(self) -> float:
        """As `Cell`."""
        tuning = self.spec.tuning
        epochs = tuning.epochs + (tuning.head_epochs if self.method == "head_first" else 0)
        return float((self.spec.folds.limit or 1_000) * (epochs if self.method in (*MODES, "scratch") else 1))

    def measure(self, folder: Path, bench: Bench) -> Measured:
        """Fine-tunes and scores."""
        data = bench.data(self.task)
        start, mix = Start(self.start) if isinstance(self.start, RunSpec) else None, None
        if start is None and isinstance(self.start, TrainCell):
            start = Start.of(bench.run(self.start.key))
            mix = bench.mix(self.start.spec.mix)
        if start is None:
            raise TypeError("a cell begins with a run or a spec")
        found = finetune(start, data, self.spec, folder / _TUNED_DIR, mix=mix, accelerator=bench.accelerator)
        seen = [fold.seen for fold in found.result.folds if fold.seen is not None]
        facts: dict[str, str | int | float] = {"num_tested": sum(fold.test for fold in found.result.folds)}
        if seen:
            facts["num_tested_seen"] = sum(seen)
        return Measured(macro_scores(tuned_scores(found, data, self.method)), facts)


def tune_cell(
    start: TrainCell | NetworkTraining,
    task: TaskSpec,
    bench: Bench,
    *,
    tune: tuple[TuneSpec, Method],
    draw: tuple[int, int],
    factors: Factors,
) -> TuneCell:
    """Returns the cell that learns a task.

    Args:
        start: the cell that pre-trains; or the network as it is, for references.
        task: what is learnt.
        bench: for its measurements and folds.
        tune: how, and by which method.
        draw: molecules to train and validate on, and the study's seed, which draws them.
        factors: the cell's place in the study.
    """
    (how, method), (num_labels, seed) = tune, draw
    folds = bench.folds(task).model_copy(update={"limit": num_labels, "limit_seed": seed})
    methods = {"modes": (method,), "references": ()} if method in MODES else {"modes": (), "references": (method,)}
    spec = FinetuneSpec.model_validate(
        {"seeds": (seed,), "folds": folds, "tuning": how.tuning, "trees": how.trees, **methods}
    )
    begun = start if isinstance(start, TrainCell) else fresh_spec(start)
    return TuneCell(begun, task, bench.data(task).measurements.digest, spec, seed, factors)


def fresh_spec(network: NetworkTraining) -> RunSpec:
    """Returns the spec of networks that begin from scratch."""
    training = TrainingSpec(epochs=1, batch_size=1)
    return RunSpec(
        name="from-scratch",
        description="from scratch",
        mix="none",
        features=network.features,
        model=network.model,
        training=training,
    )


def tuned_scores(found: Finetuned, data: OwnData, method: Method) -> Scores:
    """Returns the scores of one method, with replicates, the mean over folds.

    Errors are standardised by all labels that the fold could train on, whatever the limit was: so that scores of
    different numbers of labels compare, unlike those that the fine-tuning itself has.
    """
    items = data.measurements
    spec = found.result.origin.spec
    (seed,) = spec.seeds
    ids = pl.Series(MOL_ID, items.mol_ids, dtype=pl.String)
    scored = []
    for number, fold in enumerate(make_folds(items, unlimited(spec.folds))):
        train = items.labels[fold.train]
        reference = make_reference(
            make_target(items.name, items.tasks, items.kind, train, items.num_classes),
            ids.gather(fold.test),
            items.labels[fold.test],
            train=train,
            resampled=(f"all/fold {number}", REPLICATES),
        )
        piece = found.folder.piece(method, number, seed)
        where = f"{piece}, predictions of {items.name}"
        _, predicted = read_piece(piece)
        scored.append(
            evaluate_reference(reference, mol_id=reference.mol_id, prediction=predicted, seed=seed, where=where)
        )
    return over_folds(scored).over_seeds()


def unlimited(folds: FoldsSpec) -> FoldsSpec:
    """Returns the same folds, with all molecules that there are."""
    return folds.model_copy(update={"limit": None, "limit_seed": None})


def num_available(data: OwnData, folds: FoldsSpec) -> int:
    """Returns how many molecules the smallest fold has to train and validate on."""
    found = make_folds(data.measurements, unlimited(folds))
    return min(len(fold.train) + len(fold.validation) for fold in found)
