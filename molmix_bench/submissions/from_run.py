"""A submission made of a finished run: its predictions, and all that the run knows of itself."""

from __future__ import annotations

import os
import shutil
from pathlib import Path
from typing import Any

import yaml

from molmix_bench.atomic import PART_SUFFIX
from molmix_bench.errors import RunError, UsageError
from molmix_bench.specs.submission import FILL_IN, SUBMISSION_FILE
from molmix_bench.submissions.steps import PREDICTIONS_DIR, RUN_FILE
from molmix_bench.training.folder import RunFolder
from molmix_bench.vocab import Split

_HEADER = f"""\
# What this submission is. Replace every text that begins with {FILL_IN}, then:
#   molmix-bench submit --check DIR --mix MIX
"""


def submission_from_run(run: str | Path, out: str | Path) -> Path:
    """Returns the folder of a submission, made of a run's predictions and what the run says of itself.

    Files are hard links where the file system has them, else copies. What the run does not know stands in
    `submission.yaml` as a text beginning with `FILL IN`, which a check refuses.

    Args:
        run: the directory of a finished run.
        out: the folder to make.

    Raises:
        UsageError: the run is not finished, or `out` exists.
        RunError: the run has no predictions of a test split.
    """
    source, target = RunFolder(Path(run)), Path(out)
    if target.exists() or target.is_symlink():
        raise UsageError(str(target), found="something there already", fix="choose another folder with --out")
    text = yaml.safe_dump(_facts(source), sort_keys=False, allow_unicode=True, width=120)
    part = target.with_name(target.name + PART_SUFFIX)
    shutil.rmtree(part, ignore_errors=True)
    part.mkdir(parents=True)
    try:
        shutil.copytree(source.predictions, part / PREDICTIONS_DIR, copy_function=_link_or_copy)
        shutil.copyfile(source.path / RUN_FILE, part / RUN_FILE)
        (part / SUBMISSION_FILE).write_text(_HEADER + text, encoding="utf-8")
        part.replace(target)
    finally:
        shutil.rmtree(part, ignore_errors=True)
    return target


def _link_or_copy(source: str, target: str) -> None:
    try:
        os.link(source, target)
    except OSError:
        # Another disk, or a file system without links.
        shutil.copyfile(source, target)


def _facts(run: RunFolder) -> dict[str, Any]:
    result, origin = run.read_result(), run.read_origin()
    datasets, splits = _predicted(run, [target.dataset for target in origin.targets])
    mix = origin.mix.model_dump(mode="json")
    hardware = result.hardware
    devices = f" --devices {hardware.devices}" if hardware.devices > 1 else ""
    times = f"{hardware.devices} x " if hardware.devices > 1 else ""
    threads = f"{hardware.threads} thread{'s' if hardware.threads > 1 else ''}"
    return {
        "format": "molmix-submission-1",
        "model": result.name,
        "version": f"{FILL_IN}: the version of the model, as in 1.0.0",
        "authors": [{"name": f"{FILL_IN}: a name, and so for each author", "orcid": None}],
        "contact": f"{FILL_IN}: a mail address or web address",
        "licence": {
            "code": f"{FILL_IN}: the SPDX identifier of the code's licence, as in Apache-2.0",
            "weights": f"{FILL_IN}: that of the weights, as in CC-BY-4.0; LicenseRef-Proprietary where they are closed",
        },
        "code": {
            "url": f"{FILL_IN}: the web address of the repository",
            "commit": f"{FILL_IN}: the whole commit, 40 hexadecimal digits",
        },
        "command": f"molmix-bench run {RUN_FILE} --out RUN{devices}",
        "parameters": result.num_parameters,
        "predicts": mix | {"datasets": datasets, "splits": splits},
        "training_data": {
            "mixes": [mix | {"datasets": [target.dataset for target in origin.targets]}],
            "external_data": [],
        },
        "seeds": [item.seed for item in result.seeds],
        "hardware": f"{hardware.cpu.strip()}, {threads}, accelerator: {times}{hardware.accelerator}"[:200],
        "hours": round(result.train_seconds / 3600, 4),
        "energy_kwh": None,
    }


def _predicted(run: RunFolder, datasets: list[str]) -> tuple[list[str], list[str]]:
    """Returns the datasets and the splits that the run has predictions of."""
    found = {(path.parent.parent.name, path.parent.name) for path in run.predictions.glob("*/*/*.parquet")}
    splits = [str(split) for split in Split if any(split == name for _, name in found)]
    if str(Split.TEST) not in splits:
        fix = f"molmix-bench predict {run.path} --mix MIX --out {run.predictions}"
        raise RunError(str(run.predictions), found="no predictions of a test split", fix=fix)
    return [name for name in datasets if any(name == dataset for dataset, _ in found)], splits
