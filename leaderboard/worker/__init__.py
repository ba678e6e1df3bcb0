"""Processes that check and score what is in the queue."""
