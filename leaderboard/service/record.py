"""What answers are made of."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel, ConfigDict


class Record(BaseModel):
    """A part of an answer; what stands below its keys describes them in the API's description too."""

    model_config = ConfigDict(use_attribute_docstrings=True)


class Refusal(Record):
    """Why something was refused."""

    problem: str
    """What is wrong and what to do, in a sentence or two."""


PUBLIC: dict[int | str, dict[str, Any]] = {422: {"model": Refusal, "description": "Something was asked for wrongly."}}
"""Answers of every route, for its description."""
FOR_USERS: dict[int | str, dict[str, Any]] = PUBLIC | {
    401: {"model": Refusal, "description": "There is no token, or it is nobody's."},
    404: {"model": Refusal, "description": "There is no such thing, or it is another user's."},
    429: {"model": Refusal, "description": "Too much; Retry-After says when to ask again."},
}
