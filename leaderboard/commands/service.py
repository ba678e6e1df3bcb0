"""`python -m leaderboard serve | worker | token`, and a store as a static site."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from leaderboard.entries import Entry, Refused
from molmix_bench.errors import UsageError
from molmix_bench.extras import require_leaderboard
from molmix_bench.talk import say

if TYPE_CHECKING:
    from leaderboard.store.database import Store

DATA = Path("leaderboard-data")
DataOption = Annotated[Path, typer.Option("--data", metavar="DIR", help="The store: what the leaderboard keeps.")]
MixesOption = Annotated[
    list[str] | None,
    typer.Option(
        "--mix",
        help="A mix that is predicted: a directory or a name; may be repeated, and is kept in the store. "
        "While a store has none, those of the catalog are taken.",
    ),
]
_GIB = 1 << 30


def serve_board(  # noqa: PLR0913, PLR0917  # an argument for every option
    data: DataOption = DATA,
    port: Annotated[int, typer.Option("--port", help="0 takes any that is free.")] = 7870,
    host: Annotated[str, typer.Option("--host", help="The address to listen at.")] = "127.0.0.1",
    proxy: Annotated[
        str | None, typer.Option("--proxy", help="The address of a proxy whose X-Forwarded-For is believed.")
    ] = None,
    mix: MixesOption = None,
    hub: Annotated[
        str, typer.Option("--hub", envvar="HF_ENDPOINT", help="The Hub that knows users' tokens; empty for none.")
    ] = "https://huggingface.co",
    max_gib: Annotated[float, typer.Option("--max-gib", min=0.001, help="The largest submission that is taken.")] = 4.0,
    per_day: Annotated[int, typer.Option("--per-day", min=1, help="Submissions of a user in 24 hours.")] = 20,
) -> None:
    """Serve the board, and take submissions; `worker` scores them. Makes the store where there is none."""
    require_leaderboard()
    from leaderboard.service.hub import check_endpoint
    from leaderboard.service.serve import Address, serve
    from leaderboard.store.limits import UploadLimits

    endpoint = check_endpoint(hub) if hub else None
    store = open_store(data, make=True, mixes=mix)
    limits = UploadLimits(num_bytes=int(max_gib * _GIB), per_day=per_day)
    try:
        serve(store, Address(host, port, proxy), hub=endpoint, limits=limits, ready=_tell_ready)
    finally:
        store.close()
    say("stopped")


def work(
    data: DataOption = DATA,
    mix: MixesOption = None,
    lease: Annotated[
        float, typer.Option("--lease", min=0.5, help="Seconds after which a job of a killed worker goes to another.")
    ] = 30.0,
    drain: Annotated[bool, typer.Option("--drain", help="Stop when nothing is left to do.")] = False,
) -> None:
    """Check and score what is in the queue, until a signal comes; several may run side by side."""
    require_leaderboard()
    from leaderboard.worker.work import run_worker

    store = open_store(data, make=True, mixes=mix)
    run_worker(store, lease_s=lease, drain=drain)
    store.close()


def token(
    name: Annotated[str, typer.Argument(help="Of a local user; a new one is made known.")],
    data: DataOption = DATA,
    revoke: Annotated[bool, typer.Option("--revoke", help="Make all of the user's tokens worthless instead.")] = False,
) -> None:
    """Print a new token for someone whom the Hub does not know; it is shown once and kept nowhere."""
    require_leaderboard()
    from leaderboard.store.users import make_token, revoke_tokens

    store = open_store(data, make=True)
    if revoke:
        print(revoke_tokens(store, name))
    else:
        print(make_token(store, name))
    store.close()


def is_data(data: Path) -> bool:
    """Whether a folder is a store."""
    # By name, so that pages of folders are made where no database is installed.
    return (data / "board.db").is_file()


def read_data(data: Path) -> tuple[Sequence[Entry], Sequence[Refused], Mapping[str, bytes]]:
    """Returns the rows of a store's board, nothing refused, and its site."""
    require_leaderboard()
    from leaderboard.boards import make_boards
    from leaderboard.site.pages import site_files
    from leaderboard.store.board import log_of, read_rows
    from leaderboard.store.known import mixes_of

    store = open_store(data)
    mixes = mixes_of(store)
    entries = read_rows(store, mixes)
    # What was refused is between its user and us.
    site = site_files(make_boards(entries, list(mixes.found.values())), log=log_of(store))
    return entries, (), site


def open_store(data: Path, *, make: bool = False, mixes: Sequence[str] | None = None) -> Store:
    """Returns the store of a folder, with some mixes more that submissions are scored against.

    Raises:
        UsageError: there is none, and none is to be made; or as `know_mixes`.
    """
    from leaderboard.store.database import DATABASE, Store
    from leaderboard.store.known import know_mixes

    if make and data.is_dir() and not (data / DATABASE).exists() and any(data.iterdir()):
        fix = "choose another folder; the submissions in this one are sent with `molmix-bench submit --to`"
        raise UsageError(str(data), found="a folder with other things in it", expected="a store, or nothing", fix=fix)
    store = Store(data, make=make)
    know_mixes(store, mixes or ())
    return store


def _tell_ready(address: str) -> None:
    print(address, flush=True)
    say(f"serving at {address}; stop it by Ctrl-C (process {os.getpid()})")
