"""The commands of the leaderboard: stdout is data, stderr is talk; exit 0 good, 1 something was refused, 2 usage."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from leaderboard.boards import make_boards
from leaderboard.commands import service, upkeep
from leaderboard.entries import Entry, Refused, read_entries
from leaderboard.find import find_submissions
from leaderboard.mixes import Mixes
from leaderboard.site.pages import site_files
from leaderboard.site.write import check_target, write_site
from molmix_bench.cli.app import EXIT_ERROR, run_app
from molmix_bench.errors import UsageError
from molmix_bench.talk import say

app = typer.Typer(
    name="python -m leaderboard",
    help="Take submissions, check and score them, and show what comes of it.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)


@app.callback()
def root() -> None:
    """Take submissions, check and score them, and show what comes of it."""


app.command("serve")(service.serve_board)
app.command("worker")(service.work)
app.command("token")(service.token)
app.command("rescore")(upkeep.rescore_rows)
app.command("remove")(upkeep.remove)
app.command("mark")(upkeep.mark)


@app.command("render")
def render(
    out: Annotated[Path, typer.Option("--out", help="The folder of the site; one of an earlier render is replaced.")],
    submissions: Annotated[list[Path] | None, typer.Argument(help="Submissions, or folders of them.")] = None,
    data: Annotated[
        Path | None, typer.Option("--data", help="A service's folder, whose board is written; or one of submissions.")
    ] = None,
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
    """Write the board as files: of submissions, which are checked and scored, or of a service's store.

    Exit 1 if a submission is refused.
    """
    check_target(out)
    entries, refused, site = _read(submissions or [], data, mix or [])
    write_site(out, site)
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


def _read(
    submissions: list[Path], data: Path | None, mix: list[str]
) -> tuple[Sequence[Entry], Sequence[Refused], Mapping[str, bytes]]:
    """Returns what is to be shown, what is refused, and the site."""
    if data is not None and service.is_data(data):
        if submissions or mix:
            fix = "leave them out: the store has its own"
            raise UsageError("render", found="submissions or mixes beside a store", expected="--data alone", fix=fix)
        return service.read_data(data)
    folders = find_submissions([*submissions, *([data] if data is not None else [])])
    entries, refused = read_entries(folders, Mixes.given(mix))
    return entries, refused, site_files(make_boards(entries), refused)


def main() -> None:
    """Runs the command line."""
    run_app(app)


def _say_refused(item: Refused) -> None:
    for problem in item.problems:
        say(f"refused: {item.name!r}: {problem.where}: found {problem.found}; {problem.fix}")
