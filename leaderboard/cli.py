"""The commands of the leaderboard: stdout is data, stderr is talk; exit 0 good, 1 something was refused, 2 usage."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from leaderboard.boards import make_boards
from leaderboard.entries import Refused, read_entries
from leaderboard.find import find_submissions
from leaderboard.mixes import Mixes
from leaderboard.site.pages import site_files
from leaderboard.site.write import check_target, write_site
from molmix_bench.cli.app import EXIT_ERROR, run_app
from molmix_bench.talk import say

app = typer.Typer(
    name="python -m leaderboard",
    help="Check and score submissions, and write what comes of them as static pages.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)


@app.callback()
def root() -> None:
    """Check and score submissions, and write what comes of them as static pages."""


@app.command("render")
def render(
    submissions: Annotated[list[Path], typer.Argument(help="Submissions, or folders of them.")],
    out: Annotated[Path, typer.Option("--out", help="The folder of the site; one of an earlier render is replaced.")],
    mix: Annotated[
        list[str] | None,
        typer.Option(
            "--mix",
            help="A mix that is predicted: a directory or a name; may be repeated. When not given, "
            "the catalog's mixes that the submissions name.",
        ),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Check and score submissions, and write a page for each mix; exit 1 if any of them is refused."""
    check_target(out)
    folders = find_submissions(submissions)
    entries, refused = read_entries(folders, Mixes.given(mix or ()))
    write_site(out, site_files(make_boards(entries), refused))
    if as_json:
        answer = {
            "site": str(out),
            "entries": [entry.name for entry in entries],
            "refused": {item.name: [asdict(problem) for problem in item.problems] for item in refused},
        }
        print(json.dumps(answer, indent=1, ensure_ascii=False))
    else:
        print(out)
    for item in refused:
        _say_refused(item)
    if refused:
        raise typer.Exit(EXIT_ERROR)


def main() -> None:
    """Runs the command line."""
    run_app(app)


def _say_refused(item: Refused) -> None:
    for problem in item.problems:
        say(f"refused: {item.name!r}: {problem.where}: found {problem.found}; {problem.fix}")
