"""The card of a mix that is not built here: from its spec, with sizes as published, and marked as such."""

from __future__ import annotations

from molmix_bench.cards.document import Block, Bullets, Code, Heading, Link, Listing, Paragraph, Table, Text
from molmix_bench.cards.front import describe_front, render_front
from molmix_bench.cards.loading import default_repository, load_lines
from molmix_bench.cards.markdown import render_markdown
from molmix_bench.cards.published import PAPER, PUBLISHED, PublishedMix
from molmix_bench.cards.sections import citation_section, provenance_sections, split_text, task_sections
from molmix_bench.errors import UsageError
from molmix_bench.specs.base import nearest
from molmix_bench.specs.catalog import load_mix_spec, resolve_sources
from molmix_bench.specs.mix import MixSpec
from molmix_bench.specs.source import DatasetSpec, SourceSpec
from molmix_bench.vocab import SPLITS, Split


def planned_card(name: str) -> str:
    """Returns the card of a catalog mix from its spec; nothing in it was counted, and it says so.

    Raises:
        UsageError: the catalog has no such mix, or no published sizes of it are known.
    """
    spec = load_mix_spec(name)
    if name not in PUBLISHED:
        found = f"no published sizes{nearest(name, tuple(PUBLISHED))}"
        raise UsageError(f"card of {name}", found=found, expected=f"one of {', '.join(PUBLISHED)}")
    sources = resolve_sources(spec)
    datasets = _datasets(spec, sources)
    front = describe_front(
        spec.title,
        licences=[source.licence for source in sources],
        datasets=datasets.values(),
        molecules=PUBLISHED[name].molecules,
    )
    blocks: list[Block] = [
        *_head(spec, PUBLISHED[name]),
        *_loading(spec, next(iter(datasets))),
        *_sizes(sources, datasets, PUBLISHED[name]),
        *task_sections(sources, {dataset: {} for dataset in datasets}),
        *provenance_sections(sources, list(datasets)),
        Heading(2, "Splits"),
        *split_text(spec.split),
        *citation_section(spec, sources),
    ]
    return f"{render_front(front)}\n{render_markdown(blocks)}"


def _datasets(spec: MixSpec, sources: tuple[SourceSpec, ...]) -> dict[str, DatasetSpec]:
    every = {name: dataset for source in sources for name, dataset in source.datasets.items()}
    return {name: dataset for name, dataset in every.items() if spec.datasets is None or name in spec.datasets}


def _head(spec: MixSpec, published: PublishedMix) -> list[Block]:
    blocks: list[Block] = [
        Heading(1, f"{spec.title} {spec.version}"),
        Paragraph(spec.description.strip()),
        Paragraph(
            "This card is written from the spec, not from a build: every size below is a published one, with its "
            "source. Density, leakage, drops and figures come with the card of a build."
        ),
        Paragraph(f"{'About ' * published.rounded}{published.molecules:,} molecules ({published.source})."),
    ]
    if spec.homepage:
        blocks.append(Paragraph(("Homepage: ", Link(spec.homepage, spec.homepage))))
    return blocks


def _loading(spec: MixSpec, first: str) -> list[Block]:
    return [
        Heading(2, "Build and load it"),
        Listing("console", f"$ molmix-bench build {spec.name} --out {spec.name}\n$ molmix-bench card {spec.name}"),
        Paragraph("Once it is published:"),
        Listing("python", load_lines(default_repository(spec.name), spec.version, first, Split.TRAIN)),
    ]


def _sizes(sources: tuple[SourceSpec, ...], datasets: dict[str, DatasetSpec], published: PublishedMix) -> list[Block]:
    rows: list[list[Text]] = []
    sized: list[list[Text]] = []
    shown = [split for split in SPLITS if any(split in dict(size.splits) for size in published.sizes.values())]
    for source in sources:
        own = {name: dataset for name, dataset in source.datasets.items() if name in datasets}
        for name, dataset in own.items():
            kind = f"{dataset.kind}, {dataset.num_classes} classes" if dataset.num_classes else str(dataset.kind)
            tasks = _count_tasks(dataset, dict(published.tasks).get(name))
            rows.append([Code(name), source.title, str(dataset.level), kind, tasks])
        size = published.sizes[source.name]
        counts = dict(size.splits)
        cells = [f"{counts[split]:,}" if split in counts else "-" for split in shown]
        sized.append([source.title, f"{size.rows:,}", *cells, size.source])
    blocks: list[Block] = [
        Heading(2, "Datasets"),
        Table(("dataset", "source", "level", "kind", "tasks"), rows, frozenset({"tasks"})),
        *([Paragraph(f"* By {PAPER}; a build takes every column that the file has.")] if published.tasks else []),
        Heading(3, "Published sizes"),
        Paragraph("Rows of the raw files, before duplicates are merged and unreadable rows are dropped."),
        Table(("source", "rows", *shown, "by"), sized, frozenset({"rows", *map(str, shown)})),
    ]
    return [*blocks, Bullets(published.notes)] if published.notes else blocks


def _count_tasks(dataset: DatasetSpec, published: int | None) -> str:
    if not any(task.is_pattern for task in dataset.tasks):
        return f"{len(dataset.tasks):,}"
    return "as many as the file has" if published is None else f"{published:,} *"
