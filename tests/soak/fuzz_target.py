"""What a coverage-guided fuzzer runs: `python -m tests.soak.fuzz_target TARGET FOLDER CORPUS [libFuzzer's options]`.

Each target is a reader of strangers' bytes, of which every input is read or refused. An exception that is no refusal is
kept in FOLDER/findings; what ends the process, as a failed assertion inside Arrow, is libFuzzer's to report.
"""

from __future__ import annotations

import hashlib
import random
import resource
import shutil
import signal
import sys
import traceback
from collections.abc import Callable
from pathlib import Path

import atheris

# Modules with kernels stay as they are: the compiler does not read what the fuzzer makes of a function.
with atheris.instrument_imports(include=["molmix_bench", "yaml"]):
    from molmix_bench.specs import base, submission
from molmix_bench.metrics.align import align
from molmix_bench.metrics.reference import read_reference
from molmix_bench.mix import Mix

with atheris.instrument_imports(include=["molmix_bench"]):
    from molmix_bench.submissions import folder as folders
    from molmix_bench.submissions import format as formats
    from molmix_bench.submissions import lists, screen, steps
from molmix_bench.errors import MolmixError, SubmissionError
from molmix_bench.vocab import Split
from tests.submissions.mutations import mutate

MEMORY_BYTES = 1 << 30
"""Beyond what the process takes before it reads anything, as for one that reads submissions."""
SECONDS_PER_INPUT = 5
NAMES = ("size", "assay", "test", "validation", "seed=0.parquet", "seed=01.parquet", "submission.yaml", "predictions")

Target = Callable[[bytes], None]


def yaml_target(root: Path) -> Target:
    """Returns a reader of `submission.yaml`."""
    path = root / "submission.yaml"

    def read(data: bytes) -> None:
        path.write_bytes(data)
        found = submission.read_submission_data(path)
        submission.declared(found)
        if not base.spec_problems(submission.SubmissionSpec, found):
            submission.read_submission(path)

    return read


def parquet_target(root: Path, dataset: str) -> Target:
    """Returns a reader of prediction files, with their labels and without: what is right without is right with them."""
    mix, path = Mix(root / "mix"), root / f"{dataset}.parquet"
    entry, reference = mix.datasets[dataset], read_reference(mix, dataset, "test")
    molecules = screen.read_molecules(mix, dataset, Split.TEST)
    shape = lists.PredictionShape(entry.level, len(entry.tasks), entry.num_classes)

    def read(data: bytes) -> None:
        path.write_bytes(data)
        is_right = screen.is_right_throughout(path, entry, shape, molecules)
        try:
            given = formats.read_predictions(path, shape)
            align(reference, mol_id=given.mol_id, prediction=given.values, num_nodes=given.num_nodes, where=str(path))
        except SubmissionError as error:
            if is_right:
                raise ValueError("found right without its labels, and is not") from error
            raise

    return read


def folder_target(root: Path) -> Target:
    """Returns a check of a submission that was honest, and had some things done to it."""
    mix, honest, changed = Mix(root / "mix"), root / "honest", root / "changed"

    def read(data: bytes) -> None:
        provider = atheris.FuzzedDataProvider(data)
        shutil.rmtree(changed, ignore_errors=True)
        shutil.copytree(honest, changed)
        for _ in range(provider.ConsumeIntInRange(0, 6)):
            _change(changed, provider)
        items = [item for item in steps.check_steps(str(changed), str(mix.path), ()) if "step" not in item]
        for item in items:
            # Each says what to do, in one line that can be shown.
            if not (item["fix"] and item["expected"] and f"{item['where']}{item['found']}".isprintable()):
                raise ValueError(f"no such problem: {item}")
        if not items:
            folders.find_predictions(changed / steps.PREDICTIONS_DIR, mix)

    return read


def _change(changed: Path, provider: atheris.FuzzedDataProvider) -> None:
    """Does one thing to a submission."""
    paths = sorted(changed.rglob("*"))
    if not paths:
        paths = [changed / "new"]
        paths[0].touch()
    path = provider.PickValueInList(paths)
    name = provider.PickValueInList([*NAMES, provider.ConsumeUnicodeNoSurrogates(40) or "x"])
    name = name.replace("/", "").replace("\x00", "").encode()[:200].decode(errors="ignore") or "y"
    target = path.with_name(name) if name not in (".", "..") else path.with_name("z")
    what = provider.ConsumeIntInRange(0, 6)
    if what == 0 and not target.exists():
        path.rename(target)
    elif what == 1:
        _remove(path)
    elif what == 2 and path.is_file():  # kinds of change
        text = path.read_bytes()
        place, removed = provider.ConsumeIntInRange(0, len(text)), provider.ConsumeIntInRange(0, 20)
        path.write_bytes(text[:place] + provider.ConsumeBytes(20) + text[place + removed :])
    elif what == 3 and not target.exists():
        target.symlink_to(path)
    elif what == 4 and not target.exists():
        target.mkdir()
    elif what == 5 and path.is_file():
        path.write_bytes(provider.ConsumeBytes(4_096))
    elif path.is_file() and not target.exists():
        shutil.copyfile(path, target)


def _remove(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink()


def _kept(read: Target, findings: Path) -> Target:
    """Returns the reader with every exception that is no refusal written to a file, and what takes too long.

    By the processor's time and not by the clock, which goes on where another program has the processor.
    """

    def stop(*_: object) -> None:
        raise TimeoutError(f"over {SECONDS_PER_INPUT} s")

    signal.signal(signal.SIGPROF, stop)

    def run(data: bytes) -> None:
        signal.setitimer(signal.ITIMER_PROF, SECONDS_PER_INPUT)
        try:
            read(data)
        except MolmixError as error:
            if isinstance(error, SubmissionError) and not str(error).isprintable():
                _keep(findings, data, f"an error that does not print: {error!r}")
        except Exception:  # noqa: BLE001  # each is a finding
            _keep(findings, data, traceback.format_exc())
        finally:
            signal.setitimer(signal.ITIMER_PROF, 0)

    return run


def _keep(findings: Path, data: bytes, text: str) -> None:
    """Keeps one input for each place in the code that fails."""
    lines = [line.strip() for line in text.splitlines() if line.strip().startswith("File ")]
    name = hashlib.sha256("".join(lines[-3:] or [text[:60]]).encode()).hexdigest()[:16]
    if not (findings / f"{name}.txt").exists():
        findings.mkdir(exist_ok=True)
        (findings / f"{name}.bin").write_bytes(data)
        (findings / f"{name}.txt").write_text(text, encoding="utf-8", errors="replace")


def _mutate(data: bytes, max_size: int, seed: int) -> bytes:
    """Returns what the fuzzer makes of a parquet file, or what our own changes make of it, which know of footers."""
    chance = random.Random(seed)
    changed = mutate(data, chance) if chance.random() < 0.5 else atheris.Mutate(data, max_size)
    return changed[:max_size]


def main() -> None:
    """Fuzzes one target until libFuzzer's options say stop."""
    name, root, *options = sys.argv[1:]
    folder = Path(root)
    if name == "yaml":
        read = yaml_target(folder)
    elif name == "folder":
        read = folder_target(folder)
    else:
        read = parquet_target(folder, name)
    pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[0])
    limit = pages * resource.getpagesize() + MEMORY_BYTES
    resource.setrlimit(resource.RLIMIT_AS, (limit, limit))
    mutator = {} if name in ("yaml", "folder") else {"custom_mutator": _mutate}
    atheris.Setup([sys.argv[0], *options], _kept(read, folder / "findings"), **mutator)
    atheris.Fuzz()


if __name__ == "__main__":
    main()
