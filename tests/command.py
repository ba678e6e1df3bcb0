"""The command line without a process of its own, which would take a second to import what this one has imported."""

from __future__ import annotations

import io
import os
import sys
import warnings
from collections.abc import Mapping
from contextlib import redirect_stderr, redirect_stdout
from subprocess import CompletedProcess, run

import pytest

from molmix_bench.cli import main
from molmix_bench.cli.app import app

CLOSED = {"HTTP_PROXY": "http://127.0.0.1:9", "HTTPS_PROXY": "http://127.0.0.1:9"}
"""Whatever asks for the network finds a closed door, on machines that have one too."""


def run_here(*arguments: object, env: Mapping[str, str]) -> CompletedProcess[str]:
    """Returns status, stdout and stderr of the command, run by its entry point in this process.

    What ends in a traceback of the command is raised here.

    Args:
        arguments: verb and options.
        env: variables of the environment, beside those that this process has.
    """
    out, err, status = io.StringIO(), io.StringIO(), 0
    with pytest.MonkeyPatch.context() as patch, warnings.catch_warnings(), redirect_stdout(out), redirect_stderr(err):
        # As where Python starts: a warning is shown, not raised.
        warnings.simplefilter("default")
        for name, value in env.items():
            patch.setenv(name, value)
        patch.setattr(sys, "argv", ["molmix-bench", *map(str, arguments)])
        patch.setattr(app, "registered_commands", [])
        try:
            main()
        except SystemExit as end:
            status = end.code or 0
    return CompletedProcess(list(arguments), status, out.getvalue(), err.getvalue())


def run_apart(*arguments: object, env: Mapping[str, str]) -> CompletedProcess[str]:
    """Returns the same of the command in a process of its own."""
    command = [sys.executable, "-c", "from molmix_bench.cli import main; main()", *map(str, arguments)]
    return run(command, capture_output=True, text=True, env=os.environ | env, check=False)
