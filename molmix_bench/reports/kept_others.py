"""Suites and studies as `baselines/results` keeps them, beside runs.

<name>/<dataset>/result.json   of a suite, as each of its fine-tunings left it
<name>/answer.json             of a study: every comparison with its interval and verdict
<name>/spec.yaml               of a study, which makes it again
"""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from pathlib import Path

from molmix_bench.errors import RunError, UsageError
from molmix_bench.reports.kept import RESULT_FILE, keep_run
from molmix_bench.specs.answer import ANSWER_FILE, STUDY_SPEC_FILE, StudyAnswer
from molmix_bench.specs.finetune import FinetuneResult
from molmix_bench.training.folder import read_json
from molmix_bench.transfer.outcome import is_finetuned, open_finetuned


@dataclass(frozen=True, slots=True)
class KeptSuite:
    """The datasets of a suite that were learnt from one run."""

    name: str
    """Of its folder."""
    results: dict[str, FinetuneResult]
    """By dataset."""


def keep(path: str | Path, results: str | Path) -> Path:
    """Returns the folder in which the result of a finished run, suite or study is kept, named as its directory.

    Args:
        path: its directory.
        results: the folder of all that are kept.

    Raises:
        UsageError: it is none of these, or lies where its result would be kept, and would be lost.
        RunError: it is not finished.
    """
    source = Path(path)
    datasets = sorted(item for item in source.iterdir() if is_finetuned(item)) if source.is_dir() else []
    if not datasets and not (source / ANSWER_FILE).is_file():
        return keep_run(source, results)
    folder = Path(results) / source.resolve().name
    if folder.resolve() == source.resolve():
        found = "results where they are to be kept"
        raise UsageError(str(folder), found=found, fix="keep results in a folder of their own")
    files = {f"{item.name}/{RESULT_FILE}": open_finetuned(item).folder.result for item in datasets}
    if not datasets:
        _check_study(source)
        files = {name: source / name for name in (ANSWER_FILE, STUDY_SPEC_FILE)}
    if folder.exists():
        shutil.rmtree(folder)
    for name, file in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(file, folder / name)
    return folder


def read_kept_suites(results: str | Path) -> tuple[KeptSuite, ...]:
    """Returns all suites of a folder, by name.

    Raises:
        RunError: a file of one is damaged.
    """
    found: dict[str, dict[str, FinetuneResult]] = {}
    for file in sorted(Path(results).glob(f"*/*/{RESULT_FILE}")):
        result = read_json(FinetuneResult, file, what="a suite")
        found.setdefault(file.parent.parent.name, {})[file.parent.name] = result
    return tuple(KeptSuite(name, items) for name, items in found.items())


def read_kept_studies(results: str | Path) -> tuple[StudyAnswer, ...]:
    """Returns all studies of a folder, by name.

    Raises:
        RunError: a file of one is damaged.
    """
    return tuple(
        read_json(StudyAnswer, file, what="a study") for file in sorted(Path(results).glob(f"*/{ANSWER_FILE}"))
    )


def _check_study(source: Path) -> None:
    """Refuses a study of which cells are missing."""
    answer = read_json(StudyAnswer, source / ANSWER_FILE, what="a study")
    if answer.failed or answer.waiting:
        found = f"{len(answer.failed)} cells that failed and {len(answer.waiting)} not begun"
        raise RunError(str(source), found=found, fix="run the study again; it goes on with these")
