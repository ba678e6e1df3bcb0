"""Tests of which verbs there are, and that one does not wait for the others."""

from __future__ import annotations

import subprocess
import sys

import typer

from molmix_bench.cli.commands import VERBS, register


def test_a_verb_is_registered_alone_or_with_all():
    """By the first argument alone; options and unknown words stand for none, so that the help lists every verb."""
    for arguments, expected in ((["score", "x"], ["score"]), (["--help"], list(VERBS)), (["scor"], list(VERBS))):
        app = typer.Typer()
        register(app, arguments)
        assert [command.name for command in app.registered_commands] == expected


def test_a_check_loads_nothing_that_it_does_not_need():
    """What the command's start imports, in a process of its own."""
    heavy = ["torch", "matplotlib", "lightning_fabric", "numba", "rdkit", "joblib", "requests", "huggingface_hub"]
    code = (
        "import sys; sys.argv = ['molmix-bench', 'submit', '--help']\n"
        "from molmix_bench.cli import main\n"
        f"try: main()\nexcept SystemExit: sys.exit(str([name for name in {heavy} if name in sys.modules]))"
    )
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert result.stderr.strip() == "[]"
    assert "--check" in result.stdout
