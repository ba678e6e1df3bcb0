"""Asking for memory before it is needed.

The molecules of a batch lie anywhere in a store, so that each is a miss of the cache, and a processor does not see the
next one coming behind the loop over the atoms of this one. Asked for some molecules ahead, they arrive in time: loops
over data that no cache holds take half as long.
"""

from __future__ import annotations

from typing import Any

from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic

from molmix_bench.graphs.compiled import compiled

AHEAD = 8
"""Rows between that being copied and that being asked for."""
_LINE = 64
"""Bytes that arrive together."""


def _prefetch(typing_context: Any, array: Any, index: Any) -> Any:  # noqa: ARG001  # numba's form of an intrinsic
    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        array_type = signature.args[0]
        struct = context.make_array(array_type)(context, builder, arguments[0])
        element = cgutils.get_item_pointer(context, builder, array_type, struct, [arguments[1]], wraparound=False)  # type: ignore[no-untyped-call]  # numba's
        integer, pointer = ir.IntType(32), ir.IntType(8).as_pointer()
        form = ir.FunctionType(ir.VoidType(), [pointer, integer, integer, integer])
        function = builder.module.declare_intrinsic("llvm.prefetch", [pointer], form)
        # To be read (0), again soon (3), as data (1).
        options = [ir.Constant(integer, option) for option in (0, 3, 1)]
        builder.call(function, [builder.bitcast(element, pointer), *options])
        return context.get_dummy_value()

    return types.void(array, types.intp), generate


prefetch: Any = intrinsic(_prefetch)
"""Asks for the element of an array, (n,), at an index, which must be there; without effect on anything but time."""


@compiled
def prefetch_slice(source: Any, begin: int, end: int) -> None:
    """Asks for a slice of an array, (n,)."""
    for index in range(begin, end, _LINE // source.itemsize):
        prefetch(source, index)


@compiled
def prefetch_rows(ptr: Any, source: Any, width: int, rows: Any, at: int) -> None:
    """Asks for what a loop over `rows` that is at place `at` will need soon.

    Args:
        ptr: (num_rows + 1,), where each row begins in `source`, in units of `width`.
        source: (n,).
        width: elements.
        rows: (k,), which the loop copies.
        at: below k.
    """
    last = len(rows) - 1
    prefetch(ptr, rows[min(at + 2 * AHEAD, last)])
    row = rows[min(at + AHEAD, last)]
    prefetch_slice(source, width * ptr[row], width * ptr[row + 1])
