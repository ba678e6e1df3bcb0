"""`molmix-bench publish`, `verify` and `dev-hub`: mixes on a Hub or in a folder."""

from __future__ import annotations

import os
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from molmix_bench.cache import cache_dir
from molmix_bench.cli.output import JsonOption, WorkersOption, print_json, print_table
from molmix_bench.errors import UsageError
from molmix_bench.extras import require_server, require_train
from molmix_bench.graphs.layout import HEADER_FILE, array_file
from molmix_bench.mix import is_mix
from molmix_bench.talk import say

if TYPE_CHECKING:
    from molmix_bench.hub.verify import Difference


def publish_mix(  # noqa: PLR0913, PLR0917 - an argument for every option
    path: Annotated[Path, typer.Argument(metavar="DIR", help="A built mix.")],
    repo: Annotated[str | None, typer.Option("--repo", help="The repository on the Hub: namespace/name.")] = None,
    to: Annotated[str | None, typer.Option("--to", help="In place of a Hub, a folder or an address: s3://...")] = None,
    version: Annotated[str | None, typer.Option("--version", help="Refuse a mix of another version.")] = None,
    private: Annotated[bool, typer.Option("--private", help="Make the repository private, if it is made.")] = False,
    yes: Annotated[bool, typer.Option("--yes", help="Do it; without, only say what would be done.")] = False,
    workers: WorkersOption = None,
    json: JsonOption = False,
) -> None:
    """Publish a mix that validates; run again, an interrupted publication goes on where it was."""
    from molmix_bench.hub.publish import publish
    from molmix_bench.hub.publish_folder import publish_to_folder

    processes = workers or os.cpu_count() or 1
    if private and to is not None:
        raise UsageError("--private", found="a folder or an address", expected="--repo", fix="set its rights yourself")
    if repo is not None and to is None:
        done = publish(path, repo, version=version, private=private, yes=yes, workers=processes)
    elif to is not None and repo is None:
        done = publish_to_folder(path, to, version=version, yes=yes, workers=processes)
    else:
        raise UsageError("publish", found="both or neither of --repo and --to", expected="one of them")
    if json:
        changed = [{"path": file.path, "num_bytes": file.size, "sha256": file.sha256} for file in done.changed]
        print_json(asdict(done) | {"changed": changed})
        return
    size = sum(file.size for file in done.changed)
    if done.tagged:
        print(f"{done.repo} {done.tag} at {done.commit}")
        return
    print(f"{done.repo}: would publish {len(done.changed)} files ({size:,} bytes) as {done.tag}")
    for replaced in done.replaced:
        print(f"would replace {replaced}")
    for stale in done.stale:
        print(f"would delete {stale}")
    say("nothing was changed; add --yes to do it")


def verify_mix(
    name: Annotated[
        str,
        typer.Argument(metavar="REPO_OR_DIR", help="namespace/name, a directory (a mix or a store), or an address."),
    ],
    revision: Annotated[str | None, typer.Option("--revision", help="A branch, tag or commit; main else.")] = None,
    json: JsonOption = False,
) -> None:
    """Compare every byte with the manifest; name every file that differs and exit 1 if any does."""
    is_store = (Path(name) / HEADER_FILE).is_file() and not is_mix(Path(name))
    where, differences = _verify_store(Path(name)) if is_store else _verify_mix(name, revision)
    if json:
        print_json([asdict(item) for item in differences])
    elif differences:
        print_table(("path", "found", "expected"), [[item.path, item.found, item.expected] for item in differences])
    else:
        print(f"{where}: every file is as in its {'header' if is_store else 'manifest'}")
    if differences:
        raise typer.Exit(1)


def _verify_mix(name: str, revision: str | None) -> tuple[str, list[Difference]]:
    """Returns a mix's place and what differs there from its manifest."""
    from tqdm import tqdm

    from molmix_bench.hub.locate import locate
    from molmix_bench.hub.verify import verify

    source = locate(name, revision=revision)
    with tqdm(desc="verify", unit=" files", disable=None) as progress:
        return source.where, verify(source, step=lambda _: progress.update())


def _verify_store(path: Path) -> tuple[str, list[Difference]]:
    """Returns a store's place and what differs there from its header."""
    require_train()
    from molmix_bench.graphs.store import GraphStore
    from molmix_bench.hub.verify import Difference

    store = GraphStore(path)
    files = {array_file(path, name): entry.sha256 for name, entry in store.header.arrays.items()}
    found = [
        Difference(file.relative_to(path).as_posix(), what, f"sha256 {files[file]}") for file, what in store.damages()
    ]
    return str(path), found


def serve_dev_hub(
    port: Annotated[int, typer.Option("--port", min=0, max=65535, help="Of loopback; 0 takes any.")] = 8228,
    data: Annotated[Path | None, typer.Option("--data", help="Where repositories lie; in the cache else.")] = None,
) -> None:
    """Serve a small Hub on this machine, for trying things out; the token hf_NAME makes you the user NAME."""
    require_server()
    from molmix_bench.devhub.serve import serve

    def _ready(address: str) -> None:
        print(address, flush=True)
        say(f"export HF_ENDPOINT={address} HF_HUB_DISABLE_XET=1 HF_TOKEN=hf_YOUR-NAME")

    serve(data or cache_dir() / "dev-hub", port=port, ready=_ready)
