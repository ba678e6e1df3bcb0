"""Sections of a card that follow from a spec alone: tasks, provenance and licences, the split, the citation."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from molmix_bench.cards.document import Block, Bullets, Code, Heading, Inline, Link, Listing, Paragraph, Table, Text
from molmix_bench.cards.licences import CONDITIONS, OTHER, licence_url, strictest
from molmix_bench.specs.mix import MixSpec, SplitSpec
from molmix_bench.specs.source import DatasetSpec, SourceSpec, TaskSpec
from molmix_bench.vocab import TASKS_FILE

MAX_TASK_ROWS = 30
"""A dataset of more tasks shows the first few only; all are in `tasks.parquet`."""
FEW_TASKS = 8


def task_sections(sources: Sequence[SourceSpec], labels: Mapping[str, Mapping[str, int]]) -> list[Block]:
    """Returns a table of tasks for each dataset.

    Args:
        sources: those whose datasets are in the mix.
        labels: per dataset of the mix and task, the number of labels in all splits; no tasks where not known.
    """
    blocks: list[Block] = [Heading(2, "Tasks")]
    for source in sources:
        for name, dataset in source.datasets.items():
            if name in labels:
                blocks += [Heading(3, name), Paragraph(dataset.description), *_task_table(dataset, labels[name])]
    return blocks


def _task_table(dataset: DatasetSpec, labels: Mapping[str, int]) -> list[Block]:
    tasks = dataset.tasks
    shown = tasks if len(tasks) <= MAX_TASK_ROWS else tasks[:FEW_TASKS]
    columns: dict[str, list[Text]] = {"task": [Code(task.name) for task in shown]}
    if any(task.unit for task in shown):
        columns["unit"] = [task.unit or "" for task in shown]
    if any(task.direction for task in shown):
        columns["better"] = [task.direction or "" for task in shown]
    if labels:
        columns["labels"] = [f"{labels[task.name]:,}" for task in shown]
    columns["description"] = [_describe(task) for task in shown]
    rows = list(zip(*columns.values(), strict=True))
    blocks: list[Block] = [Table(tuple(columns), rows, frozenset({"labels"}))]
    if len(shown) < len(tasks):
        text = f"{len(tasks) - len(shown):,} more tasks of the same kind are listed in "
        blocks.append(Paragraph((text, Code(TASKS_FILE), f".{_label_range(labels)}")))
    return blocks


def _label_range(labels: Mapping[str, int]) -> str:
    if not labels:
        return ""
    fewest, most = min(labels.values()), max(labels.values())
    return f" Each has {fewest:,} labels." if fewest == most else f" They have from {fewest:,} to {most:,} labels."


def _describe(task: TaskSpec) -> str:
    every = " (every column of this form)" if task.is_pattern else ""
    return f"{task.description.strip()}{every}"


def provenance_sections(sources: Sequence[SourceSpec], datasets: Sequence[str]) -> list[Block]:
    """Returns where the data come from and under which licences they, and the mix, can be passed on."""
    header = ("source", "datasets", "licence", "files")
    rows: list[list[Text]] = []
    for source in sources:
        names = ", ".join(name for name in source.datasets if name in datasets)
        files = ", ".join(file.name for file in source.files) or "generated"
        rows.append([_linked(source.title, source.homepage), names, _licence(source.licence), files])
    blocks: list[Block] = [Heading(2, "Provenance and licences"), Table(header, rows)]
    for source in sources:
        note = f" Licence: {source.licence_note.strip()}" if source.licence_note else ""
        blocks.append(Paragraph(f"{source.title}: {source.description.strip()}{note}"))
    return [*blocks, Paragraph(_own_licence([source.licence for source in sources]))]


def _own_licence(licences: Sequence[str]) -> Text:
    own = strictest(licences)
    if own != OTHER:
        several = "the strictest of its sources'" if len(set(licences)) > 1 else "that of its sources"
        return ("The mix as a whole can be passed on under ", _licence(own), f", {several}. Each source keeps its own.")
    return (
        "No single licence states what all sources ask: whoever passes the mix on has to meet each one's conditions. ",
        "The card's licence is therefore ",
        Code(OTHER),
        ".",
    )


def _licence(licence: str) -> Inline:
    url = licence_url(licence)
    return Link(licence, url) if url and licence in CONDITIONS else licence


def _linked(text: str, url: str | None) -> Inline:
    return Link(text, url) if url else text


def split_text(split: SplitSpec) -> list[Block]:
    """Returns what the rule that made the splits does."""
    fractions = f"{split.validation:.3g} of them for validation and {split.test:.3g} for test"
    rules = {
        "paper": f"The rule of the datasets' authors, method paper: the raw rows of each source, in file order, are "
        f"shuffled with seed {split.seed}; first train, then validation, then test, {fractions}, rounded down. Rows "
        f"are counted before duplicates are merged, so a molecule with several rows can be in two splits.",
        "published": "Method published: the row numbers that the authors published for each source.",
        "hash": f"Method hash: a keyed hash of the molecule's identity (seed {split.seed}) decides, {fractions}; a "
        f"molecule keeps its split when the data grow.",
        "scaffold": f"Method scaffold: a keyed hash of the molecule's Murcko scaffold (seed {split.seed}) decides, "
        f"{fractions}; molecules of one scaffold stay together.",
    }
    items: list[Text] = [rules[split.method]]
    if split.strict:
        items.append("Strict: each molecule is in one split, the most held-out one, in all datasets of the mix.")
    if split.test_seen is not None:
        names = ", ".join(split.test_seen.sources)
        within = split.test_seen.within
        items.append(
            f"test_seen holds the rows of {names} whose molecule is anywhere in {within}; the rows of {within} with "
            f"these molecules are all in its train split."
        )
    return [Bullets(items)]


def citation_section(spec: MixSpec, sources: Sequence[SourceSpec]) -> list[Block]:
    """Returns the mix's citation and its sources', each entry once."""
    entries: list[str] = []
    for text in (spec.citation, *(source.citation for source in sources)):
        entries += [entry for entry in split_entries(text) if entry not in entries]
    return [
        Heading(2, "Citation"),
        Paragraph("Cite the mix and the sources you use."),
        Listing("bibtex", "\n".join(entries)),
    ]


def split_entries(text: str) -> list[str]:
    r"""Returns the entries of a BibTeX text, each from its `@` at the start of a line to the next.

    >>> split_entries("@misc{a}\n@misc{b,\n x = {1}}")
    ['@misc{a}', '@misc{b,\n x = {1}}']
    """
    entries: list[str] = []
    for line in text.strip().splitlines():
        if line.startswith("@") or not entries:
            entries.append(line)
        else:
            entries[-1] += f"\n{line}"
    return [entry.rstrip() for entry in entries]
