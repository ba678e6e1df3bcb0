"""`python -m tests.soak NAME [--num N] [--seed S]`: runs one of the long tests and prints what it counted."""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from pathlib import Path

from tests.soak.build import soak_build
from tests.soak.fuzz import soak_fuzz
from tests.soak.leaderboard import soak_leaderboard
from tests.soak.publish import soak_publish
from tests.soak.recipes import soak_recipes
from tests.soak.submissions import soak_submissions

SOAKS = {
    "build": (soak_build, 20),
    "publish": (soak_publish, 200),
    "leaderboard": (soak_leaderboard, 200),
    "submissions": (soak_submissions, 20_000),
    "fuzz": (soak_fuzz, 600),
    "recipes": (soak_recipes, 1_000_000),
}


def main() -> None:
    """Runs the soaks that are named, all when none is."""
    parser = argparse.ArgumentParser(prog="python -m tests.soak", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"one of {', '.join(SOAKS)}; all else")
    parser.add_argument("--num", type=int, help="how many trials, for `fuzz` seconds; each has its own number else")
    parser.add_argument("--seed", type=int, default=0, help="of the first trial")
    arguments = parser.parse_args()
    if unknown := set(arguments.names) - set(SOAKS):
        parser.error(f"no soak {', '.join(sorted(unknown))}; there are {', '.join(SOAKS)}")
    for name in arguments.names or SOAKS:
        soak, num = SOAKS[name]
        with tempfile.TemporaryDirectory(prefix="molmix-soak-") as folder:
            counted = soak(Path(folder), num=arguments.num or num, seed=arguments.seed)
        sys.stdout.write(json.dumps({name: counted}, indent=1) + "\n")


if __name__ == "__main__":
    main()
