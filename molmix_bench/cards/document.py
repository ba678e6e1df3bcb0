"""What a card is made of: blocks of text that markdown and HTML are written from, so that both say the same.

Text is data: a plain string stands for itself and is escaped by whoever writes it. Names of tasks, titles and notes
come from other people's mixes, and none of them can become markup.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Code:
    """A name or a value, in a typewriter face."""

    text: str


@dataclass(frozen=True, slots=True)
class Link:
    """Text that leads to a web address."""

    text: str
    url: str


Inline = str | Code | Link
Text = Inline | tuple[Inline, ...]


@dataclass(frozen=True, slots=True)
class Heading:
    """The title of what follows, of level 1 for the whole card."""

    level: int
    text: str


@dataclass(frozen=True, slots=True)
class Paragraph:
    """One paragraph."""

    text: Text


@dataclass(frozen=True, slots=True)
class Bullets:
    """A list without numbers."""

    items: Sequence[Text]


@dataclass(frozen=True, slots=True)
class Table:
    """A table; columns of numbers are aligned to the right."""

    header: Sequence[str]
    rows: Sequence[Sequence[Text]]
    numeric: frozenset[str] = frozenset()
    """Titles of columns."""


@dataclass(frozen=True, slots=True)
class Listing:
    """Lines of code or of a citation."""

    language: str
    text: str


@dataclass(frozen=True, slots=True)
class Image:
    """A figure, by its name among those that were drawn."""

    name: str
    description: str
    """What the figure shows, for those who do not see it."""
    width: int = 800
    """Pixels at which it is shown, where there is room for them."""


_SMALLEST, _TENTHS_BELOW, _LARGEST = 0.001, 0.0995, 0.995
"""Shares below, from and above which a percentage is written otherwise."""

Block = Heading | Paragraph | Bullets | Table | Listing | Image


def pieces(text: Text) -> tuple[Inline, ...]:
    """Returns a text as its pieces."""
    return text if isinstance(text, tuple) else (text,)


def one_line(text: str) -> str:
    r"""Returns a text without line breaks, control characters and the like.

    >>> one_line(" a\n\tb\u202e ")
    'a b'
    """
    return " ".join("".join(sign if sign.isprintable() else " " for sign in text).split())


def percent(share: float) -> str:
    """Returns a share as a percentage in at most four signs; never 0 or 100 for what is not.

    >>> percent(0), percent(0.0004), percent(0.034), percent(0.4567), percent(0.9996), percent(1)
    ('0', '<0.1', '3.4', '46', '>99', '100')
    """
    if share in (0, 1):
        return f"{share:.0%}".rstrip("%")
    if share < _SMALLEST:
        return "<0.1"
    if share > _LARGEST:
        return ">99"
    return f"{100 * share:.1f}" if share < _TENTHS_BELOW else f"{100 * share:.0f}"
