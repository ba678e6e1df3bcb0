"""`python -m leaderboard rescore | remove | mark`: what maintainers do, each with a reason that everyone can read."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import Annotated

import typer

from leaderboard.commands.service import DATA, DataOption, open_store
from leaderboard.entries import Verification
from molmix_bench.cli.app import EXIT_ERROR
from molmix_bench.extras import require_leaderboard
from molmix_bench.talk import say

NameArgument = Annotated[str, typer.Argument(help="Of the row, as its page's address has it.")]
WhyOption = Annotated[str, typer.Option("--why", help="The reason, a sentence for the public log.")]


def rescore_rows(
    data: DataOption = DATA,
    why: WhyOption = "Every row was scored again.",
    mix: Annotated[
        list[str] | None, typer.Option("--mix", help="A mix to score against in place of the one of its name.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Score every row again from the stored predictions, and log what moved; exit 1 if the check refuses a row now."""
    require_leaderboard()
    from leaderboard.worker.rescore import rescore

    store = open_store(data)
    done = rescore(store, why=why, places=mix or ())
    store.close()
    if as_json:
        print(json.dumps(asdict(done), indent=1))
    else:
        for move in done.moves:
            what = f"{move.dataset}/{move.split} {move.metric}"
            print(f"{move.entry} {what}: {move.before} -> {move.after}, rank {move.rank_before} -> {move.rank_after}")
        print(f"{done.num_rows} rows scored again, {len(done.moves)} moved, {len(done.refused)} refused")
    for name in done.refused:
        say(f"refused now, and off the board: {name}")
    if done.refused:
        raise typer.Exit(EXIT_ERROR)


def remove(name: NameArgument, why: WhyOption, data: DataOption = DATA) -> None:
    """Take a row off the board."""
    require_leaderboard()
    from leaderboard.store.upkeep import remove_row

    store = open_store(data)
    remove_row(store, name, why=why)
    store.close()
    print(name)


def mark(
    name: NameArgument,
    verification: Annotated[Verification, typer.Argument(help="How far its scores are verified.")],
    why: WhyOption,
    data: DataOption = DATA,
) -> None:
    """Note how far a row's scores are verified, as after a maintainer's rerun."""
    require_leaderboard()
    from leaderboard.store.upkeep import mark_row

    store = open_store(data)
    mark_row(store, name, verification, why=why)
    store.close()
    print(name)
