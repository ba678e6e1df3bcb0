"""The public functions: what `import molmix_bench` offers."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from molmix_bench.extras import require_train
from molmix_bench.metrics.protocol import REPLICATES
from molmix_bench.mix import Mix
from molmix_bench.resolve import load
from molmix_bench.sources.frames import require_file
from molmix_bench.specs.baselines import load_run_spec
from molmix_bench.submissions import score as submissions_score

if TYPE_CHECKING:
    from molmix_bench.metrics.scores import Scores
    from molmix_bench.studies.run import Study
    from molmix_bench.training.trained import Run
    from molmix_bench.transfer.embed import Embedded
    from molmix_bench.transfer.outcome import Finetuned
    from molmix_bench.transfer.predict import Predicted
    from molmix_bench.transfer.read import OwnData

__all__ = ["embed", "finetune", "load", "predict", "run", "score", "study"]


def run(
    spec: str | Path,
    *,
    mix: str | Path | Mix | None = None,
    out: str | Path | None = None,
    settings: Iterable[str] = (),
    accelerator: str = "auto",
    devices: int = 1,
) -> Run:
    """Returns the finished run of a YAML file or baseline; an interrupted one goes on where it was.

    Args:
        spec: a YAML file, or the name of a baseline.
        mix: another mix than the spec's.
        out: the directory of the run; `runs/<name>` when not given.
        settings: changes of the spec, such as `training.epochs=5`.
        accelerator: `auto`, `cpu` or `cuda`; `auto` is a GPU where there is one.
        devices: GPUs, or processes, that train each network together.

    Raises:
        MissingExtraError: the extra `train` is not installed.
        UsageError, SpecError: as `specs.baselines.load_run_spec`.
        RunError: as `training.run.run`.
    """
    require_train()
    from molmix_bench.training.run import run as train

    parsed = load_run_spec(spec, settings)
    folder = Path(out or Path("runs") / parsed.name)
    return train(parsed, _opened(parsed.mix if mix is None else mix), folder, accelerator=accelerator, devices=devices)


def score(
    predictions: str | Path,
    mix: str | Path | Mix,
    *,
    replicates: int = REPLICATES,
    against: str | Path | None = None,
) -> Scores:
    """Returns the scores of a folder of predictions; arguments and errors are those of `submissions.score.score`.

    It is read in this process. `molmix-bench score` reads the predictions of others, with limits on memory and time.
    """
    return submissions_score.score(predictions, _opened(mix), replicates=replicates, against=against)


def finetune(  # noqa: PLR0913  # one for each thing that may be said of the data or the fine-tuning
    run: str | Path | Run,
    data: str | Path | OwnData,
    *,
    task: str | Sequence[str] = (),
    smiles: str | None = None,
    settings: Iterable[str] = (),
    mix: str | Path | Mix | None = None,
    out: str | Path | None = None,
) -> Finetuned:
    """Returns a finished fine-tuning of a run's networks on measurements; an interrupted one goes on where it was.

    Args:
        run: a finished run, or its directory.
        data: a CSV, TSV or parquet file; or measurements, as `transfer.read.measure` makes them of arrays.
        task: the column or columns with labels, all of one kind; that of the file which holds labels where not given.
        smiles: the column with molecules; told from the file where None.
        settings: changes of `specs.finetune.FinetuneSpec`, such as `folds.folds=3` or `modes=[probe, all]`.
        mix: that the run was trained on, which says what molecules it has seen; looked for by its name where None,
            "none" to do without.
        out: the directory to make; `finetuned/<run>-<data>` when not given.

    Raises:
        MissingExtraError: the extra `train` is not installed.
        UsageError, SourceError: as `transfer.read.read_measurements` and `transfer.seen.mix_of`.
        RunError: as `transfer.finetune.finetune`.
    """
    require_train()
    from molmix_bench.specs.finetune import FinetuneSpec
    from molmix_bench.training.trained import Run, open_run
    from molmix_bench.transfer import finetune as transfer
    from molmix_bench.transfer.read import Columns, OwnData, read_measurements
    from molmix_bench.transfer.seen import mix_of
    from molmix_bench.transfer.start import Start

    opened = run if isinstance(run, Run) else open_run(run)
    spec = FinetuneSpec().changed(settings)
    if not isinstance(data, OwnData):
        tasks = (task,) if isinstance(task, str) else tuple(task)
        data = read_measurements(Path(data), Columns(smiles, tasks, split=spec.folds.column))
    folder = Path(out or Path("finetuned") / f"{opened.spec.name}-{data.measurements.name}")
    return transfer.finetune(Start.of(opened), data, spec, folder, mix=mix_of(opened, mix))


def embed(
    run: str | Path,
    data: str | Path,
    out: str | Path,
    *,
    smiles: str | None = None,
    layer: int | None = None,
    network: int = 0,
) -> Embedded:
    """Writes the vectors that a network has for the molecules of a file, as `transfer.embed.embed_table`.

    Args:
        run: the directory of a finished run or fine-tuning.
        data: a CSV, TSV or parquet file with SMILES.
        out: the parquet file to write.
        smiles: the column with molecules; told from the file where None.
        layer: 0 to the number of layers; the last where None.
        network: which of the run's networks, by its place.

    Raises:
        MissingExtraError: the extra `train` is not installed.
        UsageError, RunError, SourceError: as `transfer.ensemble.open_ensemble` and `transfer.embed.embed_table`.
    """
    require_train()
    from molmix_bench.transfer.embed import embed_table
    from molmix_bench.transfer.ensemble import open_ensemble
    from molmix_bench.transfer.stream import Reading

    return embed_table(
        open_ensemble(run), Path(data), Path(out), layer=layer, place=network, reading=Reading(smiles=smiles)
    )


def predict(
    run: str | Path,
    data: str | Path,
    out: str | Path,
    *,
    smiles: str | None = None,
    mix: str | Path | Mix | None = None,
    far: float | None = None,
) -> Predicted:
    """Writes what the networks of a run predict for the molecules of a file, as `transfer.predict.predict_table`.

    Args:
        run: the directory of a finished run or fine-tuning.
        data: a CSV, TSV or parquet file with SMILES.
        out: the parquet or CSV file to write.
        smiles: the column with molecules; told from the file where None.
        mix: that the run was trained on, which distances are measured from; as in `finetune`.
        far: the similarity below which a molecule is far from training; told from training where None.

    Raises:
        MissingExtraError: the extra `train` is not installed.
        UsageError, RunError, SourceError: as `transfer.ensemble.open_ensemble` and `transfer.predict.predict_table`.
    """
    require_train()
    from molmix_bench.transfer.ensemble import open_ensemble
    from molmix_bench.transfer.predict import distances_of, predict_table
    from molmix_bench.transfer.stream import Reading

    require_file(Path(data))
    distances = distances_of(run, mix=mix, far=far)
    reading = Reading(smiles=smiles)
    return predict_table(open_ensemble(run), Path(data), Path(out), distances=distances, reading=reading)


def study(
    spec: str | Path,
    *,
    mixes: Mapping[str, str | Path | Mix] | None = None,
    raw: Sequence[str | Path] = (),
    out: str | Path | None = None,
    settings: Iterable[str] = (),
    most: int | None = None,
) -> Study:
    """Returns a study as far as it has come; called again, it goes on where it was.

    Args:
        spec: a YAML file, or the name of a study, such as `diversity`.
        mixes: in place of the names in the spec: directories, or other names.
        raw: folders with the files of tasks; the rest is downloaded.
        out: the directory to make; `studies/<name>` when not given.
        settings: changes of the spec, such as `seeds=[0, 1]`.
        most: cells to do now, at most; 0 reports alone.

    Raises:
        MissingExtraError: the extra `train` or `cards` is not installed.
        UsageError, SpecError, RunError: as `specs.study.load_study` and `studies.run.run_study`.
    """
    require_train()
    from molmix_bench.specs.study import load_study
    from molmix_bench.studies.run import run_study

    parsed = load_study(spec, settings)
    folder = Path(out or Path("studies") / parsed.name)
    return run_study(parsed, folder, mixes=mixes, raw=tuple(map(Path, raw)), most=most)


def _opened(mix: str | Path | Mix) -> Mix:
    return mix if isinstance(mix, Mix) else load(mix)
