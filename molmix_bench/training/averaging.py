"""The moving average of a network's weights, which predicts in their place."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager

import torch
from torch import Tensor, nn

_COUNT = "num_updates"


class MovingAverage:
    """An exponential moving average of weights and of running statistics, over steps.

    After step n, average <- d average + (1 - d) weights with d = min(decay, (1 + n) / (10 + n)): early on, when the
    weights still move fast, it follows them closely. The decay is reached at n = (10 decay - 1) / (1 - decay),
    0.998 after 4,490 steps and 0.995 after 1,790; a shorter training does not depend on it. Integers, such as counts of
    batches, are the network's own.

    Args:
        network: whose weights are averaged; the average begins as a copy of them.
        decay: the largest d, from 0 to below 1.
    """

    def __init__(self, network: nn.Module, *, decay: float) -> None:
        # Views of the network's own memory, which loading weights or moving averages in does not replace.
        self._own = {name: tensor for name, tensor in network.state_dict().items() if tensor.is_floating_point()}
        self._decay = decay
        self._num_updates = 0
        self._averages = {name: tensor.clone() for name, tensor in self._own.items()}

    @torch.no_grad()
    def update(self) -> None:
        """Takes in the weights after one more step."""
        self._num_updates += 1
        decay = min(self._decay, (1 + self._num_updates) / (10 + self._num_updates))
        # One call for all: weights are many and small, and each call would cost more than its arithmetic.
        torch._foreach_lerp_(list(self._averages.values()), list(self._own.values()), 1 - decay)

    @contextmanager
    def applied(self) -> Iterator[None]:
        """Gives the network its averages for a while, then its own weights back."""
        own = {name: tensor.clone() for name, tensor in self._own.items()}
        self._fill(self._averages)
        try:
            yield
        finally:
            self._fill(own)

    def state(self) -> dict[str, Tensor]:
        """Returns all that `load` needs to go on, by name."""
        return {**self._averages, _COUNT: torch.tensor(self._num_updates)}

    def load(self, state: Mapping[str, Tensor]) -> None:
        """Goes on from a state, the averages of the same network.

        Raises:
            KeyError: the state is of another network.
        """
        self._num_updates = int(state[_COUNT])
        for name, average in self._averages.items():
            average.copy_(state[name])

    @torch.no_grad()
    def _fill(self, values: Mapping[str, Tensor]) -> None:
        for name, tensor in self._own.items():
            tensor.copy_(values[name])
