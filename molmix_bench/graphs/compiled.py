"""Compiling loops over plain arrays to machine code."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

import numba

Function = TypeVar("Function", bound=Callable[..., Any])


def compiled(function: Function) -> Function:
    """Returns the function, compiled at its first call with each combination of argument types.

    It runs in one thread and without the interpreter's lock; dividing by 0 gives what floating-point arithmetic says,
    since a check would keep loops from using vector registers. The machine code is kept on disk beside the module, or
    in the user's cache where that folder is read-only; where neither can be written, each process compiles anew.
    """
    try:
        return numba.njit(function, cache=True, nogil=True, error_model="numpy")  # type: ignore[no-any-return]  # numba has no types
    except RuntimeError:  # numba found no place for its cache
        return numba.njit(function, nogil=True, error_model="numpy")  # type: ignore[no-any-return]
