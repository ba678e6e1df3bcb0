"""The directory a fine-tuning leaves, and whether a directory belongs to this one.

origin.json                                what it was begun with: run, data, spec
run.yaml                                   the spec of the run that it began with
molecules.parquet                          the molecules learnt: first row in the file, identity, labels, whether seen
drops.parquet                              rows and labels of the file that are not among them, with reasons
targets.json                               what the networks of each fold predict
pieces/<method>/fold=<f>/seed=<s>.npz      predictions of the molecules tested, written when the piece is finished
networks/<mode>/fold=<f>/seed=<s>.safetensors
predictions.parquet, scores.json, result.json   written last
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import polars as pl
import yaml
from numpy.typing import NDArray

from molmix_bench.atomic import ARRAYS_DAMAGED, opened_arrays, write_text, written_whole
from molmix_bench.errors import RunError
from molmix_bench.specs.base import Spec, read_yaml, validate_spec
from molmix_bench.specs.finetune import FinetuneOrigin, FinetuneResult, Method, PieceResult
from molmix_bench.specs.result import Target
from molmix_bench.specs.run import RunSpec
from molmix_bench.training.folder import (
    PIECES,
    changes_between,
    flat,
    locked_against_others,
    read_json,
    refuse_strange_files,
)

_WHAT = "a fine-tuning"


class Targets(Spec):
    """`targets.json`: with the train statistics of each fold, in order."""

    folds: tuple[Target, ...]


@dataclass(frozen=True, slots=True)
class FinetuneFolder:
    """The files of a fine-tuning."""

    path: Path

    @property
    def origin(self) -> Path:
        """What it was begun with; its presence says that a fine-tuning is here."""
        return self.path / "origin.json"

    @property
    def run_spec(self) -> Path:
        """The spec of the run that it began with."""
        return self.path / "run.yaml"

    @property
    def molecules(self) -> Path:
        """What is learnt."""
        return self.path / "molecules.parquet"

    @property
    def drops(self) -> Path:
        """What is not."""
        return self.path / "drops.parquet"

    @property
    def targets(self) -> Path:
        """What networks predict, fold by fold."""
        return self.path / "targets.json"

    @property
    def predictions(self) -> Path:
        """Of the molecules tested, by the first mode."""
        return self.path / "predictions.parquet"

    @property
    def scores(self) -> Path:
        """All scores, those of single tasks among them."""
        return self.path / "scores.json"

    @property
    def result(self) -> Path:
        """Present once it is finished."""
        return self.path / "result.json"

    @property
    def failed_batch(self) -> Path:
        """The batch whose loss was not finite."""
        return self.path / "failed_batch.safetensors"

    def piece(self, method: Method, fold: int, seed: int) -> Path:
        """Returns where the predictions of one method, fold and seed lie."""
        return self.path / PIECES / method / f"fold={fold}" / f"seed={seed}.npz"

    def network(self, method: Method, fold: int, seed: int) -> Path:
        """Returns where its weights lie."""
        return self.path / "networks" / method / f"fold={fold}" / f"seed={seed}.safetensors"

    def read_origin(self) -> FinetuneOrigin:
        """Returns what it was begun with."""
        return read_json(FinetuneOrigin, self.origin, what=_WHAT)

    def read_result(self) -> FinetuneResult:
        """Returns the result of a finished one.

        Raises:
            RunError: it is not finished.
        """
        if self.origin.is_file() and not self.result.is_file():
            fix = "give the command that began it again"
            raise RunError(str(self.path), found="a fine-tuning that is not finished", fix=fix)
        return read_json(FinetuneResult, self.result, what=_WHAT)

    def read_run_spec(self) -> RunSpec:
        """Returns the spec of the run that it began with."""
        return validate_spec(RunSpec, read_yaml(self.run_spec), where=str(self.run_spec))

    def read_targets(self) -> tuple[Target, ...]:
        """Returns what the networks of each fold predict."""
        return read_json(Targets, self.targets, what=_WHAT).folds

    def prepare(self, origin: FinetuneOrigin, spec: RunSpec, tables: tuple[pl.DataFrame, pl.DataFrame]) -> None:
        """Begins a fine-tuning here, or checks that the one begun here is this one.

        Args:
            origin: what it begins with.
            spec: of its networks.
            tables: molecules and drops.

        Raises:
            RunError: the directory holds another one, or files of something else.
        """
        if self.origin.is_file():
            if changes := changes_between(flat(self.read_origin()), flat(origin)):
                found = f"a fine-tuning of something else ({'; '.join(changes[:4])})"
                raise RunError(str(self.path), found=found, fix="choose another directory, or undo the change")
            return
        own = (path.name for path in (self.run_spec, self.molecules, self.drops, self.origin))
        refuse_strange_files(self.path, own, what="fine-tuning")
        for path, table in zip((self.molecules, self.drops), tables, strict=True):
            write_table(path, table)
        write_text(self.run_spec, yaml.safe_dump(spec.model_dump(mode="json"), sort_keys=False, allow_unicode=True))
        # Last, since its presence says that it was begun here.
        write_text(self.origin, origin.model_dump_json(indent=1))

    def locked(self) -> AbstractContextManager[None]:
        """Keeps other processes from the same fine-tuning, as `locked_against_others` does."""
        return locked_against_others(self.path, what="fine-tuning")


def write_table(path: Path, table: pl.DataFrame) -> None:
    """Writes a parquet file, whole or not at all."""
    with written_whole(path) as part:
        table.write_parquet(part, statistics=False)


def read_written(path: Path) -> pl.DataFrame:
    """Returns what `write_table` wrote.

    Raises:
        RunError: the file is damaged, or not there.
    """
    try:
        return pl.read_parquet(path)
    except (OSError, pl.exceptions.PolarsError) as error:
        fix = "delete the fine-tuning, and give the command that made it again"
        raise RunError(str(path), found=f"no readable table ({error})", fix=fix) from None


def write_piece(path: Path, result: PieceResult, test: NDArray[np.floating]) -> None:
    """Writes what one method gave on one fold with one seed."""
    with written_whole(path) as part, part.open("wb") as file:
        np.savez(file, test=test, result=np.array(result.model_dump_json()))


def read_piece(path: Path) -> tuple[PieceResult, NDArray[np.floating]]:
    """Returns what `write_piece` wrote.

    Raises:
        RunError: the file is damaged.
    """
    try:
        with opened_arrays(path) as file:
            return PieceResult.model_validate_json(str(file["result"])), file["test"]
    except ARRAYS_DAMAGED as error:
        raise RunError(str(path), found=f"no readable predictions ({error})", fix="delete it and run again") from None


def write_targets(folder: FinetuneFolder, targets: Sequence[Target]) -> None:
    """Writes what the networks of each fold predict."""
    write_text(folder.targets, Targets(folds=tuple(targets)).model_dump_json(indent=1))
