"""The YAML of a mix for a table of the user's own: a draft that builds as it is, and that the user then edits."""

from __future__ import annotations

import re
from dataclasses import dataclass

import yaml

from molmix_bench.errors import UsageError
from molmix_bench.sources.inspect import Column, Inspection
from molmix_bench.specs.base import parse_yaml, validate_spec
from molmix_bench.specs.mix import MixSpec
from molmix_bench.specs.readers import MISSING
from molmix_bench.specs.source import FileSpec
from molmix_bench.vocab import RESERVED_COLUMNS, RESERVED_CONFIGS, Kind

_MAX_STEM = 40
"""Letters of a file's name that a draft's names keep: room for endings."""
_MAX_TASK = 120


@dataclass(frozen=True, slots=True)
class Draft:
    """A drafted mix.

    Attributes:
        text: the YAML.
        spec: what it says.
        left_out: columns that are no tasks, and why.
    """

    text: str
    spec: MixSpec
    left_out: dict[str, str]


def draft_mix(table: Inspection) -> Draft:
    """Returns the mix of one table: a dataset per kind of its columns, split by scaffold.

    Raises:
        UsageError: the file's name cannot stand in a spec, or no column holds labels.
    """
    file = table.path.name
    if not _fits(file):
        expected = "letters, digits, dots, dashes and underscores"
        raise UsageError(file, found="a name that a spec cannot hold", expected=expected, fix="rename the file")
    labelled = [column for column in table.columns if column.kind is not None and "*" not in column.name]
    left_out = {column.name: column.why_not for column in table.columns if column.kind is None}
    left_out |= {column.name: "its name has a *" for column in table.columns if column.kind and "*" in column.name}
    if not labelled:
        why = "; ".join(f"{name}: {reason}" for name, reason in list(left_out.items())[:8])
        raise UsageError(file, found=f"no column with labels ({why or 'only the SMILES'})", fix="add one to the file")
    text = _render(table, labelled, left_out)
    spec = validate_spec(MixSpec, parse_yaml(text, where=f"draft for {file}"), where=f"draft for {file}")
    return Draft(text, spec, left_out)


def _fits(file: str) -> bool:
    pattern = next(item.pattern for item in FileSpec.model_fields["name"].metadata if hasattr(item, "pattern"))
    return re.fullmatch(pattern, file) is not None


def _render(table: Inspection, columns: list[Column], left_out: dict[str, str]) -> str:
    file, stem = table.path.name, name_of(table.path.name)
    missing = sorted({text for column in columns for text in column.missing})
    lines = [
        f"# A draft for {_one_line(file)}, from its {table.num_rows:,} rows. Correct it, above all units, kinds and",
        "# descriptions, and remove the columns that are no labels. Then: molmix-bench build with this file's name.",
        f"name: {stem}",
        "version: 0.1.0",
        f"title: {_quote(table.path.name)}",
        f"description: {_quote(f'The table {file}.')}",
        f"citation: {_quote(f'@misc{{{stem}, title = {{{file}}}}}')}",
        "# By scaffold, test molecules differ from those trained on; `method: hash` splits at random.",
        "split: {method: scaffold, validation: 0.1, test: 0.1, seed: 0}",
        "sources:",
        f"  - name: {stem}",
        f"    title: {_quote(table.path.name)}",
        f"    description: {_quote(f'The table {file}.')}",
        "    # An SPDX identifier; LicenseRef- and a word of yours where there is none.",
        "    licence: LicenseRef-unknown",
        f"    citation: {_quote(f'@misc{{{stem}, title = {{{file}}}}}')}",
        "    # Found beside this file, or in a folder given by --raw.",
        f"    files: [{{name: {_quote(file)}}}]",
        "    reader:",
        "      form: table",
        *_rivals(table),
        f"      smiles: {_quote(table.smiles)}",
        *([f"      missing: {_quote([*MISSING, *missing])}"] if missing else []),
        "    datasets:",
    ]
    for name, members in _group(stem, columns).items():
        lines += _dataset(name, members, table)
    if left_out:
        lines += ["    # Columns left out:"]
        lines += [f"    #   {_one_line(name)}: {_one_line(reason)}" for name, reason in left_out.items()]
    return "\n".join([*lines, ""])


def _rivals(table: Inspection) -> list[str]:
    if not table.rivals:
        return []
    return [f"      # These hold molecules too: {', '.join(_one_line(name) for name in table.rivals)}."]


def _group(stem: str, columns: list[Column]) -> dict[str, list[Column]]:
    """Returns the datasets: a dataset has one kind and one number of classes."""
    groups: dict[tuple[Kind | None, int | None], list[Column]] = {}
    for column in columns:
        groups.setdefault((column.kind, column.num_classes), []).append(column)
    if len(groups) == 1:
        return {stem: columns}
    return {f"{stem}_{kind}{classes or ''}": members for (kind, classes), members in groups.items()}


def _dataset(name: str, columns: list[Column], table: Inspection) -> list[str]:
    kind, num_classes = columns[0].kind, columns[0].num_classes
    labels = sum(column.num_labels for column in columns)
    shown = f"{1 - labels / (table.num_rows * len(columns)):.0%} of the labels are missing"
    lines = [
        f"      {name}:",
        f"        description: {_quote(f'Columns of {table.path.name}.')}",
        "        level: graph",
    ]
    if kind is Kind.MULTICLASS:
        lines += ["        # Whole numbers from 0, taken for classes; for counts: kind: regression, duplicates: mean."]
    lines += [f"        kind: {kind}"]
    lines += [f"        num_classes: {num_classes}"] if num_classes else []
    lines += [f"        duplicates: {'mean' if kind is Kind.REGRESSION else 'majority'}", f"        # {shown}."]
    lines += ["        tasks:"]
    taken: set[str] = set()
    for column in columns:
        task = _task_name(column.name, taken)
        taken.add(task)
        lines += [f"          - name: {_quote(task)}"]
        lines += [f"            column: {_quote(column.name)}"] if task != column.name else []
        lines += ["            unit: null"] if kind is Kind.REGRESSION else []
        lines += [f"            description: {_quote(f'Column {column.name}')}"]
    return lines


def _task_name(column: str, taken: set[str]) -> str:
    """Returns a name that a task may bear and that no other task of the dataset bears."""
    name = re.sub(r"[\x00-\x1f/\\]", "_", column)[:_MAX_TASK] or "column"
    if name in RESERVED_COLUMNS:
        name = f"{name}_value"
    number, unique = 2, name
    while unique in taken:
        unique, number = f"{name}_{number}", number + 1
    return unique


def name_of(file: str) -> str:
    """Returns a name for mix, source and dataset from a file's name.

    >>> name_of("My Assay-2.csv.gz")
    'my_assay_2'
    """
    name = re.sub(r"[^a-z0-9]+", "_", file.lower().partition(".")[0]).strip("_")[:_MAX_STEM] or "data"
    return f"{name}_data" if name in RESERVED_CONFIGS else name


def _quote(value: str | list[str]) -> str:
    """Returns text, or a list of texts, as YAML on one line, in quotes."""
    text: str = yaml.safe_dump(value, default_style='"', default_flow_style=True, allow_unicode=True, width=2**20)
    return text.rstrip("\n")


def _one_line(text: str) -> str:
    """Returns text that can stand in a comment."""
    return "".join(letter if letter.isprintable() else " " for letter in text)[:200]
