"""What pages show of a mix: of a board, or of the catalog alone where nothing is scored yet."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import polars as pl

from leaderboard.boards import SCORES_SCHEMA, Board, MetricTable, Section
from leaderboard.entries import Entry
from leaderboard.site.slugs import slug
from molmix_bench.metrics.protocol import METRICS
from molmix_bench.specs.catalog import load_mix_spec, resolve_sources
from molmix_bench.specs.mix import MixSpec
from molmix_bench.specs.reported import Reported, load_reported
from molmix_bench.specs.source import DatasetSpec
from molmix_bench.vocab import Kind, Level, Split


@dataclass(frozen=True, slots=True)
class ReportedRow:
    """A published figure of one metric."""

    model: str
    setting: str
    """Short."""
    trained: str
    """The same in full."""
    figure: str
    """As printed."""

    @property
    def value(self) -> float:
        """The mean."""
        return float(self.figure.partition(" ")[0])


@dataclass(frozen=True, slots=True)
class Scored:
    """What the labels of a split are and allow; none where the mix is not at hand."""

    digest: str
    num_molecules: int
    num_tasks: int
    num_reliable: int
    excluded: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True, eq=False)
class SectionView:
    """One dataset and split."""

    name: str
    dataset: str
    split: Split
    kind: Kind
    level: Level
    description: str
    num_tasks: int | None
    """None where they are a pattern that only a build resolves."""
    scored: Scored | None
    tables: tuple[MetricTable, ...]
    """The primary metric's first; of no rows where nothing is scored."""
    scores: pl.DataFrame
    """Of `Section.scores`."""
    reported: Reported | None

    @property
    def title(self) -> str:
        """What the section is called on pages."""
        return self.dataset if self.split is Split.TEST else f"{self.dataset}, {self.split}"

    @property
    def num_models(self) -> int:
        """Models that are ranked here."""
        return max((len(table.rows) for table in self.tables), default=0)

    def reported_rows(self, metric: str) -> tuple[ReportedRow, ...]:
        """Returns what others published of a metric; it is of the test split alone."""
        if self.reported is None or self.split is not Split.TEST:
            return ()
        settings = self.reported.settings
        return tuple(
            ReportedRow(model, settings[table.setting].short, settings[table.setting].long, figures[place])
            for table in self.reported.of(self.dataset)
            if metric in table.metrics
            for place in (table.metrics.index(metric),)
            for model, figures in table.rows.items()
        )

    def view(self, metric: str) -> str:
        """Returns the name of the page that has the table of a metric, beside the mix's first page."""
        return f"{self.name}.html" if metric == self.tables[0].metric.name else f"{self.name}.{metric}.html"


@dataclass(frozen=True, slots=True, eq=False)
class MixView:
    """One mix."""

    name: str
    spec: MixSpec
    version: str
    build_key: str | None
    """Of the labels that models are scored against; none where nothing is scored yet."""
    entries: tuple[Entry, ...]
    sections: tuple[SectionView, ...]
    reported: Reported | None
    board: Board | None

    @property
    def num_reported(self) -> int:
        """Published models, counted once for each setting and dataset."""
        return sum(len(table.rows) for table in self.reported.tables) if self.reported else 0

    def sections_of(self, entry: Entry) -> tuple[SectionView, ...]:
        """Returns those that a submission has scores in."""
        places = {tuple(row) for row in entry.submission.macros.table.select("dataset", "split").iter_rows()}
        return tuple(section for section in self.sections if (section.dataset, str(section.split)) in places)


def mix_views(boards: Sequence[Board], catalog: Sequence[str] = ()) -> tuple[MixView, ...]:
    """Returns the views of some boards, then those of catalog mixes that no board is of, for what is published."""
    known = {board.mix.name for board in boards}
    return (*map(_of_board, boards), *(_of_catalog(name) for name in catalog if name not in known))


def leading(view: MixView) -> tuple[Entry, ...]:
    """Returns a mix's submissions, those that lead its first dataset with scores before all others."""
    ranked = next((section.tables[0].rows for section in view.sections if section.tables[0].rows), ())
    first = [row.entry for row in ranked]
    return (*first, *(entry for entry in view.entries if entry not in first))


def entry_path(mix: str, name: str) -> str:
    """Returns the folder of a submission's page and files, from the site's root."""
    return f"{mix}/entries/{slug(name)}"


def _of_board(board: Board) -> MixView:
    reported = load_reported(board.mix.name)
    return MixView(
        name=board.mix.name,
        spec=board.mix.manifest.spec,
        version=board.mix.version,
        build_key=board.mix.manifest.build_key,
        entries=board.entries,
        sections=tuple(_section(section, reported) for section in board.sections),
        reported=reported,
        board=board,
    )


def _section(section: Section, reported: Reported | None) -> SectionView:
    dataset = section.dataset
    return SectionView(
        name=section.name,
        dataset=dataset.name,
        split=section.split,
        kind=dataset.kind,
        level=dataset.level,
        description=dataset.spec.description,
        num_tasks=len(dataset.tasks),
        scored=Scored(section.digest, section.num_molecules, section.num_tasks, section.num_reliable, section.excluded),
        tables=section.tables,
        scores=section.scores,
        reported=reported,
    )


def _of_catalog(name: str) -> MixView:
    spec, reported = load_mix_spec(name), load_reported(name)
    sections = tuple(
        _published_section(dataset, found, reported)
        for source in resolve_sources(spec)
        for dataset, found in source.datasets.items()
        if spec.datasets is None or dataset in spec.datasets
    )
    return MixView(name, spec, spec.version, None, (), sections, reported, None)


def _published_section(name: str, dataset: DatasetSpec, reported: Reported | None) -> SectionView:
    return SectionView(
        name=f"{name}-{Split.TEST}",
        dataset=name,
        split=Split.TEST,
        kind=dataset.kind,
        level=dataset.level,
        description=dataset.description,
        num_tasks=None if any(task.is_pattern for task in dataset.tasks) else len(dataset.tasks),
        scored=None,
        tables=tuple(MetricTable(metric, ()) for metric in METRICS[dataset.kind] if not metric.in_units),
        scores=pl.DataFrame(schema=SCORES_SCHEMA),
        reported=reported,
    )
