"""`molmix-bench results`: what is kept of runs, and the page of tables that is made from it."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from molmix_bench.atomic import write_text
from molmix_bench.cli.output import JsonOption, print_json
from molmix_bench.reports.kept_others import keep as keep_result
from molmix_bench.reports.results import results_page


def keep_results(
    folder: Annotated[Path, typer.Argument(metavar="RESULTS", help="The folder of the results that are kept.")],
    keep: Annotated[
        list[Path] | None,
        typer.Option("--keep", metavar="DIR", help="First keep there what this finished run, suite or study came to."),
    ] = None,
    out: Annotated[Path | None, typer.Option("--out", help="The page to write; RESULTS/README.md else.")] = None,
    json: JsonOption = False,
) -> None:
    """Keep what tables need of runs, suites and studies, and write the page of them, published numbers beside ours."""
    kept = [keep_result(path, folder) for path in keep or ()]
    page = out or folder / "README.md"
    write_text(page, results_page(folder))
    if json:
        print_json({"kept": [str(path) for path in kept], "page": str(page)})
        return
    for path in (*kept, page):
        print(path)
