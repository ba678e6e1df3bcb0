"""Which file holds which verb."""

from __future__ import annotations

import typer

from molmix_bench.cli import build, card, hub, info, ls, new_mix, runs, score, submit, validate


def register(app: typer.Typer) -> None:
    """Adds every verb to the application, in the order in which `--help` lists them."""
    app.command("ls")(ls.list_catalog)
    app.command("info")(info.show_mix)
    app.command("new-mix")(new_mix.new_mix)
    app.command("build")(build.build_mix)
    app.command("validate")(validate.validate_mix)
    app.command("card")(card.card_mix)
    app.command("publish")(hub.publish_mix)
    app.command("verify")(hub.verify_mix)
    app.command("dev-hub")(hub.serve_dev_hub)
    app.command("run")(runs.run_baseline)
    app.command("predict")(runs.predict_mix)
    app.command("score")(score.score_predictions)
    app.command("compare")(score.compare_predictions)
    app.command("submit")(submit.submit)
