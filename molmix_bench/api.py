"""The public functions: what `import molmix_bench` offers."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

from molmix_bench.extras import require_train
from molmix_bench.metrics.protocol import REPLICATES
from molmix_bench.mix import Mix
from molmix_bench.resolve import load
from molmix_bench.specs.baselines import load_run_spec
from molmix_bench.submissions import score as submissions_score

if TYPE_CHECKING:
    from molmix_bench.metrics.scores import Scores
    from molmix_bench.training.trained import Run

__all__ = ["load", "run", "score"]


def run(
    spec: str | Path,
    *,
    mix: str | Path | Mix | None = None,
    out: str | Path | None = None,
    settings: Iterable[str] = (),
    accelerator: str = "auto",
    devices: int = 1,
) -> Run:
    """Returns the finished run of a YAML file or baseline; an interrupted one goes on where it was.

    Args:
        spec: a YAML file, or the name of a baseline.
        mix: another mix than the spec's.
        out: the directory of the run; `runs/<name>` when not given.
        settings: changes of the spec, such as `training.epochs=5`.
        accelerator: `auto`, `cpu` or `cuda`; `auto` is a GPU where there is one.
        devices: GPUs, or processes, that train each network together.

    Raises:
        MissingExtraError: the extra `train` is not installed.
        UsageError, SpecError: as `specs.baselines.load_run_spec`.
        RunError: as `training.run.run`.
    """
    require_train()
    from molmix_bench.training.run import run as train

    parsed = load_run_spec(spec, settings)
    folder = Path(out or Path("runs") / parsed.name)
    return train(parsed, _opened(parsed.mix if mix is None else mix), folder, accelerator=accelerator, devices=devices)


def score(
    predictions: str | Path,
    mix: str | Path | Mix,
    *,
    replicates: int = REPLICATES,
    against: str | Path | None = None,
) -> Scores:
    """Returns the scores of a folder of predictions; arguments and errors are those of `submissions.score.score`.

    It is read in this process. `molmix-bench score` reads the predictions of others, with limits on memory and time.
    """
    return submissions_score.score(predictions, _opened(mix), replicates=replicates, against=against)


def _opened(mix: str | Path | Mix) -> Mix:
    return mix if isinstance(mix, Mix) else load(mix)
