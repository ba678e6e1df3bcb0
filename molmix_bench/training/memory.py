"""Memory that does not suffice, told as an error that says for what."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import torch

from molmix_bench.errors import RunError
from molmix_bench.graphs.batch import Batch


@contextmanager
def enough_memory(where: str, batch: Batch, *, fix: str) -> Iterator[None]:
    """Explains that memory does not suffice for what is done with a batch.

    Args:
        where: what is done, or the place of the batch.
        batch: that it is done with.
        fix: what may help.

    Raises:
        RunError: it does not.
    """
    try:
        yield
    except RuntimeError as error:
        if not is_out_of_memory(error):
            raise
        size = f"{batch.num_graphs:,} molecules with {len(batch.atom_code):,} atoms"
        raise RunError(where, found=f"too little memory for a batch of {size}", fix=fix) from error


def is_out_of_memory(error: RuntimeError) -> bool:
    """Whether PyTorch says that a GPU's memory, or the machine's, does not suffice.

    >>> is_out_of_memory(torch.OutOfMemoryError("CUDA out of memory")), is_out_of_memory(RuntimeError("shapes differ"))
    (True, False)
    """
    return isinstance(error, torch.OutOfMemoryError) or "can't allocate memory" in str(error)
