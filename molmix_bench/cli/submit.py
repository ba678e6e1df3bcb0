"""`molmix-bench submit`: a submission made, and checked before anyone else sees it."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from molmix_bench.cli.output import JsonOption, print_json
from molmix_bench.errors import SubmissionError, UsageError
from molmix_bench.resolve import load
from molmix_bench.specs.submission import FILL_IN, SUBMISSION_FILE, submission_schema
from molmix_bench.submissions.check import check_submission
from molmix_bench.talk import say


def submit(  # three verbs of one command, as the design names them
    init: Annotated[
        Path | None, typer.Option("--init", metavar="RUN", help="Make a submission of a finished run.")
    ] = None,
    check: Annotated[
        Path | None, typer.Option("--check", metavar="DIR", help="Say everything that is wrong with a submission.")
    ] = None,
    schema: Annotated[bool, typer.Option("--schema", help=f"Print the JSON schema of {SUBMISSION_FILE}.")] = False,
    out: Annotated[
        Path | None, typer.Option("--out", help="With --init, the folder to make; submissions/NAME else.")
    ] = None,
    mix: Annotated[
        str | None, typer.Option("--mix", help="With --check, the mix that is predicted: a directory or a name.")
    ] = None,
    json: JsonOption = False,
) -> None:
    """Make a submission from a run, or check one: exit 1 and a line for each problem, with how to mend it."""
    if [init is not None, check is not None, schema].count(True) != 1:
        raise UsageError("submit", found="not exactly one of them", expected="--init RUN, --check DIR or --schema")
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


def _check(folder: Path, mix: str | None, *, json: bool) -> None:
    if mix is None:
        raise UsageError("submit --check", found="no --mix", expected="the mix that is predicted", fix="add --mix MIX")
    problems = check_submission(folder, load(mix))
    if json:
        print_json([asdict(problem) for problem in problems])
    else:
        for item in problems:
            print(SubmissionError(item.where, found=item.found, expected=item.expected, fix=item.fix))
        print(f"{len(problems)} problem{'' if len(problems) == 1 else 's'} in {folder}")
    if problems:
        raise typer.Exit(1)
