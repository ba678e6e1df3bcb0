"""How near a molecule is to the nearest of those that were trained on: Tanimoto similarity of Morgan fingerprints."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numba
import numpy as np
from numba import types
from numba.extending import intrinsic
from numpy.typing import NDArray

from molmix_bench.atomic import written_whole
from molmix_bench.chem.fingerprint import packed_morgan
from molmix_bench.errors import RunError

RADIUS, NUM_BITS = 2, 2_048
NEAR_SHARE = 0.95
"""Of the training molecules, each compared with all others, so many are nearer than the usual threshold."""
_SAMPLED = 1_000
_CHUNK = 4_096

Words = NDArray[np.uint64]


@dataclass(frozen=True, slots=True, eq=False)
class Neighbours:
    """The fingerprints of the molecules trained on, by increasing number of bits.

    Shapes:
        words: (n, 32) uint64. counts: (n,) int64, bits of each.
    """

    words: Words
    counts: NDArray[np.int64]

    @classmethod
    def of(cls, packed: NDArray[np.uint8]) -> Neighbours:
        """Returns those with these packed fingerprints, (n, 256)."""
        words = np.ascontiguousarray(packed).view(np.uint64)
        counts = np.bitwise_count(words).sum(axis=1).astype(np.int64)
        order = np.argsort(counts, kind="stable")
        return cls(words[order], counts[order])

    def nearest(self, smiles: Sequence[str]) -> NDArray[np.float32]:
        """Returns the similarity of the nearest molecule to each stored SMILES, (len(smiles),), from 0 to 1."""
        queries = Neighbours.packed(smiles).view(np.uint64)
        counts = np.bitwise_count(queries).sum(axis=1).astype(np.int64)
        nobody = np.full(len(queries), -1, np.int64)
        return _nearest((self.words, self.counts), np.ascontiguousarray(queries), counts, nobody).astype(np.float32)

    def usual(self) -> float:
        """Returns the similarity to the nearest other one that 95 of 100 of these molecules exceed.

        It is that of a thousand of them, evenly spread. A new molecule with less is further from all that was trained
        on than these are from each other.
        """
        chosen = np.unique(np.linspace(0, len(self.words) - 1, min(_SAMPLED, len(self.words))).astype(np.int64))
        found = _nearest((self.words, self.counts), self.words[chosen], self.counts[chosen], chosen)
        return float(np.quantile(found, 1 - NEAR_SHARE))

    @staticmethod
    def packed(smiles: Sequence[str]) -> NDArray[np.uint8]:
        """Returns packed fingerprints of stored SMILES, (len(smiles), 256)."""
        return packed_morgan(smiles, radius=RADIUS, num_bits=NUM_BITS)

    @classmethod
    def of_smiles(cls, smiles: Iterable[str]) -> Neighbours:
        """Returns those with these stored SMILES."""
        texts = list(smiles)
        parts = [cls.packed(texts[first : first + _CHUNK]) for first in range(0, len(texts), _CHUNK)]
        return cls.of(np.concatenate([np.empty((0, NUM_BITS // 8), np.uint8), *parts]))

    def write(self, path: Path) -> None:
        """Writes them into a file, from where several processes can read them."""
        with written_whole(path) as part, part.open("wb") as file:
            np.save(file, self.words)


def read_neighbours(path: Path) -> Neighbours:
    """Returns what `Neighbours.write` wrote, read from the disk where it is used.

    Raises:
        RunError: the file is damaged.
    """
    try:
        words = np.load(path, mmap_mode="r")
    except (OSError, ValueError, EOFError) as error:
        raise RunError(str(path), found=f"no readable fingerprints ({error})", fix="run again") from None
    return Neighbours(words, np.bitwise_count(words).sum(axis=1).astype(np.int64))


def _count_bits(typing_context: Any, word: Any) -> Any:  # noqa: ARG001  # numba's form of an intrinsic
    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:  # noqa: ARG001
        return builder.ctpop(arguments[0])

    return types.uint64(types.uint64), generate


_ctpop: Any = intrinsic(_count_bits)
"""The number of bits of a word, which processors have an instruction for."""


@numba.njit(cache=True, nogil=True)
def _nearest(
    known: tuple[Words, NDArray[np.int64]], queries: Words, counts: NDArray[np.int64], itself: NDArray[np.int64]
) -> NDArray[np.float64]:
    """Returns the largest similarity of each query to those known, leaving out `itself` (its place, or -1).

    Two fingerprints of a and b bits cannot be more similar than min(a, b) / max(a, b), so the search goes from equal
    numbers of bits outward, and ends where nothing better can come.
    """
    words, sizes = known
    found = np.zeros(len(queries))
    for query in range(len(queries)):
        size, best = counts[query], 0.0
        above = np.searchsorted(sizes, size)
        below = above - 1
        while above < len(sizes) or below >= 0:
            moved = False
            if above < len(sizes) and size > best * sizes[above]:
                if above != itself[query]:
                    best = max(best, _similarity(words[above], queries[query], sizes[above] + size))
                above += 1
                moved = True
            if below >= 0 and sizes[below] > best * size:
                if below != itself[query]:
                    best = max(best, _similarity(words[below], queries[query], sizes[below] + size))
                below -= 1
                moved = True
            if not moved:
                break
        found[query] = best
    return found


@numba.njit(cache=True, nogil=True)
def _similarity(one: Words, other: Words, total: int) -> float:
    common = np.uint64(0)
    for place in range(len(one)):
        common += _ctpop(one[place] & other[place])
    return float(common) / (total - float(common)) if total else 0.0
