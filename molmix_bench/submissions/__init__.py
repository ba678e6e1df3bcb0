"""Prediction files: their format, their checks, their scores."""
