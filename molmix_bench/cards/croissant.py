"""`croissant.json`: the mix in the Croissant vocabulary 1.1, for tools that know neither this package nor the Hub.

Akhtar et al., Croissant: A Metadata Format for ML-Ready Datasets, NeurIPS 2024. https://docs.mlcommons.org/croissant
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

import pyarrow as pa
import pyarrow.parquet as pq

from molmix_bench.cards.document import one_line
from molmix_bench.cards.licences import licence_url
from molmix_bench.mix import Mix
from molmix_bench.vocab import (
    INCHIKEY,
    LABEL,
    MIX_CONFIG,
    MOL_ID,
    SMILES,
    SPLITS,
    TASK_IDX,
    TASKS_CONFIG,
    TASKS_FILE,
)

CROISSANT_FILE = "croissant.json"
_CONFORMS_TO = "http://mlcommons.org/croissant/1.1"
_PARQUET = "application/x-parquet"
_SPLITS = "splits"
_NAMES = (
    "arrayShape citeAs column containedIn equivalentProperty extract field fileProperty fileObject fileSet format "
    "includes isArray isLiveDataset jsonPath key md5 parentField path recordSet references regex repeated replace "
    "samplingRate separator source subField transform"
)
_CONTEXT: dict[str, Any] = {
    "@language": "en",
    "@vocab": "https://schema.org/",
    "cr": "http://mlcommons.org/croissant/",
    "dct": "http://purl.org/dc/terms/",
    "rai": "http://mlcommons.org/croissant/RAI/",
    "sc": "https://schema.org/",
    "conformsTo": "dct:conformsTo",
    "data": {"@id": "cr:data", "@type": "@json"},
    "dataType": {"@id": "cr:dataType", "@type": "@vocab"},
    "description": {"@container": "@language"},
    "examples": {"@id": "cr:examples", "@type": "@json"},
    "name": {"@container": "@language"},
    **{name: f"cr:{name}" for name in _NAMES.split()},
}
_TYPES = {
    pa.string(): "sc:Text",
    pa.bool_(): "sc:Boolean",
    pa.int8(): "cr:Int8",
    pa.int16(): "cr:Int16",
    pa.int32(): "cr:Int32",
    pa.int64(): "cr:Int64",
    pa.float32(): "cr:Float32",
    pa.float64(): "cr:Float64",
}
_COLUMNS = {
    MOL_ID: "Identity of the molecule: InChIKey with fixed hydrogens",
    SMILES: "Canonical isomeric SMILES; labels of atoms follow its order of atoms",
    INCHIKEY: "Standard InChIKey; null where InChI fails",
    TASK_IDX: "Tasks for which the molecule has a label, by their index",
    LABEL: "The labels that belong to task_idx",
}


def describe_croissant(mix: Mix, *, url: str, published: str | None = None) -> dict[str, Any]:
    """Returns a mix's Croissant description; files are named relative to it.

    Args:
        mix: the mix.
        url: where the mix is to be found.
        published: the day of its publication, YYYY-MM-DD, which Croissant recommends to state.
    """
    spec = mix.manifest.spec
    sources = {item.source.name: item.source for item in mix.datasets.values()}
    licences = dict.fromkeys(source.licence for source in sources.values())
    return {
        "@context": _CONTEXT,
        "@type": "sc:Dataset",
        "conformsTo": _CONFORMS_TO,
        "name": mix.name,
        "description": one_line(f"{spec.title}. {spec.description}"),
        "url": url,
        "version": mix.version,
        **({"datePublished": published} if published else {}),
        "license": [licence_url(licence) or licence for licence in licences],
        "citeAs": spec.citation.strip(),
        "keywords": ["chemistry", "molecules", "graph machine learning"],
        "distribution": [*_file_objects(mix), *(_file_set(config) for config in (MIX_CONFIG, *mix.datasets))],
        "recordSet": [
            _split_set(mix),
            *(_record_set(mix, name) for name in (MIX_CONFIG, *mix.datasets)),
            _task_set(mix),
        ],
    }


def _file_objects(mix: Mix) -> list[dict[str, Any]]:
    """Returns every table of the mix with its checksum; the manifest has those of the other files."""
    return [
        {
            "@type": "cr:FileObject",
            "@id": file.path,
            "name": file.path,
            "contentUrl": file.path,
            "contentSize": f"{file.num_bytes} B",
            "encodingFormat": _PARQUET,
            "sha256": file.sha256,
        }
        for file in mix.manifest.files
        if file.path.endswith(".parquet")
    ]


def _file_set(config: str) -> dict[str, Any]:
    return {
        "@type": "cr:FileSet",
        "@id": _files(config),
        "name": _files(config),
        "description": f"The parquet files of {config}, all splits",
        "encodingFormat": _PARQUET,
        "includes": f"{config}/*.parquet",
    }


def _files(config: str) -> str:
    return f"{config}-files"


def _split_set(mix: Mix) -> dict[str, Any]:
    name = {"@type": "cr:Field", "@id": f"{_SPLITS}/name", "name": "name", "dataType": "sc:Text"}
    return {
        "@type": "cr:RecordSet",
        "@id": _SPLITS,
        "name": _SPLITS,
        "description": "The splits that the mix has",
        "dataType": "cr:Split",
        "key": {"@id": f"{_SPLITS}/name"},
        "field": [name],
        "data": [{f"{_SPLITS}/name": str(split)} for split in mix.splits],
    }


def _record_set(mix: Mix, config: str) -> dict[str, Any]:
    splits = mix.splits if config == MIX_CONFIG else mix.datasets[config].splits
    schema = pq.read_schema(mix.files(config, next(iter(splits)))[0])
    descriptions = dict(_COLUMNS)
    if config == MIX_CONFIG:
        text = "One row per molecule and split, with its labels in all datasets"
        descriptions |= {name: f"Labels of {name}, in the order of its tasks" for name in mix.datasets}
    else:
        dataset = mix.datasets[config]
        text = one_line(dataset.spec.description)
        descriptions |= {task.name: _task_text(task.description, task.unit) for task in dataset.spec.tasks}
    source = {"fileSet": {"@id": _files(config)}}
    fields = [_field(config, field, source, descriptions.get(field.name)) for field in schema]
    return {
        "@type": "cr:RecordSet",
        "@id": config,
        "name": config,
        "description": text,
        "field": [_split_field(config), *fields],
    }


def _task_text(description: str, unit: str | None) -> str:
    return one_line(f"{description} ({unit})" if unit else description)


def _task_set(mix: Mix) -> dict[str, Any]:
    source = {"fileObject": {"@id": TASKS_FILE}}
    schema = pq.read_schema(mix.path / TASKS_FILE)
    return {
        "@type": "cr:RecordSet",
        "@id": TASKS_CONFIG,
        "name": TASKS_CONFIG,
        "description": "One row per task: unit, description, statistics of each split",
        "field": [_field(TASKS_CONFIG, field, source, None) for field in schema],
    }


def _split_field(config: str) -> dict[str, Any]:
    """Returns the field that reads a row's split off its file's name.

    Loaders put the pattern to the split's name too, when they follow the reference, hence the optional parts.
    """
    names = "|".join(SPLITS)
    return {
        "@type": "cr:Field",
        "@id": f"{config}/split",
        "name": "split",
        "description": "The split that the row is in",
        "dataType": "sc:Text",
        "source": {
            "fileSet": {"@id": _files(config)},
            "extract": {"fileProperty": "fullpath"},
            "transform": {"regex": rf"(?:{config}/)?({names})(?:-.+\.parquet)?$"},
        },
        "references": {"field": {"@id": f"{_SPLITS}/name"}},
    }


def _field(config: str, field: pa.Field, source: Mapping[str, Any], description: str | None) -> dict[str, Any]:
    """Returns a column as a field; ids are addresses, so names of tasks are quoted in them."""
    path = f"{config}/{quote(field.name, safe='')}"
    extracted = {**source, "extract": {"column": field.name}}
    described = {"description": description} if description else {}
    if pa.types.is_struct(field.type):
        parts = [
            {
                **_typed(f"{path}/{part.name}", part.name, part.type),
                "source": {**extracted, "transform": {"jsonPath": part.name}},
            }
            for part in field.type
        ]
        return {"@type": "cr:Field", "@id": path, "name": field.name, **described, "subField": parts}
    return {**_typed(path, field.name, field.type), **described, "source": extracted}


def _typed(path: str, name: str, dtype: pa.DataType) -> dict[str, Any]:
    depth = 0
    while pa.types.is_list(dtype):
        dtype, depth = dtype.value_type, depth + 1
    array = {"isArray": True, "arrayShape": ",".join(["-1"] * depth)} if depth else {}
    return {"@type": "cr:Field", "@id": path, "name": one_line(name), "dataType": _TYPES[dtype], **array}
