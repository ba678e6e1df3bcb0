"""A built mix, read: its datasets, its tasks and its tables, lazily."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import polars as pl
import pyarrow as pa

from molmix_bench.errors import MixError, UsageError
from molmix_bench.layout.choose import layout_of
from molmix_bench.layout.protocol import Layout
from molmix_bench.parquet import open_parquet
from molmix_bench.specs.base import nearest, validate_spec
from molmix_bench.specs.manifest import FORMAT, Manifest
from molmix_bench.specs.source import DatasetSpec, SourceSpec
from molmix_bench.vocab import (
    MANIFEST_FILE,
    MAX_WIDE_TASKS,
    MIX_CONFIG,
    SPLITS,
    TASKS_FILE,
    Kind,
    Level,
    Split,
)

MAX_MANIFEST_BYTES = 64 << 20
"""UltraLarge's manifest is under 1 MB; a larger one than this is not ours."""


@dataclass(frozen=True, slots=True)
class Dataset:
    """One dataset of a mix: a table of tasks of one level and one kind."""

    name: str
    source: SourceSpec
    level: Level
    kind: Kind
    num_classes: int | None
    tasks: tuple[str, ...]
    """Names in task order: the order of columns, of lists and of predictions."""
    splits: dict[Split, int]
    """Rows of each split that has any, in the order train, validation, test, test_seen."""
    num_molecules: int
    num_labels: int

    @property
    def spec(self) -> DatasetSpec:
        """What the source's spec says of this dataset."""
        return self.source.datasets[self.name]

    @property
    def is_sparse(self) -> bool:
        """Whether labels are stored as `task_idx`, `label` pairs instead of one column per task."""
        return self.level is Level.GRAPH and len(self.tasks) > MAX_WIDE_TASKS

    @property
    def layout(self) -> Layout:
        """The form of the dataset's tables."""
        return layout_of(self.spec)


class Mix:
    """A finished mix directory, opened for reading.

    Args:
        path: the directory that holds `manifest.json`.

    Raises:
        MixError: the directory is missing, unfinished, or not what its manifest says in sizes.
    """

    def __init__(self, path: str | Path) -> None:
        self.path = Path(path)
        self.manifest = _read_manifest(self.path)
        self._check_files()

    def __repr__(self) -> str:
        return f"Mix({str(self.path)!r}: {self.name} {self.version}, {', '.join(self.datasets)})"

    @property
    def name(self) -> str:
        """The mix's name."""
        return self.manifest.name

    @property
    def version(self) -> str:
        """The mix's version."""
        return self.manifest.version

    @cached_property
    def datasets(self) -> dict[str, Dataset]:
        """The datasets by name, in the order of the spec."""
        tasks = dict(self.tasks.group_by("dataset", maintain_order=True).agg("task").iter_rows())
        sources = {source.name: source for source in self.manifest.spec.sources if isinstance(source, SourceSpec)}
        datasets = {}
        for name, entry in self.manifest.datasets.items():
            spec = sources[entry.source].datasets[name]
            datasets[name] = Dataset(
                name=name,
                source=sources[entry.source],
                level=spec.level,
                kind=spec.kind,
                num_classes=spec.num_classes,
                tasks=tuple(tasks[name]),
                splits={split: entry.splits[split].rows for split in SPLITS if split in entry.splits},
                num_molecules=entry.molecules,
                num_labels=entry.labels.kept,
            )
        return datasets

    @cached_property
    def tasks(self) -> pl.DataFrame:
        """`tasks.parquet`: one row per task, with unit, description and statistics of each split.

        Raises:
            MixError: the file is damaged.
        """
        path = self.path / TASKS_FILE
        try:
            return pl.read_parquet(path)
        except pl.exceptions.PolarsError as error:
            reason = " ".join(str(error).split())[:200]
            raise MixError(str(path), found=f"no readable table ({reason})", fix="validate the mix") from None

    @property
    def splits(self) -> dict[Split, int]:
        """Rows (molecules) of each split of the mix table."""
        return {split: self.manifest.mix[split].rows for split in SPLITS if split in self.manifest.mix}

    def files(self, config: str, split: str | Split) -> tuple[Path, ...]:
        """Returns the parquet files of one split of a dataset, or of the mix table (`"mix"`), in order.

        Raises:
            UsageError: there is no such dataset, or it has no such split.
        """
        split = self._check_names(config, split)
        prefix = f"{config}/{split}-"
        return tuple(self.path / file.path for file in self.manifest.files if file.path.startswith(prefix))

    def scan(self, config: str, split: str | Split) -> pl.LazyFrame:
        """Returns one split of a dataset, or of the mix table (`"mix"`), read only as far as it is used."""
        return pl.scan_parquet(list(self.files(config, split)))

    def batches(self, config: str, split: str | Split) -> Iterator[pa.RecordBatch]:
        """Yields the rows of one split in order, a bounded number at a time."""
        for path in self.files(config, split):
            with open_parquet(path) as file:
                yield from file.iter_batches()

    def _check_names(self, config: str, split: str | Split) -> Split:
        configs = [MIX_CONFIG, *self.manifest.datasets]
        where = f"mix {self.name}"
        if config not in configs:
            found = f"no dataset {config!r}{nearest(config, configs)}"
            raise UsageError(where, found=found, expected=f"one of {', '.join(configs)}")
        entries = self.manifest.mix if config == MIX_CONFIG else self.manifest.datasets[config].splits
        if split not in entries:
            found = f"no split {str(split)!r} of {config}"
            raise UsageError(where, found=found, expected=f"one of {', '.join(s for s in SPLITS if s in entries)}")
        return Split(split)

    def _check_files(self) -> None:
        """Refuses a mix of which a file is missing or of another size; `verify` compares every byte."""
        for file in self.manifest.files:
            path = self.path / file.path
            if not path.is_file():
                raise MixError(str(path), found="no such file", expected="a file of the mix", fix="build it again")
            if path.stat().st_size != file.num_bytes:
                raise MixError(
                    str(path),
                    found=f"{path.stat().st_size:,} bytes",
                    expected=f"{file.num_bytes:,} as in {MANIFEST_FILE}",
                    fix="the file was changed or cut; build or download the mix again",
                )


def is_mix(path: Path) -> bool:
    """Whether a directory holds a finished mix; the manifest is written last, so its presence says so."""
    return (path / MANIFEST_FILE).is_file()


def _read_manifest(path: Path) -> Manifest:
    file = path / MANIFEST_FILE
    if not path.is_dir():
        raise MixError(
            str(path), found="no such directory", fix="build the mix first: molmix-bench build NAME --out DIR"
        )
    if not file.is_file():
        raise MixError(
            str(path),
            found=f"no {MANIFEST_FILE}",
            expected="a finished mix",
            fix="an interrupted build goes on with the same command",
        )
    if file.stat().st_size > MAX_MANIFEST_BYTES:
        raise MixError(str(file), found=f"{file.stat().st_size:,} bytes", expected=f"at most {MAX_MANIFEST_BYTES:,}")
    try:
        data = json.loads(file.read_text(encoding="utf-8"))
    except (json.JSONDecodeError, UnicodeDecodeError, RecursionError) as error:
        raise MixError(str(file), found=f"no readable JSON ({error})", fix="build or download the mix again") from None
    if not isinstance(data, dict) or data.get("format") != FORMAT:
        found = f"format {data.get('format')!r}" if isinstance(data, dict) else "no manifest"
        raise MixError(str(file), found=found, expected=repr(FORMAT), fix="another version of molmix-bench wrote it")
    return validate_spec(Manifest, data, where=str(file))
