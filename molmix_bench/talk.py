"""Telling the user what goes on: on stderr, since stdout is for data."""

from __future__ import annotations

import sys

from tqdm import tqdm


def say(text: str) -> None:
    """Prints a line on stderr, above any progress bar."""
    tqdm.write(text, file=sys.stderr)
