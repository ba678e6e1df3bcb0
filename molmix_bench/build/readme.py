"""`README.md` of a mix: the front matter that tells the Hub's clients which files are which config, and a summary."""

from __future__ import annotations

from typing import Any

import yaml

from molmix_bench.specs.manifest import Manifest
from molmix_bench.specs.source import SourceSpec
from molmix_bench.vocab import MIX_CONFIG, SPLITS, TASKS_CONFIG, TASKS_FILE, TASKS_SPLIT, Split


def render_readme(manifest: Manifest) -> str:
    """Returns the text of a mix's README: one config per dataset, the mix table as default, and the tasks."""
    front = yaml.safe_dump({"configs": hub_configs(manifest)}, sort_keys=False, allow_unicode=True)
    return f"---\n{front}---\n\n{_body(manifest)}"


def hub_configs(manifest: Manifest) -> list[dict[str, Any]]:
    """Returns which files are which config: the mix table as the default, one per dataset, and the tasks."""
    configs = [_config(MIX_CONFIG, list(manifest.mix)) | {"default": True}]
    configs += [_config(name, list(entry.splits)) for name, entry in manifest.datasets.items()]
    configs.append({"config_name": TASKS_CONFIG, "data_files": [{"split": TASKS_SPLIT, "path": TASKS_FILE}]})
    return configs


def _config(name: str, present: list[Split]) -> dict[str, Any]:
    # Without files `datasets` would fail on the split, so only splits with rows are listed.
    splits = [split for split in SPLITS if split in present]
    files = [{"split": str(split), "path": f"{name}/{split}-*.parquet"} for split in splits]
    return {"config_name": name, "data_files": files}


def _body(manifest: Manifest) -> str:
    spec = manifest.spec
    first = next(iter(manifest.datasets))
    sources = [source for source in spec.sources if isinstance(source, SourceSpec)]
    lines = [
        f"# {spec.title} {spec.version}",
        "",
        spec.description.strip(),
        "",
        "```python",
        "from datasets import load_dataset",
        "",
        'mix = load_dataset("PATH_OR_REPOSITORY")  # one row per molecule, with the labels of all datasets',
        f'{first} = load_dataset("PATH_OR_REPOSITORY", "{first}")',
        "```",
        "",
        f"| dataset | level | kind | tasks | molecules | labels | {' | '.join(SPLITS)} | licence |",
        "|---|---|---|---:|---:|---:|" + "---:|" * len(SPLITS) + "---|",
    ]
    for source in sources:
        for name, dataset in source.datasets.items():
            entry = manifest.datasets[name]
            rows = " | ".join(f"{entry.splits[split].rows:,}" if split in entry.splits else "-" for split in SPLITS)
            lines.append(
                f"| {name} | {dataset.level} | {dataset.kind} | {len(dataset.tasks):,} | {entry.molecules:,} "
                f"| {entry.labels.kept:,} | {rows} | {source.licence} |"
            )
    lines += ["", f"Split: {spec.split.method}{', strict' if spec.split.strict else ''}.", ""]
    lines += [f"- {note}" for note in manifest.notes]
    lines += [""] if manifest.notes else []
    lines += [
        "Cite:",
        "",
        "```bibtex",
        spec.citation.strip(),
        *(source.citation.strip() for source in sources),
        "```",
        "",
    ]
    return "\n".join(lines)
