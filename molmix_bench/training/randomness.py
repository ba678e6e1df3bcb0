"""Random numbers that depend on a seed and an epoch alone, and sums in one order, so that a resumed epoch repeats."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
import torch


@contextmanager
def seeded(seed: int, epoch: int, *, device: torch.device, rank: int = 0) -> Iterator[None]:
    """Seeds torch for one epoch of one seed, and gives the caller's random state back afterwards.

    Args:
        seed: of the network.
        epoch: from 1; 0 stands for the initial weights.
        device: whose generator is seeded beside the CPU's.
        rank: of the process among those that train one network; each draws numbers of its own.

    >>> with seeded(0, 1, device=torch.device("cpu")):
    ...     first = torch.rand(1)
    >>> with seeded(0, 1, device=torch.device("cpu")):
    ...     bool(torch.rand(1) == first)
    True
    """
    # Mixed rather than added, or seed 0 in epoch 2 would draw what seed 1 drew in epoch 1.
    mixed = int(np.random.SeedSequence((seed, epoch, rank) if rank else (seed, epoch)).generate_state(1, np.uint64)[0])
    with torch.random.fork_rng(devices=[device] if device.type == "cuda" else []):
        torch.manual_seed(mixed)
        yield


@contextmanager
def deterministic(device: torch.device) -> Iterator[None]:
    """Has a GPU add up in one order, and gives the caller's setting back afterwards.

    Sums over neighbours are made by threads that otherwise come in any order, and float32 sums depend on it: without
    this, two trainings of the same seed differ in their last bits from the first step on. A CPU needs nothing.

    Args:
        device: on which is trained or predicted.
    """
    if device.type != "cuda":
        yield
        return
    # Which cuBLAS wants to be told before it is first used; either of the two values that PyTorch accepts.
    os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")
    before, warns = torch.are_deterministic_algorithms_enabled(), torch.is_deterministic_algorithms_warn_only_enabled()
    settings: Any = torch.utils.deterministic
    fills = settings.fill_uninitialized_memory
    torch.use_deterministic_algorithms(True)
    # Nothing here reads memory that it has not written, and filling it costs a kernel a tensor.
    settings.fill_uninitialized_memory = False
    try:
        yield
    finally:
        torch.use_deterministic_algorithms(before, warn_only=warns)
        settings.fill_uninitialized_memory = fills
