"""`molmix-bench featurize`: a mix's molecules as graphs, ready to train on."""

from __future__ import annotations

from typing import Annotated

import typer

from molmix_bench.cli.output import JsonOption, WorkersOption, print_json
from molmix_bench.extras import require_train
from molmix_bench.resolve import load
from molmix_bench.specs.features import FeatureSpec

_USUAL = FeatureSpec()


def featurize_mix(
    mix: Annotated[str, typer.Argument(help="A mix: directory or name.")],
    rwse: Annotated[
        int, typer.Option("--rwse", min=0, max=64, help="Steps of the random-walk encoding; 0 for none.")
    ] = _USUAL.rwse,
    laplacian: Annotated[
        int, typer.Option("--laplacian", min=0, max=64, help="Eigenvectors of the Laplacian; 0 for none.")
    ] = _USUAL.laplacian,
    workers: WorkersOption = None,
    json: JsonOption = False,
) -> None:
    """Featurize a mix, into the store that `run` opens; prints its folder, which `verify` checks."""
    require_train()
    from molmix_bench.graphs.cached import open_store

    store = open_store(load(mix), FeatureSpec(rwse=rwse, laplacian=laplacian), workers=workers)
    if not json:
        print(store.path)
        return
    print_json(
        {
            "path": str(store.path),
            "key": store.header.key,
            "mix": store.header.mix,
            "features": store.features.model_dump(mode="json"),
            "molecules": store.num_graphs,
            "splits": {str(split): count for split, count in store.splits.items()},
            "num_bytes": sum(entry.num_bytes for entry in store.header.arrays.values()),
        }
    )
