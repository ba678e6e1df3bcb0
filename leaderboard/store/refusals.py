"""What a caller is told who asks for what cannot be."""

from __future__ import annotations

from typing import Any


class RefusalError(Exception):
    """A refusal, with the status that it has over HTTP.

    Args:
        status: of HTTP.
        problem: what is wrong and what to do, in one or two sentences.
        after_s: seconds after which the same may be asked again; none where that does not help.
        more: beside the problem in the answer.
    """

    def __init__(self, status: int, problem: str, *, after_s: float | None = None, **more: Any) -> None:
        self.status = status
        self.problem = problem
        self.after_s = after_s
        self.more = more
        super().__init__(status, problem)
