"""Prediction files spoilt at random, read and scored in a process with limits.

Every file must give scores or a refusal. A file that ends the process is a refusal too, whose cost is that process;
an exception that is no refusal fails the soak.
"""

from __future__ import annotations

import random
import time
from collections import Counter
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from molmix_bench.errors import SubmissionError
from molmix_bench.mix import Mix
from molmix_bench.submissions.confined import Limits, run_confined
from tests.submissions.honest import bomb, build_mix
from tests.submissions.mutations import mutate, outcomes

BATCH = 500
LIMITS = Limits(memory_bytes=1 << 30, cpu_seconds=20, wall_seconds=60)
FORMS = ("float16", "float32", "float64")
COMPRESSIONS = ("none", "zstd", "snappy", "gzip")


def soak_submissions(folder: Path, *, num: int, seed: int) -> dict[str, object]:
    """Reads `num` spoilt files and returns what was counted.

    Raises:
        AssertionError: an outcome is neither scores nor a refusal.
    """
    mix = build_mix(folder / "mix")
    chance = random.Random(seed)
    samples = [*_samples(folder, mix, chance), bomb()]
    counted: Counter[str] = Counter()
    ends: Counter[str] = Counter()
    began = time.monotonic()
    for first in range(0, num, BATCH):
        paths = []
        for number in range(first, min(num, first + BATCH)):
            path = folder / f"{number}.parquet"
            path.write_bytes(mutate(chance.choice(samples), chance))
            paths.append(str(path))
        counted += _read(paths, mix, ends)
        for path in paths:
            Path(path).unlink()
    seconds = time.monotonic() - began
    assert counted["refused"] + counted["scores"] + counted["ended"] == num
    return {
        "inputs": num,
        "inputs per second": round(num / seconds, 1),
        "outcomes": dict(counted),
        "ends": dict(ends),
    }


def _samples(folder: Path, mix: Mix, chance: random.Random) -> list[bytes]:
    """Returns honest files in many of the forms that parquet has."""
    ids = mix.scan("size", "test").collect()["mol_id"].to_list()
    made = []
    for form in FORMS:
        values = pa.array(np.full((len(ids) * 2,), chance.random()).astype(form))
        lists = pa.ListArray.from_arrays(pa.array(range(0, len(ids) * 2 + 1, 2), pa.int32()), values)
        table = pa.table({"mol_id": ids, "prediction": lists})
        for compression in COMPRESSIONS:
            path = folder / "sample.parquet"
            options = {"compression": compression, "use_dictionary": chance.random() < 0.5}
            pq.write_table(table, path, **options, row_group_size=chance.choice([3, 100]))
            made.append(path.read_bytes())
    return made


def _read(paths: list[str], mix: Mix, ends: Counter[str]) -> Counter[str]:
    """Returns how many files gave what; a process that ends is followed by one for the rest."""
    counted: Counter[str] = Counter()
    left = list(paths)
    while left:
        arguments = {"paths": left, "mix": str(mix.path), "dataset": "size", "split": "test"}
        done = 0
        try:
            for _, outcome in run_confined(outcomes, arguments, limits=LIMITS):
                if outcome != "begun":
                    done += 1
                    counted[outcome.partition(":")[0]] += 1
        except SubmissionError as error:
            if error.found.startswith("reading it fails"):
                raise AssertionError(f"{Path(left[done]).read_bytes()!r}: {error}") from error
            counted["ended"] += 1
            ends[error.found[:60]] += 1
            done += 1
        left = left[done:]
    return counted
