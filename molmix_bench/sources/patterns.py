"""Task patterns, such as `geneID-*`, resolved to the columns that a file has."""

from __future__ import annotations

import re
from collections.abc import Sequence

from molmix_bench.errors import SourceError
from molmix_bench.specs.base import validate_spec
from molmix_bench.specs.source import DatasetSpec, SourceSpec, TaskSpec


def has_patterns(source: SourceSpec) -> bool:
    """Whether any task of the source stands for several columns."""
    return any(task.is_pattern for dataset in source.datasets.values() for task in dataset.tasks)


def expand_source(source: SourceSpec, columns: Sequence[str], *, file: str) -> SourceSpec:
    """Returns the source with every pattern replaced by a task per matching column, in the order of the file.

    Raises:
        SourceError: a pattern matches no column.
        SpecError: two tasks of a dataset end up with one name.
    """
    datasets = {name: _expand_dataset(name, dataset, columns, file=file) for name, dataset in source.datasets.items()}
    return source.model_copy(update={"datasets": datasets})


def _expand_dataset(name: str, dataset: DatasetSpec, columns: Sequence[str], *, file: str) -> DatasetSpec:
    tasks: list[TaskSpec] = []
    for task in dataset.tasks:
        tasks += _expand_task(task, columns, where=f"{file}, dataset {name}") if task.is_pattern else [task]
    data = dataset.model_dump() | {"tasks": [task.model_dump() for task in tasks]}
    return validate_spec(DatasetSpec, data, where=f"dataset {name} with the columns of {file}")


def _expand_task(task: TaskSpec, columns: Sequence[str], *, where: str) -> list[TaskSpec]:
    column = task.column or task.name
    pattern = re.compile("(.+)".join(re.escape(part) for part in column.split("*")))
    found = []
    for name in columns:
        match = pattern.fullmatch(name)
        if match and name not in task.exclude:
            data = task.model_dump() | {
                "name": task.name.replace("*", match.group(1)),
                "column": name,
                "description": task.description.replace("*", match.group(1)),
                "exclude": (),
            }
            found.append(TaskSpec.model_validate(data))
    if not found:
        raise SourceError(where, found=f"no column like {column!r}", expected="at least one", fix="check the pattern")
    return found
