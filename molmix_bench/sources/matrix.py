"""Labels in matrices of MATLAB files, read without running anything: numbers are taken, all else is refused."""

from __future__ import annotations

import zlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from molmix_bench.errors import SourceError
from molmix_bench.specs.readers import MatrixLabels

MAX_MATRIX_BYTES = 1 << 30
_NUMBERS = {"double", "single", *(f"{sign}int{bits}" for sign in ("", "u") for bits in (8, 16, 32, 64))}
_TOLERANCE = 1e-3
"""Relative; diagonals of different elements are over 15 % apart."""


class MatrixTable:
    """A matrix of labels and, where asked for, the elements of each row's molecule.

    Raises:
        SourceError: the file is damaged or of another version, or lacks a matrix of the right shape.
    """

    def __init__(self, spec: MatrixLabels, path: Path) -> None:
        self._spec = spec
        self._file = path.name
        names = [spec.variable] if spec.coulomb is None else [spec.variable, spec.coulomb]
        found = _load(path, names)
        self._labels = found[spec.variable]
        if self._labels.ndim != 2 or self._labels.shape[1] != len(spec.columns):  # noqa: PLR2004 - a matrix
            shape = " x ".join(map(str, self._labels.shape))
            expected = f"a row per molecule, and the {len(spec.columns)} columns of the source spec"
            raise SourceError(f"{path.name}, {spec.variable}", found=shape, expected=expected)
        self._coulomb = None if spec.coulomb is None else found[spec.coulomb]
        if self._coulomb is not None and (
            self._coulomb.ndim != 3  # noqa: PLR2004 - a matrix per molecule
            or len(self._coulomb) != len(self)
            or self._coulomb.shape[1] != self._coulomb.shape[2]
        ):
            shape = " x ".join(map(str, self._coulomb.shape))
            raise SourceError(f"{path.name}, {spec.coulomb}", found=shape, expected=f"{len(self):,} square matrices")

    def __len__(self) -> int:
        """Number of molecules."""
        return len(self._labels)

    def labels(self, row: int) -> dict[str, float]:
        """Returns one molecule's labels by column; NaN where there is none."""
        return dict(zip(self._spec.columns, self._labels[row].tolist(), strict=True))

    def contradiction(self, row: int, elements: Sequence[int]) -> str | None:
        """Returns why one row's Coulomb matrix is not that of a molecule of these elements, None where it may be.

        Its diagonal is half the atomic number to the power of 2.4, in any order, zeros filling it up.
        """
        if self._coulomb is None:
            return None
        diagonal = np.diagonal(self._coulomb[row])
        stated = np.sort(diagonal[diagonal != 0])
        own = np.sort(0.5 * np.asarray(elements, dtype=np.float64) ** 2.4)
        if len(stated) == len(own) and np.allclose(stated, own, rtol=_TOLERANCE, atol=0):
            return None
        return f"row {row:,} of {self._spec.coulomb} in {self._file} is of other elements than the structure"


def _load(path: Path, names: list[str]) -> dict[str, npt.NDArray[np.float64]]:
    from scipy.io import loadmat, whosmat  # heavy, and needed by this one file form
    from scipy.io.matlab import MatReadError

    damage = (ValueError, TypeError, OSError, EOFError, IndexError, NotImplementedError, zlib.error, MatReadError)
    try:
        known = {name: (shape, kind) for name, shape, kind in whosmat(path)}
        for name in names:
            _check(known, name, path)
        data: dict[str, Any] = loadmat(path, variable_names=names)
    except damage as error:
        text = " ".join(str(error).split()) or type(error).__name__
        found = f"unreadable: {text:.300}"
        raise SourceError(path.name, found=found, expected="a MATLAB file of version 5 to 7.2") from None
    return {name: np.asarray(data[name], dtype=np.float64) for name in names}


def _check(known: dict[str, tuple[tuple[int, ...], str]], name: str, path: Path) -> None:
    if name not in known:
        raise SourceError(path.name, found=f"no variable {name!r}", expected=f"it among {', '.join(known)}")
    shape, kind = known[name]
    if kind not in _NUMBERS:
        raise SourceError(f"{path.name}, {name}", found=f"a variable of type {kind}", expected="numbers")
    if np.prod([float(size) for size in shape]) * 8 > MAX_MATRIX_BYTES:
        raise SourceError(
            f"{path.name}, {name}", found=f"shape {shape}", expected=f"{MAX_MATRIX_BYTES:,} bytes at most"
        )
