"""Which molecules a run has seen the labels of: their scores say less of new molecules.

A salt, a stereoisomer or a protonated form of a molecule counts as it: what was measured of one says much of the other.
"""

from __future__ import annotations

import hashlib
from pathlib import Path

import numpy as np
import polars as pl

from molmix_bench.chem.skeleton import among, skeletons
from molmix_bench.errors import RunError, UsageError
from molmix_bench.graphs.cached import open_store
from molmix_bench.metrics.cells import BoolArray
from molmix_bench.mix import Mix, is_mix
from molmix_bench.resolve import built_path, load
from molmix_bench.specs.catalog import load_mix_spec, mix_names
from molmix_bench.training.subset import train_members
from molmix_bench.training.trained import Run
from molmix_bench.vocab import MOL_ID, SMILES, Split

LOOKED_AT = (Split.TRAIN, Split.VALIDATION)
"""Splits whose labels decide about weights: trained on, or chosen by."""


NO_MIX = "none"
"""In place of a mix's name: nobody is to look at the molecules that a run was trained on."""


def mix_of(run: Run, given: str | Path | Mix | None = None, *, option: str = "--mix") -> Mix | None:
    """Returns the mix that a run was trained on: the one given, or that of its name where it lies here already.

    Nothing is downloaded or built for it. `none` in place of a name is no mix.

    Args:
        run: the run.
        given: by whoever asks.
        option: of the command line, by which it can be given.

    Raises:
        UsageError: no mix is given, and the run's is neither a directory nor in the cache.
        RunError: it is another build than the run's.
    """
    if given == NO_MIX:
        return None
    mix = given if isinstance(given, Mix) else _find(run, option) if given is None else load(given)
    trained = run.result.mix
    if mix.manifest.build_key != trained.build_key:
        raise RunError(
            str(run.path),
            found=f"mix {mix.name} {mix.version}, build {mix.manifest.build_key[:12]}",
            expected=f"that of the run, {trained.name} {trained.version}, build {trained.build_key[:12]}",
            fix=_advice(option),
        )
    return mix


def _find(run: Run, option: str) -> Mix:
    name = run.spec.mix
    if is_mix(Path(name)):
        return Mix(name)
    if name in mix_names() and is_mix(path := built_path(load_mix_spec(name))):
        return Mix(path)
    raise UsageError(
        str(run.path),
        found=f"mix {name!r}, which is no directory here and not in the cache",
        expected="the mix that the run was trained on, which says what molecules it has seen",
        fix=_advice(option),
    )


def _advice(option: str) -> str:
    return f"name its directory with {option}, or do without by {option} {NO_MIX}"


def seen_in(run: Run, mix: Mix, molecules: pl.DataFrame) -> BoolArray:
    """Returns which molecules the run had labels of, (n,): of themselves, a salt, a stereoisomer or a charged form.

    Args:
        run: whose labels.
        mix: that it was trained on.
        molecules: with mol_id and smiles as mixes have them.
    """
    wanted = skeletons(molecules)
    seen = np.zeros(len(molecules), bool)
    learnt = _learnt_from(run, mix)
    for target in run.targets:
        for split in LOOKED_AT:
            if split in mix.datasets[target.dataset].splits:
                there = mix.scan(target.dataset, split).select(MOL_ID, SMILES)
                if learnt is not None and split is Split.TRAIN:
                    there = there.join(learnt, on=MOL_ID, how="semi")
                seen |= among(wanted, there).to_numpy()
    return seen


def _learnt_from(run: Run, mix: Mix) -> pl.LazyFrame | None:
    """Returns the identities of the train molecules that a run learnt from; None where these are all."""
    if run.spec.subset is None:
        return None
    store = open_store(mix, run.spec.features)
    chosen = train_members(run.spec, store, [target.dataset for target in run.targets])
    ids = store.mol_ids[store.molecules(Split.TRAIN)[chosen]].astype(str)
    return pl.LazyFrame({MOL_ID: ids.tolist()}, schema={MOL_ID: pl.String})


def digest_of(seen: BoolArray) -> str:
    """Returns the sha256 of which molecules were seen."""
    return hashlib.sha256(seen.tobytes()).hexdigest()
