"""`molmix-bench report`: a finished run as one HTML page."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from molmix_bench.atomic import write_text
from molmix_bench.cli.output import JsonOption, print_json
from molmix_bench.errors import UsageError
from molmix_bench.mix import Mix
from molmix_bench.reports.read import ReportedRun, read_run
from molmix_bench.resolve import load


def report_run(
    folder: Annotated[Path, typer.Argument(metavar="RUN", help="The directory of a finished run.")],
    out: Annotated[Path | None, typer.Option("--out", help="The page to write; RUN/report.html else.")] = None,
    mix: Annotated[
        str | None, typer.Option("--mix", help="The mix it was trained on, a directory or a name; as in the run else.")
    ] = None,
    json: JsonOption = False,
) -> None:
    """Write one HTML page of a run: curves, tasks, calibration, errors, the worst molecules, how to run it again."""
    run = read_run(folder)
    opened = _load_mix(run, mix)
    from molmix_bench.reports.write import report_page

    page = out or run.folder.report
    write_text(page, report_page(run, opened))
    print_json({"html": str(page)}) if json else print(page)


def _load_mix(run: ReportedRun, name: str | None) -> Mix:
    if name is not None:
        return load(name)
    try:
        return load(run.spec.mix)
    except UsageError as error:
        # The run keeps the mix's name, and not where it lay.
        fix = "name the directory of the mix with --mix"
        raise UsageError(error.where, found=error.found, expected=error.expected, fix=fix) from None
