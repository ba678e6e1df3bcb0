"""The YAML front matter of a card: what the Hub and its clients read of it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import pyarrow.parquet as pq
import yaml

from molmix_bench.build.readme import hub_configs
from molmix_bench.cards.document import one_line
from molmix_bench.cards.features import features_of, loaded_bytes
from molmix_bench.cards.licences import OTHER, hub_licence, strictest
from molmix_bench.mix import Mix
from molmix_bench.specs.source import DatasetSpec
from molmix_bench.vocab import MIX_CONFIG, TASKS_CONFIG, TASKS_FILE, TASKS_SPLIT, Level, Split

LICENCE_NAME = "conditions-per-source"
"""What stands beside `other`, which the Hub wants named."""
_SIZES = ((10**3, "n<1K"), (10**4, "1K<n<10K"), (10**5, "10K<n<100K"), (10**6, "100K<n<1M"), (10**7, "1M<n<10M"))
_LARGE_SIZES = ((10**8, "10M<n<100M"), (10**9, "100M<n<1B"), (10**10, "1B<n<10B"))


def describe_front(
    title: str, *, licences: Iterable[str], datasets: Iterable[DatasetSpec], molecules: int | None
) -> dict[str, Any]:
    """Returns the part of the front matter that says what the data are.

    Args:
        title: of the mix.
        licences: of its sources.
        datasets: in the mix.
        molecules: how many; None where not known.
    """
    licence = hub_licence(strictest(licences))
    front: dict[str, Any] = {"pretty_name": one_line(title), "license": licence}
    if licence == OTHER:
        front["license_name"] = LICENCE_NAME
    every = list(datasets)
    levels = {f"{level}-level" for level in Level if any(item.level is level for item in every)}
    kinds = {str(item.kind) for item in every}
    front |= {
        "task_categories": ["graph-ml"],
        "tags": ["chemistry", "molecules", "multi-task", *sorted(levels), *sorted(kinds)],
    }
    return front | ({} if molecules is None else {"size_categories": [size_category(molecules)]})


def size_category(molecules: int) -> str:
    """Returns the Hub's word for a number of rows.

    >>> size_category(999), size_category(34_495), size_category(83_000_000)
    ('n<1K', '10K<n<100K', '10M<n<100M')
    """
    return next((word for bound, word in (*_SIZES, *_LARGE_SIZES) if molecules < bound), "10B<n<100B")


def built_front(mix: Mix) -> dict[str, Any]:
    """Returns the whole front matter of a built mix: configs and `dataset_info`, counted from its files."""
    return describe_front(
        mix.manifest.spec.title,
        licences=[item.source.licence for item in mix.datasets.values()],
        datasets=[item.spec for item in mix.datasets.values()],
        molecules=mix.manifest.molecules,
    ) | {"configs": hub_configs(mix.manifest), "dataset_info": _dataset_info(mix)}


def _dataset_info(mix: Mix) -> list[dict[str, Any]]:
    tables: dict[str, Mapping[Split, int]] = {MIX_CONFIG: mix.splits}
    tables |= {name: item.splits for name, item in mix.datasets.items()}
    infos = []
    for config, splits in tables.items():
        files = {
            str(split): [path.relative_to(mix.path).as_posix() for path in mix.files(config, split)] for split in splits
        }
        infos.append(_config_info(mix, config, files))
    infos.append(_config_info(mix, TASKS_CONFIG, {TASKS_SPLIT: [TASKS_FILE]}))
    return infos


def _config_info(mix: Mix, config: str, files: Mapping[str, list[str]]) -> dict[str, Any]:
    built = {file.path: file for file in mix.manifest.files}
    splits = []
    for split, paths in files.items():
        num_bytes = sum(loaded_bytes(mix.path / path) for path in paths)
        rows = sum(built[path].rows or 0 for path in paths)
        splits.append({"name": split, "num_bytes": num_bytes, "num_examples": rows})
    first = next(path for paths in files.values() for path in paths)
    return {
        "config_name": config,
        "features": features_of(pq.read_schema(mix.path / first)),
        "splits": splits,
        "download_size": sum(built[path].num_bytes for paths in files.values() for path in paths),
        "dataset_size": sum(split["num_bytes"] for split in splits),
    }


def render_front(front: Mapping[str, Any]) -> str:
    """Returns the front matter between its two lines of dashes."""
    text = yaml.safe_dump(dict(front), sort_keys=False, allow_unicode=True, width=120)
    return f"---\n{text}---\n"
