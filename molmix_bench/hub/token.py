"""The token of the usual login."""

from __future__ import annotations


def saved_token() -> str | None:
    """Returns the token of the Hub's client: of `HF_TOKEN`, or of `hf auth login`; None where there is none."""
    from huggingface_hub import get_token

    return get_token()
