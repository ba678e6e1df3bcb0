"""Boards as pages: nothing loaded from elsewhere, legible without scripts, the same bytes from the same input."""
