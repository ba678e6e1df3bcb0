"""Losses, the training loop, checkpoints and predictions."""
