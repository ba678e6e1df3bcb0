"""Time and memory of the paper's split of as many rows as UltraLarge has: `python -m tests.benchmarks.splitting`."""

from __future__ import annotations

import argparse
import hashlib
import json
import resource
import time

from molmix_bench.build.split import split_rows
from molmix_bench.specs.mix import SplitSpec


def main() -> None:
    """Splits and prints seconds, peak RSS and a digest of the result."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=83_000_000)
    rows = parser.parse_args().rows
    wall, cpu = time.monotonic(), time.process_time()
    codes = split_rows(rows, SplitSpec(validation=0.01, test=0.01))
    result = {
        "rows": rows,
        "seconds": round(time.monotonic() - wall, 1),
        "cpu_seconds": round(time.process_time() - cpu, 1),
        "peak_rss_mib": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss >> 10,
        "sha256": hashlib.sha256(codes).hexdigest(),
    }
    print(json.dumps(result))  # noqa: T201 - a command


if __name__ == "__main__":
    main()
