"""Eigenvalues and eigenvectors of many small symmetric matrices of one size.

LAPACK takes one matrix after the other, and rows of twenty numbers leave a processor's vector registers half empty.
Here matrices lie side by side along the innermost axis ("lanes"), and every step is taken by all of them at once:
Householder's reduction to tridiagonal form, then QL sweeps with implicit shifts (Golub and Van Loan, "Matrix
Computations", 8.3). For matrices of 23 rows, the usual size of a drug, that takes 0.4 of LAPACK's time.

A matrix's numbers depend neither on those beside it nor on the kind of processor, as those of a BLAS do.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from molmix_bench.graphs.compiled import compiled

Array = NDArray[Any]
Floats = NDArray[np.float64]

MAX_SIZE = 48
"""Larger matrices fill registers by themselves, and LAPACK's blocked loops keep them in the cache."""
_LANES = 64
"""Matrices at once: loops long enough to be worth entering, and few enough for a core's second cache."""
_SWEEPS = 30
"""Per eigenvalue; about two are needed."""
_EPSILON = float(np.finfo(np.float64).eps)


def decompose(matrices: Floats) -> tuple[Floats, Floats]:
    """Returns eigenvalues, increasing, and orthonormal eigenvectors of symmetric matrices, as `np.linalg.eigh` does.

    Shapes:
        matrices: (m, n, n).
        returns: (m, n), and (m, n, n) with the eigenvectors as columns.

    Raises:
        LinAlgError: a matrix holds numbers that are not finite.
    """
    count, size = matrices.shape[:2]
    if size > MAX_SIZE:
        values, vectors = np.linalg.eigh(matrices)
        return values, vectors
    values, vectors = np.empty((count, size)), np.empty((count, size, size))
    for start in range(0, count, _LANES):
        some = slice(start, start + _LANES)
        if not _decompose_lanes(np.moveaxis(matrices[some], 0, 2).copy(), values[some], vectors[some]):
            raise np.linalg.LinAlgError("Eigenvalues did not converge")
    return values, vectors


@compiled
def _decompose_lanes(matrices: Array, values: Array, vectors: Array) -> bool:
    size, _, lanes = matrices.shape
    diagonal, beside, basis = np.empty((size, lanes)), np.zeros((size, lanes)), np.zeros((size, size, lanes))
    factors = _reduce(matrices, diagonal, beside)
    _expand(matrices, factors, basis)
    if not _diagonalize(diagonal, beside, basis):
        return False
    for lane in range(lanes):
        order = np.argsort(diagonal[:, lane], kind="mergesort")
        for rank in range(size):
            values[lane, rank] = diagonal[order[rank], lane]
            for entry in range(size):
                vectors[lane, entry, rank] = basis[order[rank], entry, lane]
    return True


@compiled
def _reduce(matrices: Array, diagonal: Array, beside: Array) -> Array:
    """Makes matrices tridiagonal by reflections H = 1 - f v v^T, one for each row.

    Of each matrix only the upper half is used; v of row k takes the place of that row from k + 1 on.

    Returns:
        (size, lanes), the factor f of each reflection; 0 where a row needed none.
    """
    size, _, lanes = matrices.shape
    factors, product, total = np.zeros((size, lanes)), np.empty((size, lanes)), np.empty(lanes)
    for row in range(size - 2):
        vector = matrices[row]
        total[:] = 0.0
        for i in range(row + 2, size):
            for lane in range(lanes):
                total[lane] += vector[i, lane] * vector[i, lane]
        for lane in range(lanes):
            head, rest = vector[row + 1, lane], total[lane]
            norm = np.sqrt(head * head + rest)
            new = head if rest == 0.0 else (-norm if head >= 0.0 else norm)
            vector[row + 1, lane] = head - new
            factors[row, lane] = 0.0 if rest == 0.0 else 2.0 / ((head - new) * (head - new) + rest)
            beside[row, lane] = new
        _multiply(matrices, row, product, total)
        _subtract(matrices, row, factors[row], product, total)
    for row in range(size):
        for lane in range(lanes):
            diagonal[row, lane] = matrices[row, row, lane]
    if size > 1:
        beside[size - 2] = matrices[size - 2, size - 1]
    return factors


@compiled
def _multiply(matrices: Array, row: int, product: Array, total: Array) -> None:
    """Computes A v for the part of the matrices behind a row, whose vector v is."""
    size, _, lanes = matrices.shape
    vector = matrices[row]
    product[row + 1 :] = 0.0
    for i in range(row + 1, size):
        for lane in range(lanes):
            total[lane] = matrices[i, i, lane] * vector[i, lane]
        for j in range(i + 1, size):
            for lane in range(lanes):
                entry = matrices[i, j, lane]
                total[lane] += entry * vector[j, lane]
                product[j, lane] += entry * vector[i, lane]
        for lane in range(lanes):
            product[i, lane] += total[lane]


@compiled
def _subtract(matrices: Array, row: int, factor: Array, product: Array, total: Array) -> None:
    """Replaces A by H A H = A - v w^T - w v^T, where w = f (A v - f/2 (v^T A v) v)."""
    size, _, lanes = matrices.shape
    vector = matrices[row]
    total[:] = 0.0
    for i in range(row + 1, size):
        for lane in range(lanes):
            total[lane] += product[i, lane] * vector[i, lane]
    for i in range(row + 1, size):
        for lane in range(lanes):
            half = 0.5 * factor[lane] * total[lane]
            product[i, lane] = factor[lane] * (product[i, lane] - half * vector[i, lane])
    for i in range(row + 1, size):
        for j in range(i, size):
            for lane in range(lanes):
                matrices[i, j, lane] -= vector[i, lane] * product[j, lane] + product[i, lane] * vector[j, lane]


@compiled
def _expand(matrices: Array, factors: Array, basis: Array) -> None:
    """Multiplies all reflections out; row j of the basis is column j of their product."""
    size, _, lanes = matrices.shape
    total = np.empty(lanes)
    for i in range(size):
        basis[i, i] = 1.0
    for row in range(size - 3, -1, -1):
        vector = matrices[row]
        for j in range(row + 1, size):
            total[:] = 0.0
            for i in range(row + 1, size):
                for lane in range(lanes):
                    total[lane] += vector[i, lane] * basis[j, i, lane]
            for lane in range(lanes):
                total[lane] *= factors[row, lane]
            for i in range(row + 1, size):
                for lane in range(lanes):
                    basis[j, i, lane] -= total[lane] * vector[i, lane]


@compiled
def _diagonalize(diagonal: Array, beside: Array, basis: Array) -> bool:
    """Makes tridiagonal matrices diagonal, each lane at its own pace; returns whether all have come to an end."""
    size, lanes = diagonal.shape
    negligible = np.zeros(lanes)
    for row in range(size):
        for lane in range(lanes):
            scale = abs(diagonal[row, lane]) + abs(beside[row, lane])
            negligible[lane] = max(negligible[lane], _EPSILON * scale)
    first, last = np.zeros(lanes, np.int64), np.empty(lanes, np.int64)
    for _ in range(_SWEEPS * size):
        low, high = _choose_blocks(beside, negligible, first, last)
        if low == size:
            return True
        _sweep(diagonal, beside, basis, (first, last), (low, high))
    return False


@compiled
def _choose_blocks(beside: Array, negligible: Array, first: Array, last: Array) -> tuple[int, int]:
    """Finds in each lane the first block that is not yet diagonal; a lane that is done begins at `size`.

    Returns:
        The rows that all blocks together span; (size, 0) where every lane is done.
    """
    size, lanes = beside.shape
    low, high = size, 0
    for lane in range(lanes):
        begin, end = first[lane], 0
        while begin < size:
            end = begin
            # NaN is not negligible: it stays in a block, which never becomes diagonal.
            while end < size - 1 and not abs(beside[end, lane]) <= negligible[lane]:
                end += 1
            if end > begin:
                low, high = min(low, begin), max(high, end)
                break
            begin += 1
        first[lane], last[lane] = begin, end
    return low, high


@compiled
def _sweep(diagonal: Array, beside: Array, basis: Array, block: tuple[Array, Array], rows: tuple[int, int]) -> None:
    """Turns the rows of every block, from its last to its first; lanes outside of theirs stand still meanwhile."""
    size, lanes = diagonal.shape
    first, last = block
    # What EISPACK calls g, s, c, p; and the turn of this row, which is none for lanes that stand still.
    bulge, sine, cosine, shift = np.zeros(lanes), np.ones(lanes), np.ones(lanes), np.zeros(lanes)
    turn_sine, turn_cosine = np.empty(lanes), np.empty(lanes)
    for lane in range(lanes):
        if first[lane] < size:
            bulge[lane] = _shifted(diagonal, beside, lane, first[lane], last[lane])
    for row in range(rows[1] - 1, rows[0] - 1, -1):
        for lane in range(lanes):
            moving = (row >= first[lane]) & (row < last[lane])
            next_off, near = sine[lane] * beside[row, lane], cosine[lane] * beside[row, lane]
            norm = np.sqrt(next_off * next_off + bulge[lane] * bulge[lane])
            inverse = 0.0 if norm == 0.0 else 1.0 / norm
            new_sine, new_cosine = 1.0 if norm == 0.0 else next_off * inverse, bulge[lane] * inverse
            behind = diagonal[row + 1, lane] - shift[lane]
            slope = (diagonal[row, lane] - behind) * new_sine + 2.0 * new_cosine * near
            beside[row + 1, lane] = norm if moving else beside[row + 1, lane]
            diagonal[row + 1, lane] = behind + new_sine * slope if moving else diagonal[row + 1, lane]
            shift[lane] = new_sine * slope if moving else shift[lane]
            bulge[lane] = new_cosine * slope - near if moving else bulge[lane]
            sine[lane] = new_sine if moving else sine[lane]
            cosine[lane] = new_cosine if moving else cosine[lane]
            turn_sine[lane] = new_sine if moving else 0.0
            turn_cosine[lane] = new_cosine if moving else 1.0
        _turn(basis[row], basis[row + 1], turn_sine, turn_cosine)
    for lane in range(lanes):
        if first[lane] < size:
            diagonal[first[lane], lane] -= shift[lane]
            beside[first[lane], lane] = bulge[lane]
            beside[last[lane], lane] = 0.0


@compiled
def _shifted(diagonal: Array, beside: Array, lane: int, first: int, last: int) -> Any:
    """Returns the last entry of a block less Wilkinson's shift, an estimate of the eigenvalue that comes first."""
    half = (diagonal[first + 1, lane] - diagonal[first, lane]) / (2.0 * beside[first, lane])
    root = np.sqrt(half * half + 1.0)
    step = beside[first, lane] / (half + (root if half >= 0.0 else -root))
    return diagonal[last, lane] - diagonal[first, lane] + step


@compiled
def _turn(one: Array, other: Array, sine: Array, cosine: Array) -> None:
    for entry in range(one.shape[0]):
        for lane in range(one.shape[1]):
            upper, lower = one[entry, lane], other[entry, lane]
            other[entry, lane] = sine[lane] * upper + cosine[lane] * lower
            one[entry, lane] = cosine[lane] * upper - sine[lane] * lower
