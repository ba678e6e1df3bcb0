"""Boards as a static site: no script, nothing loaded from elsewhere, the same bytes from the same input."""
