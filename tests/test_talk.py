"""Tests of what the user is told."""

from __future__ import annotations

from molmix_bench.errors import RunError
from molmix_bench.talk import told


def test_errors_of_ours_are_a_sentence_and_others_whole():
    """What nobody foresaw comes with the lines that led there."""
    assert told(RunError("here", found="this", fix="do that")) == "here: this; do that"
    try:
        int("unlucky")
    except ValueError as error:
        text = told(error)
    assert text.startswith("Traceback")
    assert text.endswith("'unlucky'")
