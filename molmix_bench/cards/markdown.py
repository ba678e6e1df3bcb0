"""A card as GitHub-flavoured markdown, as the Hub shows it."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from html import escape
from urllib.parse import quote

from molmix_bench.cards.document import (
    Block,
    Bullets,
    Code,
    Heading,
    Image,
    Inline,
    Link,
    Listing,
    Paragraph,
    Table,
    Text,
    one_line,
    pieces,
)

_SPECIAL = re.compile(r"([\\`*_\[\]|~#$])")
_LINE_START = re.compile(r"^([-+=:]|\d+[.)])")
_AUTOLINK = re.compile(r"(?i)(https?|ftp|mailto)(:)|(www)(\.)|(\w)(@)")
_URL_SAFE = ":/?#[]@!$&*+,;=%~._-"

IMAGE_FOLDER = "figures"
DARK_ENDING = "-dark"


def render_markdown(blocks: Sequence[Block]) -> str:
    """Returns blocks as markdown, ending in a line break."""
    return "\n\n".join(_WRITERS[type(block)](block) for block in blocks) + "\n"


def image_path(name: str, *, dark: bool = False) -> str:
    """Returns where a figure's file lies within the mix.

    >>> image_path("density", dark=True)
    'figures/density-dark.png'
    """
    return f"{IMAGE_FOLDER}/{name}{DARK_ENDING if dark else ''}.png"


def escape_markdown(text: str) -> str:
    r"""Returns markdown that shows a text as it is: no markup, no HTML, no link that its author did not state.

    >>> escape_markdown("<b>_x_</b> [y](z)")
    '&lt;b&gt;\\_x\\_&lt;/b&gt; \\[y\\](z)'
    """
    line = one_line(text).replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    line = _SPECIAL.sub(r"\\\1", line)
    # An address in plain text would become a link.
    return _AUTOLINK.sub(_break_autolink, line)


def _break_autolink(match: re.Match[str]) -> str:
    first, sign = (group for group in match.groups() if group)
    return f"{first}&#{ord(sign)};"


def _inline(text: Text) -> str:
    # Spaces at the ends mean nothing, and would hide a sign that starts a list from the pattern.
    written = "".join(map(_piece, pieces(text))).strip()
    # A backslash before a number's point or before a sign makes it text.
    return _LINE_START.sub(lambda match: f"{match[1][:-1]}\\{match[1][-1]}", written)


def _piece(piece: Inline) -> str:
    if isinstance(piece, Code):
        return _code(piece.text)
    if isinstance(piece, Link):
        return f"[{escape_markdown(piece.text)}](<{quote(piece.url, safe=_URL_SAFE)}>)"
    return _outer_spaces(piece, escape_markdown(piece))


def _outer_spaces(before: str, after: str) -> str:
    """Returns an escaped piece with the spaces that part it from its neighbours."""
    if not after:
        return " " if before else ""
    return " " * before[0].isspace() + after + " " * before[-1].isspace()


def _code(text: str) -> str:
    line = one_line(text)
    if not line:
        return ""
    fence = "`" * (_longest_run(line) + 1)
    pad = " " if line.startswith("`") or line.endswith("`") else ""
    # Inside a table a bar ends the cell, in code too; outside of one the backslash would be seen, but no name has both.
    return f"{fence}{pad}{line}{pad}{fence}"


def _longest_run(text: str) -> int:
    return max((len(run) for run in re.findall("`+", text)), default=0)


def _heading(block: Heading) -> str:
    return f"{'#' * block.level} {_inline(block.text)}"


def _paragraph(block: Paragraph) -> str:
    return _inline(block.text)


def _bullets(block: Bullets) -> str:
    return "\n".join(f"- {_inline(item)}" for item in block.items)


def _table(block: Table) -> str:
    lines = [block.header, ["---:" if title in block.numeric else "---" for title in block.header]]
    cells = [[escape_markdown(title) for title in lines[0]], list(lines[1])]
    cells += [[_cell(cell) for cell in row] for row in block.rows]
    return "\n".join(f"| {' | '.join(row)} |" for row in cells)


def _cell(text: Text) -> str:
    parts = []
    for piece in pieces(text):
        written = _piece(piece)
        parts.append(re.sub(r"(?<!\\)\|", r"\\|", written) if isinstance(piece, Code) else written)
    return "".join(parts) or " "


def _listing(block: Listing) -> str:
    fence = "`" * max(3, _longest_run(block.text) + 1)
    return f"{fence}{block.language}\n{block.text.strip()}\n{fence}"


def _image(block: Image) -> str:
    # Inside a tag it is HTML that counts, and a line break would end it.
    description = escape(one_line(block.description))
    return (
        f'<picture><source media="(prefers-color-scheme: dark)" srcset="{image_path(block.name, dark=True)}">'
        f'<img src="{image_path(block.name)}" alt="{description}" width="800"></picture>'
    )


_WRITERS: dict[type, Callable[..., str]] = {
    Heading: _heading,
    Paragraph: _paragraph,
    Bullets: _bullets,
    Table: _table,
    Listing: _listing,
    Image: _image,
}
