"""`submit --check` on predictions for all of LargeMix's test splits: `python -m tests.benchmarks.checking`.

The mix has the rows, tasks, kinds and levels of LargeMix's `test` and `test_seen`, as upstream's scripts print their
sizes, and labels drawn at random as dense as LargeMix's; of the other splits it has nothing. Predictions are float32,
of one seed. What is measured is the command, from its start to its end, by the clock, the median of three runs: of a
submission that predicts every cell, and of one whose PCBA has predictions where there are labels and null elsewhere,
which takes a second reading.
"""

from __future__ import annotations

import hashlib
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from molmix_bench.metrics.predictions import prediction_path, write_predictions
from molmix_bench.mix import Mix
from molmix_bench.specs.catalog import load_mix_spec, resolve_sources
from molmix_bench.specs.manifest import FORMAT, Accounting, BuiltFile, DatasetEntry, Manifest, SplitEntry
from molmix_bench.vocab import LABEL, MANIFEST_FILE, MOL_ID, TASK_IDX, TASKS_FILE, Kind, Split
from tests.submissions.honest import facts_of, write_facts

BUDGET_SECONDS = 5.0
NUM_RUNS = 3
ROWS = {
    "l1000_vcap": {Split.TEST: 578, Split.TEST_SEEN: 748},
    "l1000_mcf7": {Split.TEST: 422, Split.TEST_SEEN: 1_065},
    "pcba_1328": {Split.TEST: 60_286, Split.TEST_SEEN: 56_512},
    "pcqm4m_g25": {Split.TEST: 148_759},
    "pcqm4m_n4": {Split.TEST: 148_759},
}
NUM_TASKS = {"l1000_vcap": 978, "l1000_mcf7": 978, "pcba_1328": 1_328, "pcqm4m_g25": 25, "pcqm4m_n4": 4}
NUM_CLASSES = 5
LABELLED, ACTIVE = 0.11, 0.015
ATOMS = (6, 20)
"""Heavy atoms of a molecule of PCQM4M, from and to, 14 on average."""


def main() -> None:
    """Prints the records, with the peak memory of the largest process."""
    with tempfile.TemporaryDirectory(prefix="molmix-checking-") as folder:
        for record in checking(Path(folder)):
            print(json.dumps(record), flush=True)  # noqa: T201  # a command


def checking(folder: Path) -> Iterator[dict[str, Any]]:
    """Yields the seconds that a check takes, which finds nothing wrong, for each of both submissions.

    Raises:
        AssertionError: it finds something.
    """
    mix, submission = folder / "mix", folder / "submission"
    # By another process: what this one has in memory counts as its children's.
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool:
        pool.submit(write_both, mix, submission).result()
    program = "from molmix_bench.cli import main; main()"
    command = [sys.executable, "-c", program, "submit", "--check", str(submission), "--mix", str(mix)]
    subprocess.run([*command[:3], "--help"], capture_output=True, check=True)  # compiles
    yield _measure("check a submission, LargeMix's test splits", command, submission)
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool:
        pool.submit(_predict_labelled, mix, submission).result()
    yield _measure("the same, PCBA predicted where it has labels", command, submission)


def _measure(name: str, command: list[str], submission: Path) -> dict[str, Any]:
    runs, peaks = [], []
    for _ in range(NUM_RUNS):
        with tempfile.TemporaryFile() as output:
            begin = time.perf_counter()
            process = subprocess.Popen(command, stdout=output, stderr=output)
            _, status, usage = os.wait4(process.pid, 0)
            runs.append(round(time.perf_counter() - begin, 2))
            process.returncode = status
            peaks.append(usage.ru_maxrss >> 10)
            output.seek(0)
            assert status == 0, output.read().decode()
    return {
        "name": name,
        "ours": statistics.median(runs),
        "runs": runs,
        "budget": BUDGET_SECONDS,
        "unit": "s",
        "prediction_bytes": sum(path.stat().st_size for path in submission.rglob("*.parquet")),
        "peak_rss_mib": max(peaks),
    }


def _predict_labelled(mix: Path, submission: Path) -> None:
    """Writes PCBA's predictions again, with null in every cell that has no label."""
    for split in ROWS["pcba_1328"]:
        table = Mix(mix).scan("pcba_1328", split).collect()
        values = np.full((table.height, NUM_TASKS["pcba_1328"]), np.nan, np.float32)
        rows = np.repeat(np.arange(table.height), table[TASK_IDX].list.len().to_numpy())
        values[rows, table[TASK_IDX].list.explode().to_numpy()] = 0.5
        path = prediction_path(submission / "predictions", "pcba_1328", split=split, seed=0)
        write_predictions(path, table[MOL_ID], values)


def write_both(mix: Path, submission: Path) -> None:
    """Writes the mix and a submission to it."""
    rng = np.random.default_rng(0)
    spec = load_mix_spec("largemix")
    spec = spec.model_copy(update={"sources": tuple(resolve_sources(spec))})
    entries, facts = {}, []
    for source in spec.sources:
        for name, dataset in source.datasets.items():
            splits = {}
            for split, num_rows in ROWS[name].items():
                ids = _ids(f"{name if name != 'pcqm4m_n4' else 'pcqm4m_g25'}/{split}", num_rows)
                num_nodes = rng.integers(*ATOMS, num_rows, endpoint=True) if name == "pcqm4m_n4" else None
                table = _labels(name, ids, num_nodes, rng)
                path = mix / name / f"{split}-00000-of-00001.parquet"
                path.parent.mkdir(parents=True, exist_ok=True)
                table.write_parquet(path, compression="zstd", row_group_size=10_000)
                splits[split] = SplitEntry(rows=num_rows, labels=0, digest="0" * 32)
                _predict(submission, name, str(split), ids=ids, num_nodes=num_nodes)
            none = Accounting(read=0, kept=0, merged=0)
            entries[name] = DatasetEntry(
                source=source.name, molecules=0, rows=none, labels=none, conflicts=0, splits=splits
            )
            facts += [_facts(name, str(dataset.level), dataset.kind, index) for index in range(NUM_TASKS[name])]
    pl.DataFrame(facts, infer_schema_length=None).write_parquet(mix / TASKS_FILE)
    manifest = Manifest(
        format=FORMAT,
        name=spec.name,
        version=spec.version,
        build_key="0" * 64,
        toolchain={},
        spec=spec,
        raw=(),
        datasets=entries,
        mix={},
        molecules=0,
        files=tuple(_built(mix, path) for path in sorted(mix.rglob("*.parquet"))),
    )
    (mix / MANIFEST_FILE).write_text(manifest.model_dump_json(), encoding="utf-8")
    record = {"name": spec.name, "version": spec.version, "build_key": "0" * 64, "datasets": list(entries)}
    write_facts(submission, facts_of(record, splits=("test", "test_seen"), seeds=(0,)))


def _ids(key: str, num_rows: int) -> pl.Series:
    """Returns ids as long and as unlike each other as InChIKeys."""
    digests = (hashlib.sha256(f"{key}/{row}".encode()).hexdigest().upper() for row in range(num_rows))
    return pl.Series(MOL_ID, [f"{digest[:14]}-{digest[14:24]}-N" for digest in digests])


def _labels(name: str, ids: pl.Series, num_nodes: np.ndarray | None, rng: np.random.Generator) -> pl.DataFrame:
    num_rows, num_tasks = len(ids), NUM_TASKS[name]
    if num_nodes is not None:
        offsets = pl.Series(np.repeat(np.arange(num_rows), num_nodes))
        columns = {f"t{task}": rng.normal(size=len(offsets)).astype(np.float32) for task in range(num_tasks)}
        lists = pl.DataFrame({"row": offsets, **columns}).group_by("row", maintain_order=True).all().drop("row")
        return pl.DataFrame([ids]).hstack(lists)
    if num_tasks <= 100:  # as the design has it
        return pl.DataFrame([ids, *(pl.Series(f"t{task}", rng.normal(size=num_rows)) for task in range(num_tasks))])
    is_pcba = name == "pcba_1328"
    rows, tasks = np.nonzero(rng.random((num_rows, num_tasks), np.float32) < (LABELLED if is_pcba else 1))
    labels = rng.random(len(rows)) < ACTIVE if is_pcba else rng.integers(0, NUM_CLASSES, len(rows))
    cells = pl.DataFrame({"row": rows, TASK_IDX: tasks.astype(np.int16), LABEL: labels.astype(np.int8)})
    return pl.DataFrame([ids]).hstack(cells.group_by("row", maintain_order=True).all().drop("row"))


def _predict(submission: Path, name: str, split: str, *, ids: pl.Series, num_nodes: np.ndarray | None) -> None:
    rng = np.random.default_rng(1)
    is_l1000 = name.startswith("l1000")
    num_rows = len(ids) if num_nodes is None else int(num_nodes.sum())
    values = rng.random((num_rows, NUM_TASKS[name] * (NUM_CLASSES if is_l1000 else 1)), np.float32)
    if is_l1000:
        by_class = values.reshape(num_rows, -1, NUM_CLASSES)
        by_class /= by_class.sum(axis=2, keepdims=True)
    path = prediction_path(submission / "predictions", name, split=split, seed=0)
    write_predictions(path, ids, values, num_nodes=num_nodes, num_classes=NUM_CLASSES if is_l1000 else None)


def _facts(name: str, level: str, kind: Kind, index: int) -> dict[str, object]:
    """Returns a row of `tasks.parquet`; what is drawn here can be scored in each split that there is."""
    row: dict[str, object] = {"dataset": name, "task": f"t{index}", "index": index, "level": level, "kind": str(kind)}
    row |= {"unit": None, "train_n_labels": 100, "train_min": -1.0, "train_max": 1.0, "train_mean": 0.0}
    return row | {"train_std": 1.0} | {f"{split}_scorable": split in ROWS[name] for split in Split}


def _built(mix: Path, path: Path) -> BuiltFile:
    return BuiltFile(path=path.relative_to(mix).as_posix(), sha256="0" * 64, num_bytes=path.stat().st_size, rows=None)


if __name__ == "__main__":
    main()
