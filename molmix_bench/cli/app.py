"""The command-line application: one function per verb, errors turned into messages and exit statuses."""

from __future__ import annotations

import errno
import sys
import warnings
from typing import Annotated

import typer

from molmix_bench import __version__
from molmix_bench.errors import MolmixError, UsageError
from molmix_bench.talk import say

EXIT_ERROR, EXIT_USAGE, EXIT_INTERRUPTED = 1, 2, 130

app = typer.Typer(
    name="molmix-bench",
    help="Mixed molecular datasets: build and check them, train on them, score predictions fairly.",
    no_args_is_help=True,
    add_completion=False,
    # A traceback with every local variable helps nobody who mistyped a path.
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)


def _print_version(wanted: bool) -> None:
    if wanted:
        print(__version__)
        raise typer.Exit


@app.callback()
def root(
    version: Annotated[
        bool, typer.Option("--version", help="Print the version and leave.", callback=_print_version, is_eager=True)
    ] = False,
) -> None:
    """Mixed molecular datasets: build and check them, train on them, score predictions fairly."""


def main() -> None:
    """Runs the command line: stdout is data, stderr is talk; exit 0 good, 1 errors found, 2 usage."""
    from molmix_bench.cli import commands

    commands.register(app, sys.argv[1:])
    run_app(app)


def run_app(application: typer.Typer) -> None:
    """Runs an application and exits: errors become a line on stderr and an exit status."""
    warnings.showwarning = _say_warning
    try:
        application()
    except MolmixError as error:
        print(f"error: {error}", file=sys.stderr)
        sys.exit(EXIT_USAGE if isinstance(error, UsageError) else EXIT_ERROR)
    except OSError as error:
        print(f"error: {_of_system(error)}", file=sys.stderr)
        sys.exit(EXIT_ERROR)
    except KeyboardInterrupt:
        print("interrupted; the same command goes on from here", file=sys.stderr)
        sys.exit(EXIT_INTERRUPTED)


def _of_system(error: OSError) -> str:
    """Returns what the operating system refused, as an error of ours says it."""
    if error.errno == errno.ENOSPC:
        return f"{error.filename or 'disk'}: no space left; free some, then the same command goes on from here"
    reason = error.strerror or str(error) or type(error).__name__
    if error.filename is None:
        return reason
    return f"{error.filename!s:.300}: {reason[0].lower()}{reason[1:]}; check the path and what may be done there"


def _say_warning(message: Warning | str, *_: object, **__: object) -> None:
    """Prints a warning like all talk, without the place in the code that nobody asked for."""
    say(f"warning: {message}")
