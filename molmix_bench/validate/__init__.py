"""Checks of a built mix, one per file: a mix in, findings out."""
