"""A page as tests look at it."""

from __future__ import annotations

from html.parser import HTMLParser


class Tags(HTMLParser):
    """Collects every tag with its attributes, and the text."""

    def __init__(self, page):
        super().__init__()
        self.tags, self.text = [], ""
        self.feed(page)

    def handle_starttag(self, tag, attrs):
        """Notes a tag."""
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data):
        """Notes text."""
        self.text += data
