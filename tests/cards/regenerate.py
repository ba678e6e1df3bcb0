"""Writes `dataset_cards/` anew: `python -m tests.cards.regenerate [--raw FOLDER]`.

Cards of builds come from real builds: MiniMix is generated, MidMix needs the folder with its raw files, and keeps the
card it has without.
"""

from __future__ import annotations

import argparse
import shutil
import tempfile
from pathlib import Path

from molmix_bench.build.run import build
from molmix_bench.cards.markdown import IMAGE_FOLDER
from molmix_bench.cards.planned import planned_card
from molmix_bench.cards.published import PUBLISHED
from molmix_bench.cards.write import write_card
from molmix_bench.specs.catalog import load_mix_spec

CARDS = Path(__file__).parent.parent.parent / "dataset_cards"
BUILT = {"minimix": (), "midmix": ("toymix", "midmix", "lincs")}
"""Mixes whose cards come from a build, and the folders of raw files that they need."""


def write_built(name: str, raw: Path | None, cards: Path, *, workers: int = 2) -> None:
    """Builds a mix and copies its card and figures to `cards/<name>`."""
    with tempfile.TemporaryDirectory() as folder:
        folders = [raw / part for part in BUILT[name]] if raw else []
        mix = build(load_mix_spec(name), Path(folder) / name, raw=folders, workers=workers)
        write_card(mix.path, workers=workers)
        target = cards / name
        shutil.rmtree(target, ignore_errors=True)
        shutil.copytree(mix.path / IMAGE_FOLDER, target / IMAGE_FOLDER)
        shutil.copy(mix.path / "README.md", target / "README.md")


def write_planned(name: str, cards: Path) -> None:
    """Writes the card of a mix that is described, not built, to `cards/<name>`."""
    (cards / name).mkdir(parents=True, exist_ok=True)
    (cards / name / "README.md").write_text(planned_card(name), encoding="utf-8")


def main() -> None:
    """Writes all cards that can be written here."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--raw", type=Path, help="the folder whose folders hold MidMix's raw files")
    raw = parser.parse_args().raw
    for name in PUBLISHED:
        write_planned(name, CARDS)
    for name, folders in BUILT.items():
        if raw or not folders:
            write_built(name, raw, CARDS)


if __name__ == "__main__":
    main()
