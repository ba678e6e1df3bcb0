"""Telling the user what goes on: on stderr, since stdout is for data."""

from __future__ import annotations

import sys
import traceback

from tqdm import tqdm

from molmix_bench.errors import MolmixError


def say(text: str) -> None:
    """Prints a line on stderr, above any progress bar."""
    tqdm.write(text, file=sys.stderr)


def told(error: Exception) -> str:
    """Returns what an error has to say: its sentence where it is one of ours, else all that Python knows of it."""
    return str(error) if isinstance(error, MolmixError) else "".join(traceback.format_exception(error)).rstrip()
