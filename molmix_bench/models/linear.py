"""A linear layer that is quick in bfloat16 on a CPU too, where each new number of rows costs."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

_SIZES_PER_OCTAVE = 8
"""Numbers of rows between one power of two and the next: an eighth at most is padding."""


class Linear(nn.Linear):
    """As PyTorch's, with rows padded by zeros up to one of a few numbers where autocast is on and the device a CPU.

    No two batches have as many atoms, and oneDNN compiles a multiplication of bfloat16 anew for every shape, which
    takes as long as the multiplication itself. Outputs and gradients are the same as without the padding.
    """

    def forward(self, input: Tensor) -> Tensor:  # noqa: A002  # PyTorch's name
        """Returns (n, out_features), bfloat16 under autocast."""
        if input.device.type != "cpu" or not torch.is_autocast_enabled("cpu"):
            return super().forward(input)
        dtype = torch.get_autocast_dtype("cpu")
        bias = self.weight.new_zeros(self.out_features) if self.bias is None else self.bias
        outputs: Tensor = _PaddedLinear.apply(input, self.weight, bias, dtype)  # type: ignore[no-untyped-call]  # PyTorch's
        return outputs


def padded_size(num_rows: int) -> int:
    """Returns the number of rows to compute with.

    >>> [padded_size(n) for n in (0, 1, 16, 17, 33, 3_250, 3_500)]
    [0, 1, 16, 18, 36, 3328, 3584]
    """
    step = max(1, (1 << max(0, num_rows - 1).bit_length()) // (2 * _SIZES_PER_OCTAVE))
    return -(-num_rows // step) * step


class _PaddedLinear(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, rows: Tensor, weight: Tensor, bias: Tensor, dtype: torch.dtype) -> Tensor:
        padded, low = _pad(rows, dtype), weight.to(dtype)
        ctx.save_for_backward(padded, low)
        ctx.dtypes = rows.dtype, weight.dtype, bias.dtype
        return torch.addmm(bias.to(dtype), padded, low.t())[: len(rows)]

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor | None, Tensor, Tensor, None]:
        (gradient,) = gradients
        padded, low = ctx.saved_tensors
        of_rows, of_weight, of_bias = ctx.dtypes
        full = _pad(gradient, low.dtype)
        rows = (full @ low)[: len(gradient)].to(of_rows) if ctx.needs_input_grad[0] else None
        return rows, (full.t() @ padded).to(of_weight), gradient.to(of_bias).sum(0), None


def _pad(rows: Tensor, dtype: torch.dtype) -> Tensor:
    """Returns rows in another dtype, with zeros below."""
    padded = rows.new_empty((padded_size(len(rows)), rows.shape[1]), dtype=dtype)
    padded[: len(rows)] = rows
    padded[len(rows) :] = 0
    return padded
