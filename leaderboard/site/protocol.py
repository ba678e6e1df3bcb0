"""The protocol's own text, as blocks of a page."""

from __future__ import annotations

import re
from dataclasses import dataclass

from molmix_bench.metrics import protocol

_LEAD = re.compile(r"\*\*(.+?)\*\*,?\s*(.*)", re.DOTALL)


@dataclass(frozen=True, slots=True)
class ProtocolBlock:
    """A paragraph."""

    lead: str
    """What it is about; empty where it goes on with the paragraph before."""
    parts: tuple[tuple[bool, str], ...]
    """Text, and whether it is code."""


def protocol_blocks() -> tuple[ProtocolBlock, ...]:
    """Returns the rules as the code that scores states them, so that the page cannot say anything else."""
    paragraphs = [" ".join(part.split()) for part in (protocol.__doc__ or "").split("\n\n")]
    return tuple(_block(text) for text in paragraphs if text)


def _block(text: str) -> ProtocolBlock:
    found = _LEAD.match(text)
    lead, rest = (found[1].rstrip("."), found[2][:1].upper() + found[2][1:]) if found else ("", text)
    # Between marks of code every other piece is code; emphasis is left out.
    pieces = re.split(r"``?([^`]+)``?", rest.replace("*", ""))
    parts = tuple((bool(place % 2), piece) for place, piece in enumerate(pieces) if piece)
    return ProtocolBlock(lead, parts)
