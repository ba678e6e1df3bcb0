"""Readers of a large board: `python -m tests.benchmarks.board_load [--entries 500] [--rate 200] [--seconds 60]`.

A store of made-up scores (`tests/leaderboard/made.py`) of 3,006 tasks is served by a real process; readers ask for
pages, tables of tasks, assets and JSON at a steady rate, each at its time whether or not earlier answers have come. A
latency counts from the time at which a request was due, so that waiting in line counts too. Pages are asked for as
browsers do, packed; a third of them with the tag of the last visit. Every page is asked for once before the clock
starts.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import random
import tempfile
import time
from collections import Counter
from pathlib import Path
from urllib.parse import urlsplit

import numpy as np
from psutil import Process

from tests.benchmarks.board_page import TASKS
from tests.leaderboard.filled import fill_store
from tests.leaderboard.live import living
from tests.leaderboard.made import build_wide_mix, make_entries

BUDGET_MS = 100.0
CONNECTIONS = 64
_OK, _SAME = 200, 304


def main() -> None:
    """Measures, and prints what was found as JSON."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--entries", type=int, default=500)
    parser.add_argument("--rate", type=int, default=200)
    parser.add_argument("--seconds", type=float, default=60)
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        mix = build_wide_mix(Path(folder), TASKS)
        entries = make_entries(mix, args.entries)
        fill_store(Path(folder) / "data", entries)
        paths = _paths([entry.name for entry in entries])
        begin = time.monotonic()
        with living(Path(folder) / "data") as live:
            ready = time.monotonic() - begin
            service = Process(live.process.pid)
            begin_cpu = sum(service.cpu_times()[:2])
            readers = Readers(live.url, paths)
            asyncio.run(readers.warm())
            warm_cpu = sum(service.cpu_times()[:2])
            asyncio.run(readers.read(args.rate, args.seconds))
            cpu = sum(service.cpu_times()[:2]) - warm_cpu
            found = {
                "entries": args.entries,
                "tasks": sum(TASKS.values()),
                "ready_s": round(ready, 1),
                "pages_made_cpu_s": round(warm_cpu - begin_cpu, 1),
                "memory_mb": round(service.memory_info().rss / 1e6),
                "load": [round(number, 1) for number in os.getloadavg()],
                "cpu_ms_a_request": round(1e3 * cpu / max(1, len(readers.latencies)), 2),
            }
    found |= readers.summary()
    print(json.dumps(found, indent=1))  # noqa: T201  # what the command gives
    verdict = "kept" if found["p99_ms"] < BUDGET_MS else "missed"
    print(f"p99 {found['p99_ms']} ms at {args.rate} requests a second, budget {BUDGET_MS:g} ms: {verdict}")  # noqa: T201  # likewise


def _paths(names: list[str]) -> list[str]:
    chance = random.Random(0)
    some = chance.sample(names, min(40, len(names)))
    pages = ["/", "/tiny/", "/tiny/pcba_1328-test.html", "/tiny/pm6-test.html", "/log.html", "/submit.html"]
    assets = ["/assets/site.css", "/assets/tables.css", "/assets/colours.css", "/assets/theme.js", "/assets/icon.svg"]
    tables = [f"/tiny/entries/{name}/{file}" for name in some for file in ("index.html", "pcba_1328-test.json")]
    data = ["/api/mixes", "/api/boards/tiny?dataset=pm6&limit=50", "/api/log?limit=20", "/health"]
    return [*pages * 8, *assets * 4, *tables, *data * 4]


class Readers:
    """Clients that ask at a steady rate.

    Args:
        url: of the service.
        paths: what is asked for, at random.
    """

    def __init__(self, url: str, paths: list[str]) -> None:
        parts = urlsplit(url)
        self._host, self._port = parts.hostname, parts.port
        self._paths, self._tags = paths, {}
        self.latencies: list[float] = []
        self.statuses: Counter[int] = Counter()
        self.num_bytes = 0

    async def warm(self) -> None:
        """Asks for everything once."""
        reader, writer = await asyncio.open_connection(self._host, self._port)
        for path in dict.fromkeys(self._paths):
            await self._ask(reader, writer, path, None)
        writer.close()
        self.statuses.clear()
        self.num_bytes = 0

    async def read(self, rate: int, seconds: float) -> None:
        """Asks so often for so long."""
        chance = random.Random(1)
        due: asyncio.Queue[tuple[float, str] | None] = asyncio.Queue()
        clients = [asyncio.create_task(self._client(due, random.Random(number))) for number in range(CONNECTIONS)]
        begin = time.perf_counter()
        for number in range(int(rate * seconds)):
            at = begin + number / rate
            if (wait := at - time.perf_counter()) > 0:
                await asyncio.sleep(wait)
            due.put_nowait((at, chance.choice(self._paths)))
        for _ in clients:
            due.put_nowait(None)
        await asyncio.gather(*clients)
        self.seconds = time.perf_counter() - begin

    def summary(self) -> dict[str, object]:
        """Returns what was measured."""
        times = 1e3 * np.array(self.latencies)
        return {
            "requests": len(times),
            "requests_per_second": round(len(times) / self.seconds, 1),
            "statuses": dict(self.statuses),
            "megabytes": round(self.num_bytes / 1e6, 1),
            "p50_ms": round(float(np.percentile(times, 50)), 2),
            "p99_ms": round(float(np.percentile(times, 99)), 2),
            "max_ms": round(float(times.max()), 1),
        }

    async def _client(self, due: asyncio.Queue, chance: random.Random) -> None:
        reader, writer = await asyncio.open_connection(self._host, self._port)
        while (item := await due.get()) is not None:
            at, path = item
            tag = self._tags.get(path) if chance.random() < 1 / 3 else None
            try:
                await self._ask(reader, writer, path, tag)
            except (ConnectionError, asyncio.IncompleteReadError):
                # Idle for longer than the service keeps it.
                reader, writer = await asyncio.open_connection(self._host, self._port)
                await self._ask(reader, writer, path, tag)
            self.latencies.append(time.perf_counter() - at)
        writer.close()

    async def _ask(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, path: str, tag: str | None
    ) -> None:
        known = f"If-None-Match: {tag}\r\n" if tag else ""
        writer.write(f"GET {path} HTTP/1.1\r\nHost: x\r\nAccept-Encoding: gzip\r\n{known}\r\n".encode())
        head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
        status = int(head[0].split()[1])
        fields = {name.lower(): value for name, _, value in (line.partition(": ") for line in head[1:])}
        body = await reader.readexactly(int(fields.get("content-length", 0))) if status != _SAME else b""
        assert status in (_OK, _SAME), (path, status, body[:200])
        if "etag" in fields:
            self._tags[path] = fields["etag"]
        self.statuses[status] += 1
        self.num_bytes += len(body)


if __name__ == "__main__":
    main()
