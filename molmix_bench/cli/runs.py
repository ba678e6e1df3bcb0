"""`molmix-bench run` and `molmix-bench predict`: training, and predictions with what was trained."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from molmix_bench.api import run
from molmix_bench.cli.output import JsonOption, print_json, print_table
from molmix_bench.errors import RunError, UsageError
from molmix_bench.extras import require_train
from molmix_bench.resolve import load
from molmix_bench.specs.baselines import find_baselines, load_run_spec
from molmix_bench.talk import say
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
        list[str], typer.Argument(metavar="SPEC...", help="YAML files, folders of them, or names of baselines.")
    ],
    mix: Annotated[str | None, typer.Option("--mix", help="Another mix than the spec's: name or directory.")] = None,
    datasets: Annotated[str | None, typer.Option(help="Only these datasets, as in --datasets qm9,tox21.")] = None,
    seeds: Annotated[str | None, typer.Option(help="A network for each, as in --seeds 0,1,2.")] = None,
    settings: Annotated[
        list[str] | None, typer.Option("--set", help="Change the spec, as in --set training.epochs=5.")
    ] = None,
    out: Annotated[
        Path | None, typer.Option("--out", help="The directory of the run, or of all runs; runs/NAME else.")
    ] = None,
    accelerator: Annotated[Accelerator, typer.Option(help="auto is a GPU where there is one.")] = Accelerator.AUTO,
    devices: Annotated[int, typer.Option(min=1, help="GPUs, or processes, that train each network together.")] = 1,
    json: JsonOption = False,
) -> None:
    """Train, predict and score what YAML files describe; run again, an interrupted run goes on where it was."""
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
        except RunError as error:
            if len(files) == 1:
                raise
            failures.append(name)
            say(f"{name} failed: {error}")
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
        print_table(summary.columns, summary.iter_rows())
        print(item.path)


def predict_mix(
    folder: Annotated[Path, typer.Argument(metavar="RUN", help="The directory of a finished run.")],
    mix: Annotated[str, typer.Option("--mix", help="The molecules to predict: a directory or a name.")],
    out: Annotated[Path, typer.Option("--out", help="The folder of predictions to write.")],
    split: Annotated[list[Split] | None, typer.Option("--split", help="Only this split; all but train else.")] = None,
) -> None:
    """Predict a mix with every network of a run, in the form that `score` reads."""
    require_train()
    from molmix_bench.training.trained import open_run, predict_run

    for path in predict_run(open_run(folder), load(mix), out, splits=split):
        print(path)
