"""Tests of markdown: what is data stays text, by the parser that another project wrote (markdown-it)."""

from __future__ import annotations

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from molmix_bench.cards.document import Bullets, Code, Heading, Link, Listing, Paragraph, Table, one_line
from molmix_bench.cards.markdown import render_markdown
from tests.cards.conftest import NASTY

PARSER = MarkdownIt("commonmark", {"html": True}).enable(["table", "strikethrough"])
TEXTS = st.text(alphabet=st.sampled_from("ab1 -+=#*_`[]()<>&|\\~!.:@/$\n\t\"'{}"), max_size=30) | st.text(max_size=20)


def _types(blocks):
    """Returns the types of every token, and the text of those that are text or code."""
    tokens = [child for token in PARSER.parse(render_markdown(blocks)) for child in [token, *(token.children or [])]]
    return [token.type for token in tokens], [
        token.content for token in tokens if token.type in ("text", "code_inline")
    ]


@example(" -")
@given(TEXTS)
def test_paragraph_is_one_text(text):
    """Any text in a paragraph is a paragraph with that text, and nothing else."""
    types, contents = _types([Paragraph(text)])
    assert set(types) <= {"paragraph_open", "inline", "text", "paragraph_close"}
    assert "".join(contents) == one_line(text)


@given(TEXTS)
def test_cells_stay_in_their_row(text):
    """A table of any texts has as many cells as were put in."""
    types, contents = _types([Table(("x", "y"), [[text, Code(text)], [Code(text), "end"]])])
    assert types.count("td_open") == 4
    assert not {"html_inline", "html_block", "link_open", "image", "em_open", "strong_open"} & set(types)
    assert contents[-1] == "end"


@given(TEXTS)
def test_listings_are_not_left(text):
    """Any text in a listing stays in it, whatever fences it holds."""
    tokens = PARSER.parse(render_markdown([Listing("bibtex", text), Paragraph("end")]))
    assert [token.type for token in tokens if token.nesting >= 0] == ["fence", "paragraph_open", "inline"]
    lines = text.replace("\r\n", "\n").replace("\r", "\n").replace("\0", "\ufffd")
    assert tokens[0].content.strip() == lines.strip()


@pytest.mark.parametrize("url", ["https://a.b/c(d)?e=[f]&g", "https://a.b/<x>", "https://a.b/`x`|y"])
def test_links(url):
    """A link leads where it should, in a table too."""
    types, _ = _types([Table(("x",), [[Link("text", url)]])])
    assert types.count("link_open") == 1
    assert types.count("td_open") == 1


def test_other_blocks():
    """Headings and bullets are what they are, with data in them as text."""
    types, contents = _types([Heading(2, NASTY), Bullets([NASTY, (NASTY, Code("x"))])])
    assert types.count("heading_open") == 1
    assert types.count("list_item_open") == 2
    assert "html_inline" not in types
    assert contents[0] == NASTY
