"""A coverage-guided fuzzer over every reader of submissions: YAML, prediction files of both levels, whole folders.

libFuzzer by way of atheris keeps the inputs that reach code no other has reached, and goes on from those. Every input
is read or refused; any other exception, an input that takes too long, and an end of the process that is not Arrow's
own fails the soak. Here `num` is in seconds of processor time, shared by the targets.
"""

from __future__ import annotations

import os
import re
import resource
import subprocess
import sys
from collections import Counter
from dataclasses import dataclass, field
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from molmix_bench.metrics.predictions import prediction_path, write_predictions
from molmix_bench.mix import Mix
from molmix_bench.specs.submission import SubmissionSpec
from tests.build.tiny import ALKANES, build_tiny, table_source
from tests.submissions.honest import bomb, facts_of, write_facts

TARGETS = {"yaml": 0.2, "size": 0.25, "atoms": 0.25, "folder": 0.3}
"""Of the time."""
NUM_CLASSES = 3
SECONDS_PER_INPUT = 900
"""By the clock, for what never ends inside a library; the target has a limit of its own, by the processor's time."""
MAX_BYTES = 16 << 10
PROGRESS = re.compile(r"^#(\d+)\s+([A-Z]+)\s+cov: (\d+) ft: (\d+)", re.MULTILINE)
UNITS = re.compile(r"number_of_executed_units: (\d+)")
ARTIFACT = re.compile(r"(crash|oom|timeout|slow-unit|leak)-[0-9a-f]+")
LIBRARY = re.compile(r"arrow|parquet|std::|terminate called|libarrow", re.IGNORECASE)
"""In what the process says at its end, where Arrow ends it, as a failed assertion or an exception it does not catch."""
ROOT = Path(__file__).parent.parent.parent


@dataclass(slots=True)
class Counted:
    """What one target came to."""

    executions: int = 0
    first: tuple[int, int] = (0, 0)
    """Edges and features that the first inputs reach."""
    last: tuple[int, int] = (0, 0)
    ends: Counter[str] = field(default_factory=Counter)


def soak_fuzz(folder: Path, *, num: int, seed: int) -> dict[str, object]:
    """Fuzzes for `num` seconds of processor time and returns what was counted.

    Raises:
        AssertionError: an input is neither read nor refused, or takes too long.
    """
    if find_spec("atheris") is None:
        raise SystemExit("the soak `fuzz` needs atheris, which has wheels for Linux: pip install atheris")
    mix = build(folder)
    counted: dict[str, object] = {}
    for name, share in TARGETS.items():
        corpus = folder / "corpus" / name
        corpus.mkdir(parents=True)
        for number, data in enumerate(seeds(name, folder, mix)):
            (corpus / f"seed-{number}").write_bytes(data)
        found = _fuzz(name, folder, seconds=num * share, seed=seed)
        counted[name] = {
            "executions": found.executions,
            "edges, at first and at last": [found.first[0], found.last[0]],
            "features, at first and at last": [found.first[1], found.last[1]],
            "corpus": len(list(corpus.iterdir())),
            "ends": dict(found.ends),
        }
    findings = sorted((folder / "findings").glob("*.txt"))
    texts = [f"{path.read_text(encoding='utf-8')}\n{path.with_suffix('.bin').read_bytes()!r}" for path in findings]
    assert not texts, f"{counted}\n\n" + "\n\n".join(texts)
    return counted


def build(folder: Path) -> Mix:
    """Builds a mix of numbers for molecules and classes for atoms, and an honest submission to it."""
    rng = np.random.default_rng(0)
    chains = ALKANES[:16]
    numbers = "\n".join(["smiles,t0,t1", *(f"{text},{row},{row + 0.5}" for row, text in enumerate(chains)), ""])
    labels = [rng.integers(0, NUM_CLASSES, len(text)).tolist() for text in chains]
    settings = {"level": "node", "kind": "multiclass", "num_classes": NUM_CLASSES}
    atoms = table_source("atoms", "smiles,q\n", folder, **settings) | {"files": [{"name": "atoms.parquet"}]}
    (folder / "atoms.csv").unlink()
    columns = {"smiles": pa.array(chains), "q": pa.array(labels, pa.list_(pa.int8()))}
    pq.write_table(pa.table(columns), folder / "atoms.parquet")
    mix = build_tiny(folder, table_source("size", numbers, folder), atoms, validation=0.25, test=0.5)
    predictions = folder / "honest" / "predictions"
    for seed in (0, 1):
        ids = mix.scan("size", "test").collect()["mol_id"]
        write_predictions(prediction_path(predictions, "size", split="test", seed=seed), ids, rng.random((len(ids), 2)))
        table = mix.scan("atoms", "test").collect()
        num_nodes = table["q"].list.len().to_numpy().astype(np.int64)
        values = rng.dirichlet(np.ones(NUM_CLASSES), size=num_nodes.sum()).astype(np.float32)
        path = prediction_path(predictions, "atoms", split="test", seed=seed)
        write_predictions(path, table["mol_id"], values, num_nodes=num_nodes, num_classes=NUM_CLASSES)
    record = {"name": mix.name, "version": mix.version, "build_key": mix.manifest.build_key}
    record |= {"datasets": list(mix.datasets)}
    write_facts(folder / "honest", facts_of(record, splits=("test",), seeds=(0, 1)))
    return mix


def seeds(target: str, folder: Path, mix: Mix) -> list[bytes]:
    """Returns the inputs that a target starts from."""
    honest = folder / "honest"
    if target == "yaml":
        whole = (honest / "submission.yaml").read_bytes()
        return [whole, b"format: molmix-submission-1\nseeds: [0]\n", b"a: &x [1]\nb: *x\n", b"? [a]\n: {b: !!int 1}\n"]
    if target == "folder":
        return [b"", bytes(range(256)), b"\x03" * 64, *(bytes([kind]) * 200 for kind in range(0, 256, 17))]
    table = pq.read_table(prediction_path(honest / "predictions", target, split="test", seed=0))
    forms = [
        {"compression": "none"},
        {"compression": "zstd", "row_group_size": 3},
        {"compression": "snappy", "use_dictionary": False, "data_page_version": "2.0"},
        {"compression": "gzip", "use_dictionary": ["mol_id"], "write_statistics": False},
    ]
    path = folder / "seed.parquet"
    made = [bomb()]
    for rows, options in [*((table, form) for form in forms), (table.slice(0, 0), forms[0])]:
        pq.write_table(rows, path, **options)
        made.append(path.read_bytes())
    return made


def _fuzz(name: str, folder: Path, *, seconds: float, seed: int) -> Counted:
    """Runs one target, again after each end of its process, until the processor's time is used."""
    found, began = Counted(), _children_seconds()
    dictionary = folder / "words"
    words = [*SubmissionSpec.model_fields, "&a", "*a", "<<:", "!!", "- ", ": ", "? ", "|-", "\\xef\\xbb\\xbf", "1e400"]
    dictionary.write_text("".join(f'"{word}"\n' for word in words), encoding="ascii")
    run = 0
    while (left := seconds - (_children_seconds() - began)) > 1:
        run += 1
        artifacts = folder / "artifacts" / f"{name}-{run}"
        artifacts.mkdir(parents=True)
        options = [
            f"-max_total_time={max(1, int(left))}",
            f"-seed={seed * 1_000 + run}",
            f"-max_len={MAX_BYTES}",
            f"-timeout={SECONDS_PER_INPUT}",
            "-rss_limit_mb=0",
            "-print_final_stats=1",
            f"-artifact_prefix={artifacts}/",
            *([f"-dict={dictionary}"] if name == "yaml" else []),
        ]
        command = [sys.executable, "-m", "tests.soak.fuzz_target", name, str(folder), str(folder / "corpus" / name)]
        result = subprocess.run(
            [*command, *options],
            cwd=ROOT,
            env=_environment(),
            capture_output=True,
            text=True,
            errors="replace",
            check=False,
        )
        _count(found, result, artifacts)
    return found


def _count(found: Counted, result: subprocess.CompletedProcess[str], artifacts: Path) -> None:
    """Adds what one process did, and refuses an end that is not Arrow's own."""
    lines = PROGRESS.findall(result.stderr)
    assert lines, f"the fuzzer did not begin:\n{result.stderr[-3_000:]}"
    numbers = [(int(edges), int(features)) for _, _, edges, features in lines]
    found.first = found.first if any(found.first) else numbers[0]
    found.last = max(found.last, numbers[-1])
    units = UNITS.findall(result.stderr)
    found.executions += int(units[-1]) if units else int(lines[-1][0])
    if result.returncode == 0:
        return
    kind = ARTIFACT.search(result.stderr)
    files = sorted(path for path in artifacts.iterdir() if not path.name.startswith("slow-unit"))
    shown = files[0].read_bytes() if files else b""
    is_library = kind is not None and kind[1] == "crash" and LIBRARY.search(result.stderr) is not None
    assert is_library, f"{result.stderr[-3_000:]}\n{shown!r}"
    found.ends["crash inside Arrow"] += 1


def _environment() -> dict[str, str]:
    # As where submissions are read.
    fixed = {"MALLOC_ARENA_MAX": "1", "ARROW_DEFAULT_MEMORY_POOL": "system", "OMP_NUM_THREADS": "1"}
    return os.environ | fixed | {"POLARS_MAX_THREADS": "1", "PYTHONPATH": str(ROOT)}


def _children_seconds() -> float:
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime
