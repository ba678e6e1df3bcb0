"""`molmix-bench submit`: a submission made, checked before anyone else sees it, and sent."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from molmix_bench.cli.output import JsonOption, print_json
from molmix_bench.errors import SubmissionError, UsageError
from molmix_bench.resolve import load
from molmix_bench.specs.submission import FILL_IN, SUBMISSION_FILE, submission_schema
from molmix_bench.submissions.check import Problem, check_submission
from molmix_bench.talk import say


def submit(  # noqa: PLR0913, PLR0917  # an argument for every option
    folder: Annotated[Path | None, typer.Argument(help="With --to, the submission to send.")] = None,
    init: Annotated[
        Path | None, typer.Option("--init", metavar="RUN", help="Make a submission of a finished run.")
    ] = None,
    check: Annotated[
        Path | None, typer.Option("--check", metavar="DIR", help="Say everything that is wrong with a submission.")
    ] = None,
    schema: Annotated[bool, typer.Option("--schema", help=f"Print the JSON schema of {SUBMISSION_FILE}.")] = False,
    to: Annotated[
        str | None, typer.Option("--to", metavar="URL", help="Check a submission, send it to a leaderboard, and wait.")
    ] = None,
    ticket: Annotated[
        str | None, typer.Option("--ticket", help="With --to, wait for the verdict of what was sent earlier.")
    ] = None,
    out: Annotated[
        Path | None, typer.Option("--out", help="With --init, the folder to make; submissions/NAME else.")
    ] = None,
    mix: Annotated[
        str | None,
        typer.Option("--mix", help="The mix that is predicted: a directory or a name; with --to, else the one named."),
    ] = None,
    json: JsonOption = False,
) -> None:
    """Make a submission from a run, check one, or send one to a leaderboard.

    Exit 1 and a line for each problem, with how to mend it, where the check here or there refuses it.
    """
    if [init is not None, check is not None, schema, to is not None].count(True) != 1:
        expected = "--init RUN, --check DIR, --schema or DIR --to URL"
        raise UsageError("submit", found="not exactly one of them", expected=expected)
    if (folder is None) == (to is not None and ticket is None) or (ticket is not None and to is None):
        raise UsageError("submit", found="a folder or a ticket too few or too many", expected="DIR --to URL")
    if schema:
        print_json(submission_schema())
    elif init is not None:
        from molmix_bench.submissions.from_run import submission_from_run  # a check needs none of what it imports

        made = submission_from_run(init, out or Path("submissions") / init.resolve().name)
        if json:
            print_json({"path": str(made)})
        else:
            print(made)
        say(f"replace every text that begins with {FILL_IN} in {made / SUBMISSION_FILE}, then check it")
    elif check is not None:
        _check(check, mix, json=json)
    elif to is not None:
        _send(folder, ticket, to, mix, json=json)


def _send(folder: Path | None, ticket: str | None, to: str, mix: str | None, *, json: bool) -> None:
    from molmix_bench.submissions.send import send_submission, watch_ticket
    from molmix_bench.submissions.service import Service

    service = Service(to, _token())
    if folder is not None:
        problems = check_submission(folder, load(mix or _declared(folder)))
        if problems:
            # The very check of the service, so that nothing travels in vain.
            _print_problems(problems, folder, json=json)
            raise typer.Exit(1)
        ticket = send_submission(folder, service)
    assert ticket is not None  # noqa: S101  # for the type checker; there is a folder or a ticket
    say(f"ticket {ticket}")
    if not json:
        print(ticket, flush=True)
    verdict = watch_ticket(service, ticket)
    if json:
        print_json(asdict(verdict))
    else:
        for item in verdict.problems:
            print(SubmissionError(item.where, found=item.found, expected=item.expected, fix=item.fix))
        print(verdict.state if verdict.page is None else f"{verdict.state}: {verdict.page}")
    if not verdict.is_good:
        raise typer.Exit(1)


def _token() -> str:
    from molmix_bench.hub.token import saved_token

    token = os.environ.get("MOLMIX_TOKEN") or saved_token()
    if token is None:
        fix = "log in with `hf auth login`, or set MOLMIX_TOKEN to a token that the leaderboard's maintainers gave you"
        raise UsageError("submit --to", found="no token", expected="one that says who you are", fix=fix)
    return token


def _declared(folder: Path) -> str:
    from molmix_bench.submissions.entry import declared_mix  # which reads scores, and a check needs none

    if not folder.is_dir():
        raise UsageError(str(folder), found="no such folder", expected=f"one with {SUBMISSION_FILE} and predictions/")
    name = declared_mix(folder)
    if name is None:
        fix = "add --mix MIX; the check then says what is wrong"
        raise UsageError(str(folder / SUBMISSION_FILE), found="no mix that is legible", expected="its name", fix=fix)
    return name


def _check(folder: Path, mix: str | None, *, json: bool) -> None:
    if mix is None:
        raise UsageError("submit --check", found="no --mix", expected="the mix that is predicted", fix="add --mix MIX")
    problems = check_submission(folder, load(mix))
    _print_problems(problems, folder, json=json)
    if problems:
        raise typer.Exit(1)


def _print_problems(problems: Sequence[Problem], folder: Path, *, json: bool) -> None:
    if json:
        print_json([asdict(problem) for problem in problems])
    else:
        for item in problems:
            print(SubmissionError(item.where, found=item.found, expected=item.expected, fix=item.fix))
        print(f"{len(problems)} problem{'' if len(problems) == 1 else 's'} in {folder}")
