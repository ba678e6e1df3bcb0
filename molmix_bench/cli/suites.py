"""`molmix-bench run` on a suite: datasets learnt one by one, in one table."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import polars as pl

from molmix_bench.cli.finetune import print_methods
from molmix_bench.cli.output import print_json
from molmix_bench.errors import RunError, UsageError
from molmix_bench.extras import require_train
from molmix_bench.specs.baselines import load_run_spec
from molmix_bench.specs.suite import load_suite, suite_tasks
from molmix_bench.talk import say

if TYPE_CHECKING:
    from molmix_bench.mix import Mix
    from molmix_bench.transfer.start import Start
    from molmix_bench.transfer.suite import SuiteRun

_PREFIX = "finetune."
"""Begins the settings that are of the fine-tuning, not of the run."""


def run_on_suite(
    specs: Sequence[str],
    suite: str,
    *,
    datasets: str | None,
    settings: Sequence[str],
    places: tuple[Sequence[Path], str | None, Path | None],
    json: bool,
) -> None:
    """Learns each dataset of a suite and prints what came out.

    Args:
        specs: one run directory, whose networks go on learning, or one spec, learnt from scratch.
        suite: of the catalog.
        datasets: only these, `a,b`; all where None.
        settings: of the spec, and those of the fine-tuning as `finetune.tuning.epochs=5`.
        places: folders with raw files; the mix of the run; the directory to make.
        json: whether to print JSON.

    Raises:
        UsageError: there is more than one spec, or a setting is for what is not there.
        RunError: a dataset could not be learnt.
    """
    require_train()
    from molmix_bench.transfer.suite import run_suite, usual_spec

    raw, trained_on, out = places
    if len(specs) != 1:
        raise UsageError(f"suite {suite}", found=f"{len(specs)} specs", expected="one")
    only = None if datasets is None else tuple(name.strip() for name in datasets.split(",") if name.strip())
    suite_tasks(load_suite(suite), only)  # What is misspelt is said before a mix is looked for.
    start, mix = _start(specs[0], [item for item in settings if not item.startswith(_PREFIX)], trained_on)
    own = [item.removeprefix(_PREFIX) for item in settings if item.startswith(_PREFIX)]
    folder = out or Path("runs") / f"{start.spec.name}-{suite}"
    spec = usual_spec(start).changed(own)
    done = run_suite(start, load_suite(suite), folder, spec=spec, files=(raw, only), mix=mix)
    _print(done, json=json)
    if done.missing:
        names = ", ".join(done.missing)
        count = len(done.missing)
        found = f"{count} dataset{'s' if count > 1 else ''} that could not be learnt"
        raise RunError(names, found=found, fix="see above why; the same command goes on with these")


def _start(name: str, settings: list[str], trained_on: str | None) -> tuple[Start, Mix | None]:
    """Returns what begins, and the mix that it was trained on."""
    from molmix_bench.training.folder import RunFolder
    from molmix_bench.training.trained import open_run
    from molmix_bench.transfer.seen import mix_of
    from molmix_bench.transfer.start import Start

    if not RunFolder(Path(name)).origin.is_file():
        if trained_on is not None:
            raise UsageError(name, found="--trained-on", expected="a finished run, which was trained on something")
        return Start(load_run_spec(name, settings)), None
    if settings:
        expected = f"settings of the fine-tuning alone, as {_PREFIX}tuning.epochs=5"
        raise UsageError(name, found=f"a finished run, and --set {settings[0]}", expected=expected)
    run = open_run(name)
    return Start.of(run), mix_of(run, trained_on, option="--trained-on")


def _print(done: SuiteRun, *, json: bool) -> None:
    if json:
        print_json(done.to_records())
        return
    summary = done.summary()
    if summary.height:
        primary = {name: found.primary for name, found in done.finished.items()}
        wanted = pl.col("metric") == pl.col("dataset").replace_strict(primary, return_dtype=pl.String)
        print_methods(summary.filter(wanted))
    for name, found in done.finished.items():
        for row in found.result.excluded:
            say(f"not scored: {name}, task {row['task']} ({row['reason']})")
    print(done.path)
