"""The text of a built mix's card, from its manifest, its tasks and what was counted in its tables."""

from __future__ import annotations

import polars as pl

from molmix_bench.cards.document import Block, Bullets, Code, Heading, Image, Link, Paragraph, Table, Text, percent
from molmix_bench.cards.facts import SAMPLE_ROWS, Facts
from molmix_bench.cards.issues import known_issues
from molmix_bench.cards.loading import load_section
from molmix_bench.cards.sections import citation_section, provenance_sections, split_text, task_sections
from molmix_bench.mix import Mix
from molmix_bench.specs.source import SourceSpec
from molmix_bench.validate.leakage import IDENTITIES
from molmix_bench.vocab import CONFLICTS_FILE, DROPS_FILE, MANIFEST_FILE, SPLITS

_VERSIONS = ("molmix_bench", "rdkit", "inchi", "numpy", "polars", "pyarrow")
"""Of the manifest's toolchain, those on which identities, SMILES, labels and bytes depend; not Python's."""


def card_blocks(mix: Mix, facts: Facts, repository: str) -> list[Block]:
    """Returns the whole card; figures are named, and left out by the page where they were not drawn."""
    spec = mix.manifest.spec
    sources = used_sources(mix)
    return [
        *_head(mix),
        *load_section(mix, repository),
        *_datasets(mix, facts),
        *task_sections(sources, {name: _labels_per_task(mix, name) for name in mix.datasets}),
        Heading(3, "Distribution of labels"),
        Image("labels", "Distribution of the labels of each dataset's tasks"),
        *provenance_sections(sources, list(mix.datasets)),
        *_making(mix),
        *_leakage(mix, facts),
        *_accounting(mix),
        *_molecules(facts),
        *known_issues(mix, facts),
        *citation_section(spec, sources),
    ]


def used_sources(mix: Mix) -> tuple[SourceSpec, ...]:
    """Returns the sources that have a dataset in the mix."""
    used = {entry.source for entry in mix.manifest.datasets.values()}
    return tuple(item for item in mix.manifest.spec.sources if isinstance(item, SourceSpec) and item.name in used)


def _head(mix: Mix) -> list[Block]:
    manifest = mix.manifest
    spec = manifest.spec
    num_tasks = sum(len(item.tasks) for item in mix.datasets.values())
    labels = sum(item.num_labels for item in mix.datasets.values())
    blocks: list[Block] = [
        Heading(1, f"{spec.title} {manifest.version}"),
        Paragraph(spec.description.strip()),
        Paragraph(
            f"{manifest.molecules:,} molecules, {num_tasks:,} tasks in {_count(len(mix.datasets), 'dataset')}, "
            f"{labels:,} labels."
        ),
    ]
    if spec.homepage:
        blocks.append(Paragraph(("Homepage: ", Link(spec.homepage, spec.homepage))))
    return blocks


def _datasets(mix: Mix, facts: Facts) -> list[Block]:
    splits = [split for split in SPLITS if split in mix.splits]
    header = ("dataset", "level", "kind", "tasks", "molecules", "labels", *splits)
    rows: list[list[Text]] = []
    for name, item in mix.datasets.items():
        kind = f"{item.kind}, {item.num_classes} classes" if item.num_classes else str(item.kind)
        counts = [f"{len(item.tasks):,}", f"{item.num_molecules:,}", f"{item.num_labels:,}"]
        cells = [f"{item.splits[split]:,}" if split in item.splits else "-" for split in splits]
        rows.append([Code(name), str(item.level), kind, *counts, *cells])
    dense: list[list[Text]] = [
        [
            Code(name),
            *(f"{percent(facts.density[name][split])}%" if split in facts.density[name] else "-" for split in splits),
        ]
        for name in mix.datasets
    ]
    return [
        Heading(2, "Datasets"),
        Paragraph(("Each is a config of the same name; the default config, ", Code("mix"), ", has them all.")),
        Table(header, rows, frozenset({"tasks", "molecules", "labels", *map(str, splits)})),
        Heading(3, "Label density"),
        Paragraph("The share of cells that hold a label; a cell is a task of a molecule, or of an atom."),
        Image("density", "Label density of each dataset in each split"),
        Table(("dataset", *splits), dense, frozenset(map(str, splits))),
        *_overlap(mix, facts),
    ]


def _overlap(mix: Mix, facts: Facts) -> list[Block]:
    blocks: list[Block] = [Heading(3, "Molecules in common")]
    if len(mix.datasets) == 1:
        return [*blocks, Paragraph("The mix has one dataset, and nothing to share molecules with.")]
    names = list(mix.datasets)
    rows: list[list[Text]] = [
        [Code(name), *(f"{count:,}" for count in counts)]
        for name, counts in zip(names, facts.shared.tolist(), strict=True)
    ]
    return [
        *blocks,
        Image("overlap", "Share of each dataset's molecules that are in each other dataset"),
        Table(("molecules in common", *names), rows, frozenset(names)),
    ]


def _labels_per_task(mix: Mix, name: str) -> dict[str, int]:
    counts = [pl.col(f"{split}_n_labels") for split in SPLITS]
    tasks = mix.tasks.filter(pl.col("dataset") == name).select("task", pl.sum_horizontal(counts))
    return dict(tasks.iter_rows())


def _making(mix: Mix) -> list[Block]:
    manifest = mix.manifest
    versions = ", ".join(f"{name} {manifest.toolchain[name]}" for name in _VERSIONS if name in manifest.toolchain)
    items: list[Text] = [
        (
            "Every SMILES is written in RDKit's canonical form; no fragment, charge or tautomer is changed. ",
            "A molecule is its InChIKey with fixed hydrogens, ",
            Code("mol_id"),
            ".",
        ),
        "Rows of one source with the same molecule in the same split are merged, by the policy of the dataset: "
        + ", ".join(f"{name}: {item.spec.duplicates}" for name, item in mix.datasets.items())
        + ".",
    ]
    if manifest.spec.sample is not None:
        items.append(f"A sample: a hash of the raw SMILES keeps {manifest.spec.sample:.3g} of the rows.")
    items.append(f"Made with {versions}. The same raw files and versions give the same bytes.")
    raw: list[list[Text]] = [
        [Code(file.name), f"{file.num_bytes:,}", "-" if file.rows is None else f"{file.rows:,}", Code(file.sha256)]
        for file in manifest.raw
    ]
    table: list[Block] = [Table(("raw file", "bytes", "rows", "sha256"), raw, frozenset({"bytes", "rows"}))]
    return [
        Heading(2, "How it was built"),
        Bullets(items),
        *(table if raw else []),
        Heading(3, "Splits"),
        *split_text(manifest.spec.split),
    ]


def _leakage(mix: Mix, facts: Facts) -> list[Block]:
    blocks: list[Block] = [Heading(2, "Leakage")]
    if facts.leakage.is_empty():
        return [*blocks, Paragraph("Nothing is held out, so nothing can leak.")]
    text = (
        "The share of each held-out split that the train split of any dataset knows: the same molecule (mol_id), the "
        "same skeleton (first block of the InChIKey: stereoisomers, protonation states), the same Murcko scaffold."
    )
    rows: list[list[Text]] = []
    for (name, split), found in facts.leakage.group_by("dataset", "split", maintain_order=True):
        share = {row["identity"]: row["shared_any"] / row["molecules"] for row in found.iter_rows(named=True)}
        cells = [f"{percent(share[identity])}%" for identity in IDENTITIES]
        rows.append([Code(str(name)), str(split), f"{found['molecules'][0]:,}", *cells])
    numeric = frozenset({"molecules", *IDENTITIES})
    return [
        *blocks,
        Paragraph(text),
        Image("leakage", f"Leakage from each dataset's train split into each held-out split of {mix.name}"),
        Table(("dataset", "split", "molecules", *IDENTITIES), rows, numeric),
    ]


def _accounting(mix: Mix) -> list[Block]:
    header = ("dataset", "of", "read", "kept", "merged", "dropped", "reasons")
    rows: list[list[Text]] = []
    for name, entry in mix.manifest.datasets.items():
        for what, count in (("rows", entry.rows), ("labels", entry.labels)):
            reasons = ", ".join(f"{number:,} {reason}" for reason, number in count.dropped.items())
            counts = [f"{number:,}" for number in (count.read, count.kept, count.merged, sum(count.dropped.values()))]
            rows.append([Code(name), what, *counts, reasons])
    conflicts = sum(entry.conflicts for entry in mix.manifest.datasets.values())
    text: Text = (
        "Nothing is lost without a record: read = kept + merged + dropped. ",
        f"{_count(conflicts, 'label')} on which duplicates disagreed {'is' if conflicts == 1 else 'are'} in ",
        Code(CONFLICTS_FILE),
        ", every dropped row and label with its reason in ",
        Code(DROPS_FILE),
        ", all counts and checksums in ",
        Code(MANIFEST_FILE),
        ".",
    )
    numeric = frozenset({"read", "kept", "merged", "dropped"})
    return [Heading(2, "Duplicates and drops"), Paragraph(text), Table(header, rows, numeric)]


def _molecules(facts: Facts) -> list[Block]:
    points = sum(len(points) for points in facts.space.points.values())
    return [
        Heading(2, "Molecules"),
        Paragraph(f"Atoms of the stored SMILES, from at most {SAMPLE_ROWS:,} molecules of each dataset."),
        Image("sizes", "Distribution of the number of atoms of each dataset's molecules"),
        Paragraph(
            f"Chemical space: the first two principal components of Morgan fingerprints of {points:,} molecules, "
            "chosen by a hash of their identity."
        ),
        Image("space", "The molecules of each dataset in the plane of two principal components"),
    ]


def _count(number: int, noun: str) -> str:
    return f"{number:,} {noun}{'' if number == 1 else 's'}"
