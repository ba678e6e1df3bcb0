"""The whole site: every page and file by its path, made when it is asked for."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from typing import Any

from leaderboard.boards import Board
from leaderboard.entries import Entry, Refused
from leaderboard.site.assets import asset_texts
from leaderboard.site.jinja import render
from leaderboard.site.protocol import protocol_blocks
from leaderboard.site.records import LogRecord, newest_first
from leaderboard.site.space import space_files
from leaderboard.site.tables import differences_csv, entry_csv, facts_json, replicates_json, scores_csv, tasks_json
from leaderboard.site.views import MixView, entry_path, mix_views
from molmix_bench.specs.reported import reported_names

NUM_LATEST = 6
"""Lines of the log on the first page."""
Maker = Callable[[], str | bytes]


class Site(Mapping[str, bytes]):
    """The content of each file of a site by its path; nothing is kept, so that five hundred submissions need no room.

    Equal input gives equal bytes, whoever asks, in whatever order.
    """

    def __init__(self, makers: Mapping[str, Maker]) -> None:
        self._makers = dict(makers)

    def __getitem__(self, path: str) -> bytes:
        """Returns the content of a file, made now; raises `KeyError` where there is none."""
        made = self._makers[path]()
        return made.encode() if isinstance(made, str) else made

    def __iter__(self) -> Iterator[str]:
        return iter(self._makers)

    def __len__(self) -> int:
        return len(self._makers)


def site_files(
    boards: Sequence[Board],
    refused: Sequence[Refused] = (),
    *,
    log: Sequence[LogRecord] = (),
    has_service: bool = False,
) -> Site:
    """Returns the files of a site: a start page, pages for each mix and submission, raw scores, log and protocol.

    Args:
        boards: of `make_boards`; catalog mixes without one have a page where something is published on them.
        refused: submissions that could not be scored, to be shown with their reasons.
        log: what maintainers did, in any order.
        has_service: whether a service stands behind the pages: only `submit.html` differs.

    Raises:
        MissingExtraError: Jinja is not installed.
    """
    views = mix_views(boards, reported_names())
    records = newest_first(log)
    rows = frozenset((view.name, entry.name) for view in views for entry in view.entries)
    makers: dict[str, Maker] = {
        "index.html": partial(
            render, "index.html", views=views, refused=refused, latest=records[:NUM_LATEST], rows=rows, here="index"
        ),
        "log.html": partial(render, "log.html", records=records, refused=refused, rows=rows, here="log"),
        "protocol.html": partial(render, "protocol.html", blocks=protocol_blocks(), here="protocol"),
        "submit.html": partial(render, "submit.html", has_service=has_service, views=views, here="submit"),
    }
    for path, text in (asset_texts() | space_files()).items():
        makers[path] = partial(str, text)
    for view in views:
        makers |= _mix_makers(view, records)
    return Site(makers)


def _mix_makers(view: MixView, records: Sequence[LogRecord]) -> dict[str, Maker]:
    name = view.name
    makers: dict[str, Maker] = {
        f"{name}/submissions.json": partial(facts_json, view),
        f"{name}/compare.html": partial(render, "compare.html", view=view, root="../"),
    }
    for place, section in enumerate(view.sections):
        for table in section.tables:
            page = partial(render, "board.html", view=view, section=section, table=table, root="../")
            makers[f"{name}/{section.view(table.metric.name)}"] = page
            if place == 0 and table is section.tables[0]:
                makers[f"{name}/index.html"] = page
        if not section.scores.is_empty():
            makers[f"{name}/{section.name}.csv"] = partial(scores_csv, section)
    if view.board is not None and not view.board.comparison.differences.is_empty():
        makers[f"{name}/differences.csv"] = partial(differences_csv, view.board)
    for entry in view.entries:
        makers |= _entry_makers(view, entry, [item for item in records if _is_of(item, view, entry)])
    return makers


def _is_of(record: LogRecord, view: MixView, entry: Entry) -> bool:
    return record.mix == view.name and record.entry == entry.name


def _entry_makers(view: MixView, entry: Entry, records: Sequence[LogRecord]) -> dict[str, Maker]:
    folder = entry_path(view.name, entry.name)
    sections = view.sections_of(entry)
    page: dict[str, Any] = {"view": view, "entry": entry, "sections": sections, "records": records}
    makers: dict[str, Maker] = {
        f"{folder}/index.html": partial(render, "entry.html", **page, root="../../../"),
        f"{folder}/scores.csv.gz": partial(entry_csv, entry),
        f"{folder}/replicates.json": partial(replicates_json, entry, view),
    }
    for section in sections:
        makers[f"{folder}/{section.name}.json"] = partial(tasks_json, entry, section)
    return makers
