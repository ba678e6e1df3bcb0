"""`molmix-bench run` and `molmix-bench predict`: training, and predictions with what was trained."""

from __future__ import annotations

from dataclasses import asdict
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from molmix_bench.api import run
from molmix_bench.cli.embed import tell_problems
from molmix_bench.cli.finetune import SmilesOption
from molmix_bench.cli.output import SPARE_SCORES, JsonOption, WorkersOption, print_json, print_table
from molmix_bench.cli.suites import run_on_suite
from molmix_bench.errors import MolmixError, RunError, UsageError
from molmix_bench.extras import require_train
from molmix_bench.resolve import load
from molmix_bench.sources.frames import require_file
from molmix_bench.specs.baselines import find_baselines, load_run_spec
from molmix_bench.specs.suite import suite_names
from molmix_bench.talk import say, told
from molmix_bench.vocab import Split

if TYPE_CHECKING:
    from molmix_bench.training.trained import Run


class Accelerator(StrEnum):
    """Where a network is trained."""

    AUTO = "auto"
    CPU = "cpu"
    CUDA = "cuda"


def run_baseline(  # noqa: PLR0913, PLR0917  # one for each option
    specs: Annotated[
        list[str],
        typer.Argument(metavar="SPEC...", help="YAML files, folders, or names of baselines; for a suite also a run."),
    ],
    mix: Annotated[
        str | None, typer.Option("--mix", help="Another mix than the spec's: name or directory; or a suite.")
    ] = None,
    datasets: Annotated[str | None, typer.Option(help="Only these datasets, as in --datasets qm9,tox21.")] = None,
    seeds: Annotated[str | None, typer.Option(help="A network for each, as in --seeds 0,1,2.")] = None,
    settings: Annotated[
        list[str] | None, typer.Option("--set", help="Change the spec, as in --set training.epochs=5.")
    ] = None,
    out: Annotated[
        Path | None, typer.Option("--out", help="The directory of the run, or of all runs; runs/NAME else.")
    ] = None,
    raw: Annotated[
        list[Path] | None, typer.Option("--raw", help="For a suite: a folder with its files; the rest is downloaded.")
    ] = None,
    trained_on: Annotated[
        str | None, typer.Option("--trained-on", help="For a suite and a finished run: the run's own mix, or none.")
    ] = None,
    accelerator: Annotated[Accelerator, typer.Option(help="auto is a GPU where there is one.")] = Accelerator.AUTO,
    devices: Annotated[int, typer.Option(min=1, help="GPUs, or processes, that train each network together.")] = 1,
    json: JsonOption = False,
) -> None:
    """Train, predict and score what YAML files describe; run again, an interrupted run goes on where it was."""
    if mix in suite_names():
        if accelerator is not Accelerator.AUTO or devices > 1:
            raise UsageError(
                f"suite {mix}", found="--accelerator or --devices", expected="none: its networks are small"
            )
        changes = [*(settings or ()), *_lists(**{"finetune.seeds": seeds})]
        run_on_suite(specs, mix, datasets=datasets, settings=changes, places=(raw or [], trained_on, out), json=json)
        return
    if raw or trained_on:
        raise UsageError("run", found="--raw or --trained-on without a suite", expected=f"--mix {suite_names()[0]}")
    files = [file for name in specs for file in find_baselines(name)]
    changes = [*(settings or ()), *_lists(datasets=datasets, **{"training.seeds": seeds})]
    names = [load_run_spec(file, changes).name for file in files]
    if repeated := sorted({name for name in names if names.count(name) > 1}):
        raise UsageError(
            " ".join(specs), found=f"several runs named {', '.join(repeated)}", expected="one of each name"
        )
    finished: list[Run] = []
    failures: list[str] = []
    for name, file in zip(names, files, strict=True):
        folder = out / name if out is not None and len(files) > 1 else out
        try:
            finished.append(
                run(file, mix=mix, out=folder, settings=changes, accelerator=accelerator.value, devices=devices)
            )
        except Exception as error:
            # What is no error of ours is one of a user's own network, and of that run alone.
            if len(files) == 1 or (isinstance(error, MolmixError) and not isinstance(error, RunError)):
                raise
            failures.append(name)
            say(f"{name} failed: {told(error)}")
    _print_runs(finished, json=json, several=len(files) > 1)
    if failures:
        fix = "see above why; the same command goes on with these alone"
        raise RunError(", ".join(failures), found=f"{len(failures)} of {len(files)} runs failed", fix=fix)
    if broken := [f"{item.spec.name}, seed {seed.seed}" for item in finished for seed in item.result.failed]:
        fix = "the same command tries these again, and keeps the other seeds, which are scored above"
        raise RunError(", ".join(broken), found="training failed", fix=fix)


def _lists(**values: str | None) -> list[str]:
    """Returns settings that are lists, from `a,b` as options have them."""
    return [f"{key}=[{value}]" for key, value in values.items() if value is not None]


def _print_runs(finished: list[Run], *, json: bool, several: bool) -> None:
    if json:
        results = [item.result.model_dump(mode="json") for item in finished]
        print_json(results if several else results[0])
        return
    for item in finished:
        summary = item.scores().summary()
        print_table(summary.columns, summary.iter_rows(), spare=SPARE_SCORES)
        print(item.path)


def predict_molecules(  # noqa: PLR0913, PLR0917  # one for each option
    folder: Annotated[Path, typer.Argument(metavar="RUN", help="The directory of a finished run or fine-tuning.")],
    out: Annotated[Path, typer.Option("--out", help="The folder to write; with --data the .parquet or .csv file.")],
    mix: Annotated[
        str | None,
        typer.Option("--mix", help="The mix to predict; with --data the one that the run was trained on, or none."),
    ] = None,
    data: Annotated[
        Path | None, typer.Option("--data", help="New molecules in place of a mix: CSV, TSV or parquet with SMILES.")
    ] = None,
    smiles: SmilesOption = None,
    far: Annotated[
        float | None, typer.Option("--far", help="Similarity to training below which a molecule is far.")
    ] = None,
    split: Annotated[list[Split] | None, typer.Option("--split", help="Only this split; all but train else.")] = None,
    workers: WorkersOption = None,
    json: JsonOption = False,
) -> None:
    """Predict with every network of a run: a mix, in the form that `score` reads, or a file of new molecules."""
    require_train()
    if data is not None:
        if split:
            raise UsageError("predict --data", found="--split", expected="none: a file has no splits")
        _predict_file(folder, data, out, training=(mix, far), reading=(smiles, workers), json=json)
        return
    if mix is None:
        raise UsageError("predict", found="neither --mix nor --data", expected="--mix MIX or --data FILE")
    from molmix_bench.training.trained import open_run, predict_run

    paths = predict_run(open_run(folder), load(mix), out, splits=split)
    if json:
        print_json([str(path) for path in paths])
        return
    for path in paths:
        print(path)


def _predict_file(
    folder: Path,
    data: Path,
    out: Path,
    *,
    training: tuple[str | None, float | None],
    reading: tuple[str | None, int | None],
    json: bool,
) -> None:
    """Predicts the molecules of a file, and says how many are far from training.

    Args:
        folder: of the run.
        data: the file.
        out: the file to write.
        training: the mix of the run, and the similarity below which a molecule is far.
        reading: column and processes.
        json: whether to print JSON.
    """
    from molmix_bench.transfer.ensemble import open_ensemble
    from molmix_bench.transfer.predict import distances_of, predict_table
    from molmix_bench.transfer.stream import Reading

    mix, far = training
    require_file(data)  # Before a mix is looked for, which is a longer story.
    distances = distances_of(folder, mix=mix, far=far)
    done = predict_table(open_ensemble(folder), data, out, distances=distances, reading=Reading(*reading))
    tell_problems(done.problems)
    if done.threshold is not None:
        how = "as given" if far is not None else "which 95 of 100 training molecules exceed among themselves"
        bound = f"nearest similarity below {done.threshold:.3f}, {how}"
        say(f"{done.num_far:,} of {done.predicted:,} molecules far from training: {bound}")
    if json:
        print_json(asdict(done) | {"path": str(done.path)})
        return
    say(f"{done.predicted:,} of {done.rows:,} molecules, {len(done.columns)} columns, {len(done.networks)} networks")
    print(done.path)
