"""The board of many submissions in a real browser: `python -m tests.benchmarks.board_page [--entries 500]`.

Scores are made up (`tests/leaderboard/made.py`), for three datasets of 978, 1,328 and 700 tasks; ranks follow from
1,000 replicates of each, as always. The site is served from memory on this machine and opened by headless Chromium,
each time with an empty cache. First paint is the browser's own `first-contentful-paint`; the rest is the time from a
reader's action until what was asked for is in the page. Medians, over a desktop's width and a phone's alike.
"""

from __future__ import annotations

import argparse
import gzip
import json
import statistics
import tempfile
import time
from pathlib import Path

from leaderboard.boards import make_boards
from leaderboard.site.pages import Site, site_files
from tests.leaderboard.made import build_wide_mix, make_entries, make_log
from tests.leaderboard.served import DESKTOP, PHONE, chromium, reading, served

TASKS = {"l1000_vcap": 978, "pcba_1328": 1_328, "pm6": 700}
BUDGET_SECONDS = 1.0
PAINT = "performance.getEntriesByName('first-contentful-paint')[0].startTime"
LAID_OUT = "performance.getEntriesByType('navigation')[0].domContentLoadedEventEnd"


def main() -> None:
    """Makes the board, opens it and prints what was measured as JSON."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--entries", type=int, default=500)
    parser.add_argument("--turns", type=int, default=7)
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        mix = build_wide_mix(Path(folder), TASKS)
        entries = make_entries(mix, args.entries)
        begin = time.process_time()
        boards = make_boards(entries)
        ranking = time.process_time() - begin
        # The second time the kernels are compiled and the labels read.
        begin = time.process_time()
        boards = make_boards(entries)
        again = time.process_time() - begin
        site = site_files(boards, log=make_log(entries))
        found = {"entries": args.entries, "tasks": sum(TASKS.values()), "files": len(site)}
        found |= {"boards_first_cpu_s": round(ranking, 2), "boards_again_cpu_s": round(again, 2)}
        found |= _pages(site) | _opened(site, args.turns)
    print(json.dumps(found, indent=1))  # noqa: T201  # what the command gives
    worst = max(found["first_paint_s"].values())
    print(f"first paint {worst} s, budget {BUDGET_SECONDS} s: {'kept' if worst < BUDGET_SECONDS else 'missed'}")  # noqa: T201  # likewise


def _pages(site: Site) -> dict:
    """Returns how long pages take to be made, and their sizes."""
    found = {}
    for name, path in {"board": "tiny/index.html", "entry": "tiny/entries/gcn-0/index.html"}.items():
        begin = time.process_time()
        content = site[path]
        found[f"{name}_made_cpu_s"] = round(time.process_time() - begin, 3)
        found[f"{name}_kb"] = round(len(content) / 1e3)
        found[f"{name}_gzipped_kb"] = round(len(gzip.compress(content)) / 1e3)
    tasks = site["tiny/entries/gcn-0/pcba_1328-test.json"]
    return found | {"tasks_kb": round(len(tasks) / 1e3), "tasks_gzipped_kb": round(len(gzip.compress(tasks)) / 1e3)}


def _opened(site: Site, turns: int) -> dict:
    """Returns first paint by width, and how long a reader's actions take, in seconds."""
    made = {path: site[path] for path in site if "/entries/" not in path or "/entries/gcn-0/" in path}
    paints: dict[str, list[float]] = {"desktop": [], "phone": []}
    ready: list[float] = []
    acts: dict[str, list[float]] = {}
    with served(made) as address, chromium() as browser:
        for _ in range(turns):
            for name, width in (("desktop", DESKTOP), ("phone", PHONE)):
                with reading(browser, width=width) as page:
                    page.goto(f"{address}/tiny/index.html", wait_until="networkidle")
                    paints[name].append(page.evaluate(PAINT) / 1e3)
                    ready.append(page.evaluate(LAID_OUT) / 1e3)
                    if name == "desktop":
                        _act(page, acts)
    return {
        "first_paint_s": {name: round(statistics.median(times), 3) for name, times in paints.items()},
        "first_paint_worst_s": {name: round(max(times), 3) for name, times in paints.items()},
        "ready_s": round(statistics.median(ready), 3),
    } | {name: round(statistics.median(times), 3) for name, times in acts.items()}


def _act(page, acts: dict[str, list[float]]) -> None:
    """Sorts, filters, changes the dataset and drills down, each timed until it shows."""

    def timed(name: str, act, sign: str) -> None:
        begin = time.perf_counter()
        act()
        page.locator(sign).first.wait_for(state="attached")
        acts.setdefault(name, []).append(time.perf_counter() - begin)

    timed("sort_s", page.get_by_role("button", name="Parameters").click, "th[data-sort=parameters][aria-sort]")
    timed("filter_s", lambda: page.get_by_label("Find").fill("unimol"), "#ranking tr[hidden]")
    timed("dataset_s", page.get_by_role("link", name="pcba_1328").click, "#section:text('pcba_1328')")
    page.get_by_label("Find").fill("")
    page.goto(page.url.partition("/tiny/")[0] + "/tiny/entries/gcn-0/index.html")
    timed(
        "drill_s",
        lambda: page.get_by_label("Dataset").select_option("pcba_1328-test"),
        "#drill tbody bdi:text('pcba_1328')",
    )


if __name__ == "__main__":
    main()
