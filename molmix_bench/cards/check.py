"""A card against its mix: front matter in the form the Hub takes, and counts that are those of the files.

`datasets` refuses a repository whose card has a wrong `num_examples`, and takes one with two default configs without a
word; so a card is held to all of it before anything is published.
"""

from __future__ import annotations

from fnmatch import fnmatch
from pathlib import Path
from typing import Annotated, Any, Literal

import yaml
from pydantic import Field, StringConstraints

from molmix_bench.errors import MixError
from molmix_bench.mix import Mix
from molmix_bench.specs.base import Spec, validate_spec
from molmix_bench.vocab import MIX_CONFIG, README_FILE, TASKS_CONFIG, TASKS_FILE

MAX_CARD_BYTES = 8 << 20
_FENCE = "---"
Line = Annotated[str, StringConstraints(min_length=1, pattern=r"^[^\n\r]*$")]
Count = Annotated[int, Field(ge=0)]


class DataFiles(Spec):
    """The files of one split."""

    split: Annotated[str, StringConstraints(pattern=r"^\w+$")]
    path: Line


class Config(Spec):
    """One table of the repository."""

    config_name: Line
    data_files: Annotated[tuple[DataFiles, ...], Field(min_length=1)]
    default: Literal[True] | None = None


class SplitInfo(Spec):
    """How much one split holds."""

    name: Line
    num_bytes: Count
    num_examples: Count


class ConfigInfo(Spec):
    """Columns and sizes of one table."""

    config_name: Line
    features: tuple[dict[str, Any], ...]
    splits: tuple[SplitInfo, ...]
    download_size: Count
    dataset_size: Count


class FrontMatter(Spec):
    """All that a card of ours may say in YAML."""

    pretty_name: Line
    license: Line
    license_name: Line | None = None
    task_categories: tuple[Literal["graph-ml"], ...]
    tags: tuple[Line, ...]
    size_categories: tuple[Line, ...] = ()
    configs: tuple[Config, ...] = ()
    dataset_info: tuple[ConfigInfo, ...] = ()


def read_front(path: Path) -> FrontMatter:
    """Returns the front matter of a card's file.

    Raises:
        MixError: there is no card, or no front matter in it.
        SpecError: the front matter is not of the form that cards have.
    """
    if not path.is_file():
        raise MixError(str(path), found="no such file", fix="write the card: molmix-bench card DIR")
    if path.stat().st_size > MAX_CARD_BYTES:
        raise MixError(str(path), found=f"{path.stat().st_size:,} bytes", expected=f"at most {MAX_CARD_BYTES:,}")
    lines = path.read_text(encoding="utf-8").split("\n")
    if lines[0] != _FENCE or _FENCE not in lines[1:]:
        raise MixError(str(path), found="no front matter", expected="YAML between two lines of ---")
    try:
        data = yaml.safe_load("\n".join(lines[1 : lines.index(_FENCE, 1)]))
    except yaml.YAMLError as error:
        raise MixError(str(path), found=f"front matter that is no YAML ({error})") from None
    return validate_spec(FrontMatter, data, where=f"{path}, front matter")


def check_card(mix: Mix) -> None:
    """Raises where the card of a built mix does not say of its files what is true.

    Raises:
        MixError: configs, splits or numbers of rows are not those of the files.
        SpecError: as `read_front`.
    """
    path = mix.path / README_FILE
    front = read_front(path)
    _check_configs(front, mix, path)
    names = [config.config_name for config in front.configs]
    if [info.config_name for info in front.dataset_info] != names:
        _refuse(path, "dataset_info of other configs than those there are", ", ".join(names))
    for info in front.dataset_info:
        found = {split.name: split.num_examples for split in info.splits}
        expected = _rows(mix, info.config_name)
        if found != expected:
            _refuse(path, f"{info.config_name} with {found} rows", str(expected))


def _check_configs(front: FrontMatter, mix: Mix, path: Path) -> None:
    names = [config.config_name for config in front.configs]
    expected = [MIX_CONFIG, *mix.datasets, TASKS_CONFIG]
    if names != expected:
        _refuse(path, f"configs {', '.join(names)}", ", ".join(expected))
    defaults = [config.config_name for config in front.configs if config.default]
    if defaults != [MIX_CONFIG]:
        _refuse(path, f"default configs {', '.join(defaults) or 'none'}", f"exactly one, {MIX_CONFIG}")
    files = [file.path for file in mix.manifest.files]
    for config in front.configs:
        prefix = TASKS_FILE if config.config_name == TASKS_CONFIG else f"{config.config_name}/"
        own = {name for name in files if name.startswith(prefix) and name.endswith(".parquet")}
        meant = [name for entry in config.data_files for name in files if fnmatch(name, entry.path)]
        if sorted(meant) != sorted(own):
            _refuse(path, f"{config.config_name} made of {len(meant)} files", f"its {len(own)}, each once")


def _rows(mix: Mix, config: str) -> dict[str, int]:
    if config == TASKS_CONFIG:
        return {"full": len(mix.tasks)}
    return {
        str(split): rows
        for split, rows in (mix.splits if config == MIX_CONFIG else mix.datasets[config].splits).items()
    }


def _refuse(path: Path, found: str, expected: str) -> None:
    raise MixError(str(path), found=found, expected=expected, fix="write the card again: molmix-bench card DIR")
