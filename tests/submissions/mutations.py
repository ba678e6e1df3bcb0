"""Prediction files spoilt at random, and what reading and scoring says of each."""

from __future__ import annotations

import random
from collections.abc import Iterator
from pathlib import Path

from molmix_bench.errors import SubmissionError
from molmix_bench.metrics.evaluate import evaluate_reference
from molmix_bench.metrics.reference import read_reference
from molmix_bench.mix import Mix
from molmix_bench.submissions.format import read_predictions
from molmix_bench.submissions.lists import PredictionShape

FOOTER_BYTES = 900
"""About where the footer of a small file begins, counted from its end: where a changed byte matters most."""


def mutate(data: bytes, chance: random.Random) -> bytes:
    """Returns the bytes with one to four random changes."""
    for _ in range(chance.randint(1, 4)):
        data = chance.choice(_CHANGES)(data, chance)
    return data


def damaged(whole: bytes, num: int) -> Iterator[bytes]:
    """Yields copies with one to four bytes overwritten, a third of them cut too; the same ones every time."""
    chance = random.Random(0)
    for _ in range(num):
        copy = bytearray(whole)
        for _ in range(chance.randint(1, 4)):
            copy[chance.randrange(len(copy))] = chance.randrange(256)
        yield bytes(copy[: chance.choice([len(whole), len(whole), chance.randrange(len(whole))])])


def outcomes(paths: list[str], mix: str, dataset: str, split: str) -> Iterator[list[str]]:
    """Yields each path, then `scores` or the first words of the refusal; meant for a process with limits."""
    opened = Mix(mix)
    entry, reference = opened.datasets[dataset], read_reference(opened, dataset, split)
    shape = PredictionShape(entry.level, len(entry.tasks), entry.num_classes)
    for path in paths:
        yield [path, "begun"]
        try:
            given = read_predictions(Path(path), shape)
            evaluate_reference(
                reference,
                mol_id=given.mol_id,
                prediction=given.values,
                num_nodes=given.num_nodes,
                seed=0,
                where=path,
            )
        except SubmissionError as error:
            yield [path, f"refused: {error.found[:20]}"]
        else:
            yield [path, "scores"]


def _place(data: bytes, chance: random.Random) -> int:
    first = max(0, len(data) - FOOTER_BYTES) if chance.random() < 0.7 else 0
    return chance.randrange(first, max(first + 1, len(data)))


def _flip(data: bytes, chance: random.Random) -> bytes:
    place = _place(data, chance)
    return data[:place] + bytes([data[place] ^ (1 << chance.randrange(8))]) + data[place + 1 :] if data else data


def _overwrite(data: bytes, chance: random.Random) -> bytes:
    place, length = _place(data, chance), chance.choice([1, 2, 4, 8, 64])
    filling = chance.choice([b"\x00" * length, b"\xff" * length, b"\x7f" * length, chance.randbytes(length)])
    return data[:place] + filling + data[place + length :]


def _cut(data: bytes, chance: random.Random) -> bytes:
    place = _place(data, chance)
    return data[:place] if chance.random() < 0.3 else data[:place] + data[place + chance.randint(1, 40) :]


def _repeat(data: bytes, chance: random.Random) -> bytes:
    place, length = _place(data, chance), chance.randint(1, 200)
    return data[:place] + data[place : place + length] * chance.randint(2, 4) + data[place + length :]


def _varint(data: bytes, chance: random.Random) -> bytes:
    """Puts a large number where one may stand, as Thrift writes it: 10**9 rows, 2**40 bytes, a negative one."""
    number = chance.choice([10**9, 1 << 31, 1 << 40, (1 << 63) - 1, 1])
    zigzag = (number << 1) ^ chance.choice([0, 1])
    coded = bytearray()
    while zigzag >= 0x80:
        coded.append(zigzag & 0x7F | 0x80)
        zigzag >>= 7
    coded.append(zigzag)
    place = _place(data, chance)
    return data[:place] + bytes(coded) + data[place + chance.randint(0, 2) :]


def _footer_length(data: bytes, chance: random.Random) -> bytes:
    length = chance.choice([0, 1, 8, len(data), len(data) - 12, (1 << 32) - 1, 1 << 22])
    return data[:-8] + max(0, length).to_bytes(4, "little") + data[-4:]


_CHANGES = (_flip, _flip, _flip, _overwrite, _overwrite, _cut, _repeat, _varint, _varint, _footer_length)
