"""Which file holds which verb."""

from __future__ import annotations

from collections.abc import Sequence
from importlib import import_module

import typer

VERBS = {
    "ls": "ls.list_catalog",
    "info": "info.show_mix",
    "new-mix": "new_mix.new_mix",
    "build": "build.build_mix",
    "validate": "validate.validate_mix",
    "card": "card.card_mix",
    "publish": "hub.publish_mix",
    "verify": "hub.verify_mix",
    "dev-hub": "hub.serve_dev_hub",
    "featurize": "featurize.featurize_mix",
    "run": "runs.run_baseline",
    "predict": "runs.predict_molecules",
    "score": "score.score_predictions",
    "compare": "score.compare_predictions",
    "report": "report.report_run",
    "results": "results.keep_results",
    "submit": "submit.submit",
    "finetune": "finetune.finetune_run",
    "embed": "embed.embed_molecules",
    "study": "study.run_study",
}
"""Each verb's file here and its function, in the order in which `--help` lists them."""


def register(app: typer.Typer, arguments: Sequence[str] = ()) -> None:
    """Adds the verb that the arguments begin with; every verb where they begin with none.

    Importing all of them takes two seconds, any one a third of that or less.
    """
    chosen = [verb for verb in VERBS if list(arguments[:1]) == [verb]] or list(VERBS)
    for verb in chosen:
        module, _, name = VERBS[verb].partition(".")
        app.command(verb)(getattr(import_module(f"molmix_bench.cli.{module}"), name))
