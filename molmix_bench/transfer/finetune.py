"""A whole fine-tuning: every method on every fold with every seed, resumable after each, then scored together."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import polars as pl
from lightning_fabric import Fabric
from tqdm import tqdm

from molmix_bench.atomic import write_text
from molmix_bench.errors import RunError
from molmix_bench.graphs.featurize import FEATURIZER_VERSION
from molmix_bench.metrics.cells import BoolArray
from molmix_bench.mix import Mix
from molmix_bench.specs.finetune import (
    DataOrigin,
    FinetuneOrigin,
    FinetuneResult,
    FinetuneSpec,
    FoldResult,
    Method,
    PieceResult,
)
from molmix_bench.talk import say
from molmix_bench.training.checkpoint import save_weights
from molmix_bench.training.environment import read_hardware
from molmix_bench.training.randomness import deterministic
from molmix_bench.transfer.featurized import featurize_all
from molmix_bench.transfer.fold_data import FoldData, fold_data
from molmix_bench.transfer.folder import FinetuneFolder, write_piece, write_table, write_targets
from molmix_bench.transfer.measurements import Measurements
from molmix_bench.transfer.methods import Methods
from molmix_bench.transfer.outcome import Finetuned, open_finetuned, summarise
from molmix_bench.transfer.read import OwnData
from molmix_bench.transfer.seen import digest_of, seen_in
from molmix_bench.transfer.splits import make_folds
from molmix_bench.transfer.start import Start
from molmix_bench.vocab import INCHIKEY, MOL_ID, SMILES


@dataclass(frozen=True, slots=True)
class _Piece:
    """One thing to fit."""

    method: Method
    fold: int
    seed: int


def finetune(
    start: Start,
    data: OwnData,
    spec: FinetuneSpec,
    out: Path,
    *,
    mix: Mix | None = None,
    accelerator: str = "auto",
) -> Finetuned:
    """Fits and scores what a spec describes, and returns the finished fine-tuning.

    Called again, an interrupted one goes on after the last fold, seed and method that is finished, and a finished one
    is returned as it is. The same arguments give the same results.

    Args:
        start: the run whose networks go on learning, or the spec of networks that begin from scratch.
        data: the measurements.
        spec: modes, references, seeds, folds and settings.
        out: the directory to make.
        mix: of the run, which says what molecules were in its labels; where None, nobody looks.
        accelerator: `auto`, `cpu` or `cuda`.

    Raises:
        SourceError: a fold has no molecules to train, validate or test on.
        RunError: `out` holds something else, a loss is not finite, or a file cannot be written.
        UsageError: the spec has modes, and `start` no networks.
    """
    found = data.measurements
    folds = make_folds(found, spec.folds)
    seen = seen_in(start.run, mix, _identities(found)) if start.run is not None and mix is not None else None
    origin = _origin(start, data, spec, seen)
    folder = FinetuneFolder(out)
    if spec.modes:
        start.pretrained(spec.seeds[0])  # Refused before anything is written.
    with folder.locked():
        folder.prepare(origin, start.spec, (_molecule_table(data, seen), found.problems))
        if folder.result.is_file():
            say(f"{out}: this fine-tuning is finished already")
            return open_finetuned(out)
        molecules = featurize_all(found.mol_ids, found.smiles, spec=start.spec)
        folded = tuple(fold_data(found, molecules, fold) for fold in folds)
        try:
            fabric = Fabric(accelerator=accelerator, devices=1)
            with deterministic(fabric.device):
                _complete(start, spec, folder, folded, seen=seen, fabric=fabric)
        except OSError as error:
            fix = "make room there and run again; it goes on after the last piece that is finished"
            raise RunError(str(out), found=f"a file cannot be written ({error})", fix=fix) from error
    return open_finetuned(out)


def _identities(found: Measurements) -> pl.DataFrame:
    return pl.DataFrame({MOL_ID: found.mol_ids, SMILES: found.smiles})


def _origin(start: Start, data: OwnData, spec: FinetuneSpec, seen: BoolArray | None) -> FinetuneOrigin:
    found = data.measurements
    return FinetuneOrigin(
        start=start.origin,
        data=DataOrigin(
            name=found.name,
            file=data.file,
            digest=found.digest,
            smiles=data.smiles,
            tasks=found.tasks,
            kind=found.kind,
            num_classes=found.num_classes,
            inferred=data.inferred,
            rows=found.accounting,
            problems=found.problem_counts(),
        ),
        spec=spec,
        featurizer=FEATURIZER_VERSION,
        seen_digest=None if seen is None else digest_of(seen),
    )


def _molecule_table(data: OwnData, seen: BoolArray | None) -> pl.DataFrame:
    found = data.measurements
    table = {
        "row": found.rows,
        MOL_ID: found.mol_ids,
        SMILES: found.smiles,
        INCHIKEY: [molecule.inchikey for molecule in found.molecules],
        "seen": pl.Series([None] * len(found) if seen is None else seen, dtype=pl.Boolean),
    }
    labels = pl.DataFrame({f"label_{place}": column for place, column in enumerate(found.labels.T)})
    listed = labels.select(pl.concat_list(pl.all().fill_nan(None)).alias("labels"))
    return pl.DataFrame(table).hstack(listed)


def _complete(
    start: Start,
    spec: FinetuneSpec,
    folder: FinetuneFolder,
    folded: tuple[FoldData, ...],
    *,
    seen: BoolArray | None,
    fabric: Fabric,
) -> None:
    """Fits what is not fitted yet, then scores everything."""
    methods = Methods(start, spec, fabric=fabric, failed_batch=folder.failed_batch)
    write_targets(folder, [data.target for data in folded])
    pieces = list(_pieces(spec, methods, len(folded)))
    missing = [item for item in pieces if not folder.piece(item.method, item.fold, item.seed).is_file()]
    if 0 < len(missing) < len(pieces):
        say(f"{folder.path}: going on, {len(pieces) - len(missing):,} of {len(pieces):,} pieces are finished")
    with tqdm(total=len(pieces), initial=len(pieces) - len(missing), unit="piece", disable=None) as bar:
        for item in missing:
            bar.set_description(f"{item.method}, fold {item.fold}, seed {item.seed}")
            _fit(item, folder, methods, folded[item.fold], keeps=item.method in (*spec.modes, spec.methods[0]))
            bar.update()
    outcome = summarise(folder, spec, folded, seen=seen, seeds={name: methods.seeds(name) for name in spec.methods})
    write_table(folder.predictions, outcome.predictions)
    write_text(folder.scores, outcome.scores_json)
    result = FinetuneResult(
        origin=folder.read_origin(),
        folds=tuple(_fold_result(data, seen) for data in folded),
        pieces=outcome.pieces,
        scores=outcome.scores,
        differences=outcome.differences,
        excluded=outcome.excluded,
        hardware=read_hardware(fabric.device),
        notes=outcome.notes,
    )
    write_text(folder.result, result.model_dump_json(indent=1))


def _pieces(spec: FinetuneSpec, methods: Methods, num_folds: int) -> Iterator[_Piece]:
    """Yields everything to fit: all methods of a fold before the next, so that what is there early compares."""
    for fold in range(num_folds):
        for method in spec.methods:
            for seed in methods.seeds(method):
                yield _Piece(method, fold, seed)


def _fit(item: _Piece, folder: FinetuneFolder, methods: Methods, data: FoldData, *, keeps: bool) -> None:
    """Fits one piece and writes it; the predictions last, since they say that it is finished."""
    learnt = methods.learn(item.method, data, seed=item.seed)
    if not np.isfinite(learnt.test).all():
        raise RunError(
            f"{data.target.dataset}, {item.method}, fold {item.fold}, seed {item.seed}",
            found="predictions that are not finite",
            fix="a lower tuning.optimizer.learning_rate or tuning.optimizer.clip_norm may help",
        )
    if learnt.network is not None and keeps:
        save_weights(folder.network(item.method, item.fold, item.seed), learnt.network)
    result = PieceResult(
        method=item.method,
        fold=item.fold,
        seed=item.seed,
        epoch=learnt.epoch,
        selection=learnt.selection,
        seconds=learnt.seconds,
    )
    write_piece(folder.piece(item.method, item.fold, item.seed), result, learnt.test)


def _fold_result(data: FoldData, seen: BoolArray | None) -> FoldResult:
    fold = data.fold
    return FoldResult(
        train=len(fold.train),
        validation=len(fold.validation),
        test=len(fold.test),
        seen=None if seen is None else int(seen[fold.test].sum()),
    )
