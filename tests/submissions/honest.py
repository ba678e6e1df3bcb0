"""A built mix of a regression and a binary dataset, and a submission to it that is as it should be."""

from __future__ import annotations

import base64
import json
import zlib
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import yaml

from molmix_bench.metrics.predictions import prediction_path, write_predictions
from molmix_bench.mix import Mix
from tests.build.tiny import ALKANES, build_tiny, table_source

SPLITS = ("validation", "test")


def build_mix(folder: Path, *, num: int = len(ALKANES)) -> Mix:
    """Builds the mix: forty alkanes, or fewer; two tasks of numbers and one of a class."""
    rows = list(enumerate(ALKANES[:num]))
    numbers = "\n".join(["smiles,t0,t1", *(f"{text},{row},{row + 0.5}" for row, text in rows), ""])
    classes = "\n".join(["smiles,active", *(f"{text},{row % 2}" for row, text in rows), ""])
    sources = (table_source("size", numbers, folder), table_source("assay", classes, folder, kind="binary"))
    return build_tiny(folder, *sources, validation=0.25, test=0.25)


def facts(mix: Mix) -> dict:
    """Returns what `submission.yaml` says of a submission to a mix."""
    record = {"name": mix.name, "version": mix.version, "build_key": mix.manifest.build_key}
    return facts_of(record | {"datasets": list(mix.datasets)}, splits=SPLITS, seeds=(0, 1))


def facts_of(record: dict, *, splits: Sequence[str], seeds: Sequence[int]) -> dict:
    """Returns what `submission.yaml` says, of a mix that is not at hand too."""
    data = {
        "format": "molmix-submission-1",
        "model": "mean",
        "version": "1.0.0",
        "authors": [{"name": "Josiah Carberry", "orcid": "0000-0002-1825-0097"}],
        "contact": "josiah@example.org",
        "licence": {"code": "MIT", "weights": "CC-BY-4.0"},
        "code": {"url": "https://example.org/mean", "commit": "0" * 40},
        "command": "python mean.py",
        "parameters": 3,
        "predicts": record | {"splits": splits},
        "training_data": {"mixes": [record], "external_data": []},
        "seeds": seeds,
        "hardware": "a laptop",
        "hours": 0.5,
    }
    # Lists, and none of them twice, which YAML would write as an alias.
    return json.loads(json.dumps(data))


def write_submission(folder: Path, mix: Mix, *, noise: int = 0, **changes) -> Path:
    """Writes the submission, of random predictions, and returns its folder."""
    rng = np.random.default_rng(noise)
    for dataset, entry in mix.datasets.items():
        for split in SPLITS:
            ids = mix.scan(dataset, split).collect()["mol_id"]
            for seed in (0, 1):
                path = prediction_path(folder / "predictions", dataset, split=split, seed=seed)
                write_predictions(path, ids, rng.random((len(ids), len(entry.tasks)), dtype=np.float32))
    write_facts(folder, facts(mix) | changes)
    return folder


def write_facts(folder: Path, data: dict) -> None:
    """Writes `submission.yaml`."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "submission.yaml").write_text(yaml.safe_dump(data, sort_keys=False), encoding="utf-8")


def bomb() -> bytes:
    """Returns a parquet file of 737 bytes: one row, whose list is a run of 2**28 zeros (float16), written by Arrow."""
    return zlib.decompress(base64.b64decode(_BOMB))


_BOMB = """
eNpVUsFu00AQnd1GJoKoCki78kpGyiVWK6UtQQpqq1zGbeOWJpBEokBVCaWJFVI5jXFMcuXYz+ADuPIH/Aw3zggaZjeOS8fS7szsvDdvvNvGbl
WAkGKjIjg5lrAcANj4vvO39Og9AKeAM0ZrT+Tok01d9iSt4I/pAAi2L5oV8YWMi+I9jqc/AfIUrN3+WiwWjFnkm7o1ZjYQOXVRA9ua9j8GY+oB
olDmtjWehB9GgzI0NVON2w+jOBiM+slock0CrGZdp3N2LhxNE0Es66SN2w+CMBgH10n4h44lV46quOCIgipboFakoiC5rMtXbv7EEVo8hzrVWs
o102rAuqqBVVS7/3U1nVb8RGHUyxsmvzH3hrlnmxVSoLloKWrKTZff6pFVYzWy1vSDSe7m5W8GyrEL2O2+fru/HN3+yne07aG2Di7tFHGO3hAb
iEM8GJqc5yG2tHOAeGISdzsuXW+exadXRLpLzlGrkYJ0kHXxhmkfxP7xy/DcD68Gfji7pPSkrfVk+EMDWtYfYWaGJBr4Z4kJW6a+g15Ht/KJFQ
9TMRmo88bMd3xv1JTar84uG3vReQa5Owe7FPXiT5+DZKsfRVu9OJ7MS7MgntL9lJ6/2H62XVUVejD6zbyj392mx/0PU5uq4w==
"""
