"""Runs as `baselines/results` keeps them: of each what a table needs, small enough to be committed.

<name>/result.json                    as the run left it: seeds, scores with intervals, parameters, times, hardware
<name>/run.yaml                       the resolved spec, which makes the run again
<name>/predictions.sha256             a line for each file of predictions, as `sha256sum` writes and checks them
<name>/predictions/<dataset>/<split>/seed=<k>.parquet   of the test split, where they are small
"""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

from molmix_bench.errors import RunError, UsageError
from molmix_bench.specs.result import RunResult
from molmix_bench.specs.run import RunSpec
from molmix_bench.training.folder import RunFolder
from molmix_bench.vocab import Split

RESULT_FILE, SPEC_FILE, DIGEST_FILE, PREDICTIONS_DIR = "result.json", "run.yaml", "predictions.sha256", "predictions"
MAX_BYTES = 256 * 1_024
"""Of all predictions of a run for the test split together; of larger ones only the digests are kept."""


@dataclass(frozen=True, slots=True, eq=False)
class KeptRun:
    """A finished run, without its weights."""

    name: str
    """Of its folder, unlike that of the spec, which several runs may share."""
    spec: RunSpec
    result: RunResult


def keep_run(run: str | Path, results: str | Path) -> Path:
    """Returns the folder in which the result of a finished run is kept, named as the run's directory.

    Args:
        run: the directory of the run.
        results: the folder of all that are kept.

    Raises:
        UsageError: it is no run, or lies where its result would be kept, and would be lost.
        RunError: the run is not finished, or its predictions are gone.
    """
    source = RunFolder(Path(run))
    source.read_spec()
    source.check_finished()
    files = sorted(source.predictions.rglob("*.parquet"))
    if not files:
        raise RunError(str(source.predictions), found="no predictions", fix="delete result.json and run it again")
    folder = Path(results) / source.path.resolve().name
    if folder.resolve() == source.path.resolve():
        found = "the run itself where its result is to be kept"
        raise UsageError(str(folder), found=found, fix="keep results in a folder of their own")
    if folder.exists():
        shutil.rmtree(folder)
    folder.mkdir(parents=True)
    for name in (RESULT_FILE, SPEC_FILE):
        shutil.copyfile(source.path / name, folder / name)
    lines = [f"{sha256(file.read_bytes()).hexdigest()}  {_place(file, source)}\n" for file in files]
    (folder / DIGEST_FILE).write_text("".join(lines), encoding="utf-8")
    tested = [file for file in files if file.parent.name == Split.TEST]
    if sum(file.stat().st_size for file in tested) <= MAX_BYTES:
        for file in tested:
            target = folder / _place(file, source)
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(file, target)
    return folder


def read_kept(results: str | Path) -> tuple[KeptRun, ...]:
    """Returns all runs of a folder, by name.

    Raises:
        UsageError: there is none.
        SpecError: a file of one does not say what it should.
    """
    folders = sorted(path.parent for path in Path(results).glob(f"*/{RESULT_FILE}"))
    if not folders:
        raise UsageError(str(results), found=f"no folder with {RESULT_FILE}", expected="one for each run that is kept")
    kept = [RunFolder(folder) for folder in folders]
    return tuple(KeptRun(folder.path.name, folder.read_spec(), folder.read_result()) for folder in kept)


def _place(file: Path, run: RunFolder) -> str:
    return f"{PREDICTIONS_DIR}/{file.relative_to(run.predictions).as_posix()}"
