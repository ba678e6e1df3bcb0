"""Blocks as one HTML file: nothing is loaded, no script runs, light and dark as the reader's system is."""

from __future__ import annotations

import base64
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from html import escape
from urllib.parse import urlsplit

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

_POLICY = "default-src 'none'; img-src data:; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'"
_STYLE = """
:root { color-scheme: light dark; --text: #1f2328; --page: #ffffff; --soft: #59636e; --line: #d1d9e0;
  --code: #f6f8fa; --link: #0550ae; }
@media (prefers-color-scheme: dark) { :root { --text: #e6edf3; --page: #0d1117; --soft: #9198a1; --line: #3d444d;
  --code: #151b23; --link: #79c0ff; } }
* { box-sizing: border-box; }
body { margin: 0 auto; padding: 1.5rem 1rem 4rem; max-width: 56rem; color: var(--text); background: var(--page);
  font: 16px/1.5 system-ui, sans-serif; overflow-wrap: anywhere; }
h1 { font-size: 1.9rem; line-height: 1.2; }
h2 { margin-top: 2.2rem; padding-bottom: .3rem; border-bottom: 1px solid var(--line); font-size: 1.4rem; }
h3 { margin-top: 1.6rem; font-size: 1.1rem; }
a { color: var(--link); }
img { max-width: 100%; height: auto; border-radius: 6px; }
code { padding: .1em .3em; border-radius: 4px; background: var(--code); font: .88em ui-monospace, monospace; }
pre { padding: .8rem 1rem; border-radius: 6px; background: var(--code); overflow-x: auto; }
pre code { padding: 0; background: none; overflow-wrap: normal; }
.scroll { margin: 1rem 0; overflow-x: auto; }
table { border-collapse: collapse; font-size: .9rem; font-variant-numeric: tabular-nums; overflow-wrap: normal; }
th, td { padding: .3rem .6rem; border-bottom: 1px solid var(--line); text-align: left; vertical-align: top; }
th { color: var(--soft); font-weight: 600; }
.number { text-align: right; white-space: nowrap; }
.grid { display: grid; gap: 1rem; grid-template-columns: repeat(auto-fill, minmax(min(100%, var(--cell)), 1fr)); }
.grid > div { min-width: 0; }
.grid p { margin: .3rem 0; font-size: .9rem; }
summary { cursor: pointer; color: var(--link); }
"""
_SVG = b"<svg"


@dataclass(frozen=True, slots=True)
class Grid:
    """Cells beside each other, as many in a row as there is room for."""

    cells: Sequence[Sequence[Block]]
    min_width: int
    """Of a cell, pixels; on a narrower page it is as wide as the page."""


@dataclass(frozen=True, slots=True)
class Fold:
    """What a reader opens to see."""

    summary: str
    blocks: Sequence[Block]


PageBlock = Block | Grid | Fold


def render_page(title: str, blocks: Sequence[PageBlock], figures: Mapping[str, tuple[bytes, bytes]]) -> str:
    """Returns a whole HTML page.

    Args:
        title: of the browser's window.
        blocks: the text, of which images that are not among the figures are left out.
        figures: per name, the PNG or SVG for light and the one for dark pages.
    """
    body = "\n".join(_write(block, figures) for block in blocks)
    return (
        f'<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        f'<meta http-equiv="Content-Security-Policy" content="{_POLICY}">\n'
        f'<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>{_escape(title)}</title>\n<style>{_STYLE}</style>\n</head>\n<body>\n{body}\n</body>\n</html>\n"
    )


def _write(block: PageBlock, figures: Mapping[str, tuple[bytes, bytes]]) -> str:
    if isinstance(block, Grid):
        cells = ("\n".join(_write(part, figures) for part in cell) for cell in block.cells)
        inner = "\n".join(f"<div>{cell}</div>" for cell in cells)
        return f'<div class="grid" style="--cell: {block.min_width}px">\n{inner}\n</div>'
    if isinstance(block, Fold):
        inner = "\n".join(_write(part, figures) for part in block.blocks)
        return f"<details>\n<summary>{_escape(block.summary)}</summary>\n{inner}\n</details>"
    if isinstance(block, Image):
        return _image(block, figures[block.name]) if block.name in figures else ""
    return _WRITERS[type(block)](block)


def _escape(text: str) -> str:
    return escape(one_line(text))


def _inline(text: Text) -> str:
    return "".join(map(_piece, pieces(text)))


def _piece(piece: Inline) -> str:
    if isinstance(piece, Code):
        return f"<code>{_escape(piece.text)}</code>"
    if isinstance(piece, Link):
        if urlsplit(piece.url).scheme not in ("http", "https"):
            return _escape(piece.text)
        return f'<a href="{escape(piece.url)}" rel="noopener noreferrer nofollow">{_escape(piece.text)}</a>'
    start, end = (" " if piece[at : at + 1 or None].isspace() else "" for at in (0, -1))
    return f"{start}{_escape(piece)}{end}"


def _heading(block: Heading) -> str:
    return f"<h{block.level}>{_inline(block.text)}</h{block.level}>"


def _paragraph(block: Paragraph) -> str:
    return f"<p>{_inline(block.text)}</p>"


def _bullets(block: Bullets) -> str:
    return "<ul>\n" + "\n".join(f"<li>{_inline(item)}</li>" for item in block.items) + "\n</ul>"


def _table(block: Table) -> str:
    marks = [' class="number"' if title in block.numeric else "" for title in block.header]
    head = "".join(f"<th{mark}>{_escape(title)}</th>" for title, mark in zip(block.header, marks, strict=True))
    rows = "\n".join(
        "<tr>" + "".join(f"<td{mark}>{_inline(cell)}</td>" for cell, mark in zip(row, marks, strict=True)) + "</tr>"
        for row in block.rows
    )
    return f'<div class="scroll"><table>\n<thead><tr>{head}</tr></thead>\n<tbody>\n{rows}\n</tbody>\n</table></div>'


def _listing(block: Listing) -> str:
    return f"<pre><code>{escape(block.text.strip())}</code></pre>"


def _image(block: Image, figure: tuple[bytes, bytes]) -> str:
    # A script inside an SVG does not run where the SVG is an image.
    forms = ("svg+xml" if data.startswith(_SVG) else "png" for data in figure)
    texts = (base64.b64encode(data).decode("ascii") for data in figure)
    light, dark = (f"data:image/{form};base64,{text}" for form, text in zip(forms, texts, strict=True))
    return (
        f'<picture><source media="(prefers-color-scheme: dark)" srcset="{dark}">'
        f'<img src="{light}" alt="{_escape(block.description)}" width="{block.width}"></picture>'
    )


_WRITERS: dict[type, Callable[..., str]] = {
    Heading: _heading,
    Paragraph: _paragraph,
    Bullets: _bullets,
    Table: _table,
    Listing: _listing,
}
