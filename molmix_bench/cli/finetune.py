"""`molmix-bench finetune`: a run's networks taken to measurements of one's own."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import polars as pl
import typer

from molmix_bench.cli.output import JsonOption, print_json, print_table
from molmix_bench.errors import UsageError
from molmix_bench.extras import require_train
from molmix_bench.specs.finetune import MODES, FinetuneSpec, SplitMethod
from molmix_bench.talk import say
from molmix_bench.vocab import Kind

if TYPE_CHECKING:
    from molmix_bench.transfer.outcome import Finetuned
    from molmix_bench.transfer.read import OwnData

_SHOWN = 10
"""Problems of the data that are told; all are in drops.parquet."""
ROWS_COUNTED = "rows are counted from 0, the header not among them, blank lines among them"
"""Said where rows are."""

RunArgument = Annotated[Path, typer.Argument(metavar="RUN", help="The directory of a finished run.")]
DataOption = Annotated[Path, typer.Option("--data", help="A CSV, TSV (also .gz) or parquet file with SMILES.")]
SmilesOption = Annotated[str | None, typer.Option("--smiles", help="The column with SMILES; found by itself else.")]
MixOption = Annotated[
    str | None,
    typer.Option("--mix", help="The mix that the run was trained on, a directory or a name; none does without."),
]


def finetune_run(  # noqa: PLR0913, PLR0917  # one for each option
    run: RunArgument,
    data: DataOption,
    task: Annotated[
        list[str] | None, typer.Option("--task", help="The column with labels; several are learnt together.")
    ] = None,
    smiles: SmilesOption = None,
    kind: Annotated[Kind | None, typer.Option("--kind", help="Of the labels; told from them else.")] = None,
    mode: Annotated[
        list[str] | None, typer.Option("--mode", help=f"{', '.join(MODES)}; the first is compared with the others.")
    ] = None,
    split: Annotated[SplitMethod, typer.Option("--split", help="How molecules are divided.")] = "scaffold",
    column: Annotated[
        str | None, typer.Option("--column", help="For --split column: the column with train, test, or a fold.")
    ] = None,
    folds: Annotated[int, typer.Option("--folds", min=1, help="1 is a single split, 80:10:10.")] = 5,
    seeds: Annotated[int, typer.Option("--seeds", min=1, help="Networks for each fold.")] = 3,
    mix: MixOption = None,
    settings: Annotated[
        list[str] | None, typer.Option("--set", help="Change more, as in --set tuning.epochs=20.")
    ] = None,
    out: Annotated[Path | None, typer.Option("--out", help="The directory to make; finetuned/RUN-DATA else.")] = None,
    json: JsonOption = False,
) -> None:
    """Fine-tune a run on measurements, beside what knows nothing of it; run again, it goes on where it was."""
    require_train()
    from molmix_bench.training.trained import open_run
    from molmix_bench.transfer.finetune import finetune
    from molmix_bench.transfer.read import Columns, read_measurements
    from molmix_bench.transfer.seen import mix_of
    from molmix_bench.transfer.start import Start

    spec = FinetuneSpec().changed(_settings(mode, split, column, folds, seeds) + (settings or []))
    opened = open_run(run)
    own = read_measurements(data, Columns(smiles, tuple(task or ()), kind, split=spec.folds.column))
    tell_data(own)
    trained_on = mix_of(opened, mix)
    folder = out or Path("finetuned") / f"{opened.spec.name}-{own.measurements.name}"
    print_finetuned(finetune(Start.of(opened), own, spec, folder, mix=trained_on), json=json)


def _settings(mode: list[str] | None, split: SplitMethod, column: str | None, folds: int, seeds: int) -> list[str]:
    """Returns the options as settings of the spec."""
    if (split == "column") != (column is not None):
        found = f"--split {split} {'without' if column is None else 'and'} --column"
        raise UsageError("finetune", found=found, expected="both --split column and --column NAME, or neither")
    named = f'folds.column="{column}"' if column is not None else "folds.column=null"
    given = [f"folds.split={split}", named, f"folds.folds={folds}", f"seeds={list(range(seeds))}"]
    return [*given, *([f"modes=[{', '.join(mode)}]"] if mode else [])]


def tell_data(own: OwnData) -> None:
    """Says on stderr what was read: columns, kind, and every kind of problem with the first rows that have it."""
    found, rows = own.measurements, own.measurements.accounting
    classes = f" of {found.num_classes} classes" if found.num_classes else ""
    told = "told from the labels; --kind says otherwise" if own.inferred else "as given"
    names = ", ".join(found.tasks[:5]) + (f" and {len(found.tasks) - 5} more" if len(found.tasks) > 5 else "")  # noqa: PLR2004  # as shown
    say(f"{own.file}: SMILES in {own.smiles!r}; {names}: {found.kind}{classes} ({told})")
    dropped = sum(rows.dropped.values())
    say(f"{rows.read:,} rows: {rows.kept:,} molecules, {rows.merged:,} merged into them, {dropped:,} dropped")
    for row in found.problems.head(_SHOWN).iter_rows(named=True):
        place = f"row {row['row']:,}" + (f", {row['task']}" if row["task"] else "")
        say(f"  {place}: {row['reason']}, {row['detail']}{'; dropped' if row['dropped'] else ''}")
    if found.problems.height > _SHOWN:
        counts = ", ".join(f"{count:,} {reason}" for reason, count in found.problem_counts().items())
        say(f"  and {found.problems.height - _SHOWN:,} more ({counts}); all are in drops.parquet")
    if found.problems.height:
        say(f"  {ROWS_COUNTED}")


def print_finetuned(found: Finetuned, *, json: bool) -> None:
    """Prints the scores of a fine-tuning: methods side by side."""
    if json:
        print_json({"path": str(found.path), **found.result.model_dump(mode="json")})
        return
    summary = found.summary()
    print_methods(summary.filter(pl.col("metric") == found.primary))
    every = summary.filter(part="all").pivot("metric", index="method", values="value")
    print_table(every.columns, every.iter_rows())
    for row in found.result.excluded:
        say(f"not scored: task {row['task']} ({row['reason']})")
    for note in found.result.notes:
        say(f"note: {note}")
    print(found.path)


def print_methods(rows: pl.DataFrame) -> None:
    """Prints one metric by part and method, with intervals and differences from the first method."""
    wanted = ["dataset", "part", "method", "metric", "value", "ci_low", "ci_high", "std"]
    wanted += ["difference", "difference_low", "difference_high", "verdict"]
    columns = [name for name in wanted if name in rows.columns]
    spare = ["std", "difference", "metric"]
    print_table(columns, rows.select(columns).iter_rows(), spare=spare)
