"""What a source is: its files, how to read them, and the datasets and tasks they hold."""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import Field, FiniteFloat, StringConstraints, model_validator

from molmix_bench.specs.base import Spec
from molmix_bench.specs.readers import FileName, Reader, SdfReader, XyzReader
from molmix_bench.vocab import MAX_WIDE_TASKS, RESERVED_COLUMNS, RESERVED_CONFIGS, DType, Kind, Level, Policy

Name = Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9_]{0,63}$")]
"""Names of sources, datasets and mixes: they become directories and Hub configs."""
TaskName = Annotated[str, StringConstraints(pattern=r"^[^\x00-\x1f/\\]{1,128}$")]
Sha256 = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")]
Url = Annotated[str, StringConstraints(pattern=r"^https?://[^\s]+$")]

_KIND_DTYPES = {
    Kind.REGRESSION: (DType.FLOAT32, DType.FLOAT64),
    Kind.BINARY: (DType.INT8,),
    Kind.MULTICLASS: (DType.INT8,),
}
_KIND_POLICIES = {
    Kind.REGRESSION: (Policy.MEAN, Policy.FIRST, Policy.MAX_VARIANCE),
    Kind.BINARY: (Policy.MAJORITY, Policy.FIRST, Policy.MAX_VARIANCE),
    Kind.MULTICLASS: (Policy.MAJORITY, Policy.FIRST, Policy.MAX_VARIANCE),
}


class FileSpec(Spec):
    """One upstream file: its name, where to fetch it, and its checksum where known."""

    name: FileName
    urls: tuple[Url, ...] = ()
    sha256: Sha256 | None = None
    companion: bool = False
    """Whether the reader looks things up in it instead of reading rows from it."""


class TaskSpec(Spec):
    """One labelled property, or, with one `*` in its name, a pattern that the build resolves to the file's columns."""

    name: TaskName
    column: str | None = None
    """The column of the raw file, where it is not the task's name."""
    description: str = Field(min_length=1)
    """One line; a pattern's `*` stands for what the column has in its place."""
    exclude: tuple[str, ...] = ()
    """Columns that a pattern does not mean."""
    unit: str | None = None
    direction: Literal["higher", "lower"] | None = None
    """Which end is the desirable one, where there is one."""
    dtype: DType | None = None
    """Overrides the dataset's, as for total energies, whose digits float32 loses."""

    @property
    def is_pattern(self) -> bool:
        """Whether this stands for several columns."""
        return "*" in self.name

    @model_validator(mode="after")
    def _is_consistent(self) -> Self:
        if self.name.count("*") > 1 or (self.column or self.name).count("*") != self.name.count("*"):
            raise ValueError("a pattern has one '*' in its name, and one in its column where that is given")
        if self.exclude and not self.is_pattern:
            raise ValueError("exclude belongs to a pattern")
        return self


class DatasetSpec(Spec):
    """A table of tasks of one level and one kind."""

    description: str = Field(min_length=1)
    level: Level
    kind: Kind
    num_classes: Annotated[int, Field(ge=3, le=127)] | None = None
    bins: Annotated[tuple[FiniteFloat, ...], Field(min_length=1)] | None = None
    """Thresholds that turn raw numbers into classes: the class is the number of thresholds at or below the number."""
    dtype: DType | None = None
    duplicates: Policy
    tasks: Annotated[tuple[TaskSpec, ...], Field(min_length=1, max_length=32_767)]

    @model_validator(mode="after")
    def _is_consistent(self) -> Self:
        if self.level is Level.EDGE:
            raise ValueError("level 'edge' is reserved; use 'graph' or 'node'")
        if (self.kind is Kind.MULTICLASS) != (self.num_classes is not None):
            raise ValueError("num_classes goes with kind 'multiclass', and only with it")
        if self.bins is not None and (
            len(self.bins) + 1 != (self.num_classes or 2)
            or self.kind is Kind.REGRESSION
            or list(self.bins) != sorted(set(self.bins))
        ):
            raise ValueError("bins are one fewer than the classes, and increase")
        if self.level is Level.NODE and len(self.tasks) > MAX_WIDE_TASKS:
            raise ValueError(f"a node-level dataset has at most {MAX_WIDE_TASKS} tasks, a column each")
        for dtype in (self.dtype, *(task.dtype for task in self.tasks)):
            if dtype is not None and dtype not in _KIND_DTYPES[self.kind]:
                allowed = ", ".join(_KIND_DTYPES[self.kind])
                raise ValueError(f"dtype '{dtype}' does not fit kind '{self.kind}'; possible: {allowed}")
        if self.duplicates not in _KIND_POLICIES[self.kind]:
            allowed = ", ".join(_KIND_POLICIES[self.kind])
            raise ValueError(f"duplicates '{self.duplicates}' does not fit kind '{self.kind}'; possible: {allowed}")
        names = [task.name for task in self.tasks]
        if repeated := sorted({name for name in names if names.count(name) > 1}):
            raise ValueError(f"task names repeat: {', '.join(repeated)}")
        if reserved := sorted(set(names) & RESERVED_COLUMNS):
            raise ValueError(f"task names are reserved for columns: {', '.join(reserved)}")
        return self

    def task_dtype(self, task: TaskSpec) -> DType:
        """Returns how the labels of one task are stored."""
        return task.dtype or self.dtype or _KIND_DTYPES[self.kind][0]

    @property
    def list_dtype(self) -> DType:
        """The dtype of this dataset's lists in the mix table: the widest of its tasks."""
        dtypes = {self.task_dtype(task) for task in self.tasks}
        return DType.FLOAT64 if DType.FLOAT64 in dtypes else dtypes.pop()


class SourceSpec(Spec):
    """Upstream files as published, and the datasets in them."""

    name: Name
    title: str
    description: str
    homepage: Url | None = None
    licence: str
    """SPDX identifier."""
    licence_note: str | None = None
    citation: str
    """BibTeX."""
    files: tuple[FileSpec, ...] = ()
    split_file: FileSpec | None = None
    """Row numbers of each split as published, for the split method `published`."""
    reader: Annotated[Reader, Field(discriminator="form")]
    max_atoms: Annotated[int, Field(ge=1, le=65_535)] = 1_000
    """Larger molecules are dropped with the reason `too_large`."""
    hydrogen_labels: bool = True
    """Whether labels of the hydrogens that a stored SMILES has to write are kept; those of all others have no atom."""
    datasets: Annotated[dict[Name, DatasetSpec], Field(min_length=1)]

    @model_validator(mode="after")
    def _is_consistent(self) -> Self:
        if reserved := sorted(set(self.datasets) & RESERVED_CONFIGS):
            raise ValueError(f"dataset names are reserved: {', '.join(reserved)}")
        if self.reader.form == "generated" and self.files:
            raise ValueError("a generated source has no files")
        if self.reader.form != "generated" and all(file.companion for file in self.files):
            raise ValueError("a source needs at least one file with rows")
        names = [file.name for file in self.files]
        if len(set(names)) < len(names):
            raise ValueError("file names repeat")
        companions = {file.name for file in self.files if file.companion}
        if strange := sorted(set(self.reader.companions) ^ companions):
            raise ValueError(f"the reader's companion files and those of the source differ in {', '.join(strange)}")
        self._check_labels_of_structures()
        return self

    def _check_labels_of_structures(self) -> None:
        if isinstance(self.reader, SdfReader) and self.reader.labels is not None:
            level = Level.GRAPH if self.reader.labels.atom is None else Level.NODE
            if any(dataset.level is not level for dataset in self.datasets.values()):
                raise ValueError(f"the reader's table of labels is of level '{level}', and so are all datasets")
        if isinstance(self.reader, XyzReader):
            if any(dataset.level is not Level.GRAPH for dataset in self.datasets.values()):
                raise ValueError("an xyz file has labels of level 'graph' only")
            columns = {task.column or task.name for dataset in self.datasets.values() for task in dataset.tasks}
            if strange := sorted(columns - set(self.reader.label_columns)):
                raise ValueError(f"the reader has no column {', '.join(strange)}")
