"""`molmix-bench study`: a question asked of many runs, and a page of what is established."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from molmix_bench.cli.output import JsonOption, print_json, print_table
from molmix_bench.cli.runs import Accelerator
from molmix_bench.errors import RunError, UsageError
from molmix_bench.extras import require_train
from molmix_bench.specs.study import load_study
from molmix_bench.talk import say

if TYPE_CHECKING:
    from molmix_bench.studies.run import Study


def run_study(  # noqa: PLR0913, PLR0917  # one for each option
    study: Annotated[
        str,
        typer.Argument(
            metavar="STUDY", help="diversity, scale, efficiency, representation, transfer; full/NAME; YAML."
        ),
    ],
    mix: Annotated[
        list[str] | None, typer.Option("--mix", help="Where a mix lies: NAME=DIR, or DIR where the study has one mix.")
    ] = None,
    raw: Annotated[
        list[Path] | None, typer.Option("--raw", help="A folder with the files of tasks; the rest is downloaded.")
    ] = None,
    seeds: Annotated[str | None, typer.Option(help="As in --seeds 0,1,2.")] = None,
    settings: Annotated[
        list[str] | None, typer.Option("--set", help="Change the spec, as in --set pretrain.training.epochs=5.")
    ] = None,
    cells: Annotated[
        int | None, typer.Option("--cells", min=0, help="Do so many of its cells now, at most; 0 reports alone.")
    ] = None,
    out: Annotated[Path | None, typer.Option("--out", help="The directory to make; studies/NAME else.")] = None,
    accelerator: Annotated[Accelerator, typer.Option(help="auto is a GPU where there is one.")] = Accelerator.AUTO,
    json: JsonOption = False,
) -> None:
    """Run a study of many small runs; run again, it goes on where it was. The page says what is established."""
    spec = load_study(study, [*(settings or ()), *([f"seeds=[{seeds}]"] if seeds else [])])
    require_train()
    from molmix_bench.studies.run import mixes_of
    from molmix_bench.studies.run import run_study as run

    mixes = _mixes(mix or [], mixes_of(spec))
    folder = out or Path("studies") / spec.name
    done = run(spec, folder, mixes=mixes, raw=raw or (), accelerator=accelerator.value, most=cells)
    _print(done, json=json)
    if done.outcome.failed:
        names = "; ".join(list(done.outcome.failed)[:3])
        fix = "see above why; the same command tries these again, and keeps the others"
        raise RunError(names, found=f"{len(done.outcome.failed)} cells failed", fix=fix)


def _mixes(given: list[str], names: tuple[str, ...]) -> dict[str, str]:
    """Returns where each mix of a study lies, as far as it is said."""
    found = {}
    for item in given:
        name, equals, place = item.partition("=")
        if not equals and len(names) == 1:
            name, place = names[0], item
        elif not equals or name not in names:
            raise UsageError(f"--mix {item}", found=f"no mix of the study ({', '.join(names)})", expected="NAME=DIR")
        found[name] = place
    return found


def _print(done: Study, *, json: bool) -> None:
    if json:
        print_json(done.to_record())
        return
    print_table(["verdict", "what"], [[claim.verdict, claim.sentence] for claim in done.answer.claims])
    if done.outcome.waiting:
        say(f"{len(done.outcome.waiting):,} cells are not begun; the same command goes on with them")
    from molmix_bench.studies.run import REPORT_FILE

    print(done.path / REPORT_FILE)
