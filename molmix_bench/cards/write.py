"""`card`: writes a mix's card, figures and Croissant beside its tables, and their checksums into its manifest."""

from __future__ import annotations

import json
import re
from datetime import date
from pathlib import Path

from molmix_bench.atomic import write_text, written_whole
from molmix_bench.cards.check import check_card
from molmix_bench.cards.content import card_blocks
from molmix_bench.cards.croissant import CROISSANT_FILE, describe_croissant
from molmix_bench.cards.document import Block, Image
from molmix_bench.cards.facts import Facts, gather
from molmix_bench.cards.front import built_front, render_front
from molmix_bench.cards.loading import default_repository
from molmix_bench.cards.markdown import IMAGE_FOLDER, image_path, render_markdown
from molmix_bench.cards.page import render_page
from molmix_bench.errors import UsageError
from molmix_bench.extras import require_cards
from molmix_bench.mix import Mix
from molmix_bench.sources.download import file_sha256
from molmix_bench.specs.manifest import BuiltFile, Manifest
from molmix_bench.vocab import MANIFEST_FILE, README_FILE


def write_card(path: Path, *, repository: str | None = None, published: str | None = None, workers: int = 1) -> Mix:
    """Writes `README.md`, `figures/` and `croissant.json` into a built mix, and returns it as it is then.

    The same mix gives the same bytes. Killed at any point it leaves a mix that opens, and the same command mends it:
    while files change, the manifest does not name them.

    Args:
        path: a built mix.
        repository: the Hub repository that the card tells its readers to load.
        published: the day of publication for Croissant, YYYY-MM-DD.
        workers: processes that look for leaks.

    Raises:
        MissingExtraError: the extra `cards` is not installed.
        MixError: there is no finished mix at `path`.
        UsageError: the repository's name or the day is none.
    """
    require_cards()
    mix = Mix(path)
    repository = repository or default_repository(mix.name)
    _check_arguments(repository, published)
    facts = gather(mix, workers=workers)
    figures = _draw(mix, facts)
    texts = {
        README_FILE: _card_text(mix, _with_figures(card_blocks(mix, facts, repository), set(figures))),
        CROISSANT_FILE: _croissant_text(mix, repository, published),
    }
    images = {image_path(name, dark=dark): pair[dark] for name, pair in figures.items() for dark in (False, True)}
    _replace_files(mix, {name: text.encode() for name, text in texts.items()} | images)
    written = Mix(path)
    check_card(written)
    return written


def page_of(mix: Mix, *, workers: int = 1) -> str:
    """Returns the card of a mix as one HTML page; raises `MissingExtraError` without the extra `cards`."""
    require_cards()
    facts = gather(mix, workers=workers)
    figures = _draw(mix, facts)
    blocks = card_blocks(mix, facts, default_repository(mix.name))
    return render_page(f"{mix.manifest.spec.title} {mix.version}", blocks, figures)


def _check_arguments(repository: str, published: str | None) -> None:
    # The name stands in lines of Python that readers copy.
    if not re.fullmatch(r"[\w.-]+/[\w.-]+", repository, re.ASCII):
        raise UsageError("--repository", found=repr(repository), expected="a name such as molmix/toymix")
    if published is not None and not _is_day(published):
        raise UsageError("--published", found=repr(published), expected="a day as YYYY-MM-DD")


def _is_day(text: str) -> bool:
    try:
        return date.fromisoformat(text).isoformat() == text
    except ValueError:
        return False


def _draw(mix: Mix, facts: Facts) -> dict[str, tuple[bytes, bytes]]:
    # matplotlib comes with an extra, so it is imported only once that is known to be there.
    from molmix_bench.cards.figures import draw_figures

    return draw_figures(mix, facts)


def _card_text(mix: Mix, blocks: list[Block]) -> str:
    return f"{render_front(built_front(mix))}\n{render_markdown(blocks)}"


def _with_figures(blocks: list[Block], drawn: set[str]) -> list[Block]:
    return [block for block in blocks if not isinstance(block, Image) or block.name in drawn]


def _croissant_text(mix: Mix, repository: str, published: str | None) -> str:
    url = f"https://huggingface.co/datasets/{repository}"
    described = describe_croissant(mix, url=url, published=published)
    return json.dumps(described, indent=1, ensure_ascii=False, allow_nan=False) + "\n"


def _replace_files(mix: Mix, files: dict[str, bytes]) -> None:
    """Writes files into a mix and names them in its manifest, and no figure of an earlier card."""
    kept = [file for file in mix.manifest.files if file.path not in files and not _is_figure(file.path)]
    old = [file.path for file in mix.manifest.files if _is_figure(file.path) and file.path not in files]
    _write_manifest(mix.path, mix.manifest.model_copy(update={"files": tuple(kept)}))
    for name in old:
        (mix.path / name).unlink(missing_ok=True)
    for name, data in files.items():
        with written_whole(mix.path / name) as part:
            part.write_bytes(data)
    new = [
        BuiltFile(path=name, sha256=file_sha256(mix.path / name), num_bytes=len(data), rows=None)
        for name, data in files.items()
    ]
    _write_manifest(mix.path, mix.manifest.model_copy(update={"files": (*kept, *new)}))


def _is_figure(name: str) -> bool:
    return name.startswith(f"{IMAGE_FOLDER}/") and name.endswith(".png")


def _write_manifest(path: Path, manifest: Manifest) -> None:
    text = json.dumps(manifest.model_dump(mode="json"), indent=1, ensure_ascii=False, allow_nan=False)
    write_text(path / MANIFEST_FILE, text + "\n")
