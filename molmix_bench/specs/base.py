"""Reading a YAML file into a frozen model, with errors that name the key and the nearest known one."""

from __future__ import annotations

import difflib
import hashlib
import json
import re
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, TypeVar, get_args

import yaml
from pydantic import BaseModel, ConfigDict, ValidationError

from molmix_bench.errors import SpecError, UsageError

MAX_SPEC_BYTES = 1 << 20
"""YAML larger than this is refused unread; the longest file of the catalog is a fiftieth of it."""
MAX_DEPTH = 20
_NUM_SHOWN = 20
_MAX_PROBLEMS = 500
"""Described one by one, each compared with the known keys; a file of a few kB can have thousands."""
_TAGS = ("form", "architecture")
"""Fields whose value says which of several models a mapping is: of readers, and of what a run trains."""


class Spec(BaseModel):
    """A frozen model that refuses unknown keys."""

    model_config = ConfigDict(frozen=True, extra="forbid", ser_json_inf_nan="strings")


SpecT = TypeVar("SpecT", bound=Spec)


class _StrictLoader(yaml.SafeLoader):
    """`yaml.SafeLoader` without aliases (bombs), tags, duplicate keys (silent overwriting) and deep nesting."""

    _depth = 0

    def compose_node(self, parent: yaml.Node | None, index: Any) -> yaml.Node | None:
        if self.check_event(yaml.AliasEvent):
            event = self.peek_event()  # type: ignore[no-untyped-call]  # the stubs miss it
            raise yaml.YAMLError(f"{_mark(event.start_mark)}aliases (*name) are not allowed")
        event = self.peek_event()  # type: ignore[no-untyped-call]  # as above
        if getattr(event, "tag", None) is not None:
            raise yaml.YAMLError(f"{_mark(event.start_mark)}tags ({event.tag!r:.40}) are not allowed")
        self._depth += 1
        if self._depth > MAX_DEPTH:
            raise yaml.YAMLError(f"nested deeper than {MAX_DEPTH} levels")
        node: yaml.Node | None = super().compose_node(parent, index)
        self._depth -= 1
        return node

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        keys = [self.construct_object(key, deep=True) for key, _ in node.value]
        seen: set[str] = set()
        for position, key in enumerate(keys):
            if not isinstance(key, str):
                mark = _mark(node.value[position][0].start_mark)
                raise yaml.YAMLError(f"{mark}key {key!r} is not text; put it in quotes")
            if key in seen:
                raise yaml.YAMLError(f"{_mark(node.value[position][0].start_mark)}key {key!r} appears twice")
            seen.add(key)
        return super().construct_mapping(node, deep)


# Without this, 2024-01-01 would turn into a date, 1:30 into 90, 010 into 8, and 1e-3 stay text.
_NUMBERS = {
    "tag:yaml.org,2002:int": r"[-+]?(0|[1-9][0-9_]*)",
    "tag:yaml.org,2002:float": r"[-+]?([0-9][0-9_]*\.[0-9]*|\.[0-9]+)([eE][-+]?[0-9]+)?|[-+]?[0-9]+[eE][-+]?[0-9]+"
    r"|[-+]?\.(inf|Inf|INF)|\.(nan|NaN|NAN)",
}
_StrictLoader.yaml_implicit_resolvers = {
    first: [(tag, regexp) for tag, regexp in resolvers if tag not in {"tag:yaml.org,2002:timestamp", *_NUMBERS}]
    for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
}
for _tag, _pattern in _NUMBERS.items():
    _StrictLoader.add_implicit_resolver(_tag, re.compile(rf"({_pattern})$"), list("-+.0123456789"))


def _mark(mark: Any) -> str:
    return "" if mark is None else f"line {mark.line + 1}, column {mark.column + 1}: "


def parse_yaml(text: str, *, where: str) -> dict[str, Any]:
    """Returns the mapping that YAML text holds.

    Raises:
        SpecError: the text is too large, no YAML, uses aliases or duplicate keys, or is no mapping.
    """
    if len(text.encode()) > MAX_SPEC_BYTES:
        raise SpecError(where, found=f"{len(text.encode()):,} bytes", expected=f"at most {MAX_SPEC_BYTES:,}")
    try:
        # A subclass of SafeLoader builds plain data only.
        data = yaml.load(text, Loader=_StrictLoader)  # noqa: S506
    except (yaml.YAMLError, RecursionError, ValueError) as error:  # ValueError: a number of over 4,300 digits
        raise SpecError(where, found=f"no readable YAML ({_one_line(str(error))})", fix="correct the file") from None
    if not isinstance(data, dict):
        found = "an empty file" if data is None else f"{type(data).__name__} at the top"
        raise SpecError(where, found=found, expected="`key: value` lines")
    return data


def read_yaml(path: Path) -> dict[str, Any]:
    """Returns the mapping in a YAML file; raises like `parse_yaml`, and `UsageError` where there is no file."""
    if not path.is_file():
        raise UsageError(str(path), found="no such file", fix="check the path")
    if path.stat().st_size > MAX_SPEC_BYTES:
        raise SpecError(str(path), found=f"{path.stat().st_size:,} bytes", expected=f"at most {MAX_SPEC_BYTES:,}")
    try:
        text = path.read_text(encoding="utf-8")
    except UnicodeDecodeError as error:
        raise SpecError(str(path), found=f"no UTF-8 text ({error.reason} at byte {error.start})") from None
    return parse_yaml(text, where=str(path))


def validate_spec(model: type[SpecT], data: Mapping[str, Any], *, where: str) -> SpecT:
    """Returns the model that `data` describe.

    Raises:
        SpecError: naming the keys that are unknown, missing or wrong, not only the first.
    """
    try:
        return model.model_validate(data)
    except ValidationError as error:
        items = _items(error)
        shown = [_describe(item, model) for item in items[:_NUM_SHOWN]]
        rest = [f"and {len(items) - _NUM_SHOWN} more"] if len(items) > _NUM_SHOWN else []
        raise SpecError(where, found="; ".join(shown + rest), fix="correct the file") from None


def validate_changed(model: type[SpecT], data: Mapping[str, Any], *, where: str) -> SpecT:
    """Returns the model that `data` describe, which did before the command line changed them.

    Raises:
        UsageError: naming every key that is unknown, missing or wrong.
    """
    try:
        return validate_spec(model, data, where=where)
    except SpecError as error:
        raise UsageError(where, found=error.found, fix="correct the option") from None


def spec_problems(model: type[Spec], data: Mapping[str, Any]) -> dict[str, str]:
    """Returns what is wrong with `data`, by dotted key, the first hundreds; nothing where they describe it."""
    try:
        model.model_validate(data)
    except ValidationError as error:
        items = _items(error)[:_MAX_PROBLEMS]
        return {".".join(str(part) for part in item["loc"]): _describe(item, model) for item in items}
    return {}


def content_digest(spec: Spec | Mapping[str, Any]) -> str:
    """Returns the sha256 of a spec's canonical JSON: equal for equal specs, whatever the order of keys.

    >>> content_digest({"a": 1, "b": 2}) == content_digest({"b": 2, "a": 1})
    True
    """
    data = spec.model_dump(mode="json") if isinstance(spec, Spec) else spec
    text = json.dumps(data, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)
    return hashlib.sha256(text.encode()).hexdigest()


def nearest(word: str, known: Iterable[str]) -> str:
    """Returns ` (did you mean 'x'?)` for the known word nearest to this one, or nothing.

    >>> nearest("trainig", ["training", "model"])
    " (did you mean 'training'?)"
    """
    found = difflib.get_close_matches(word, list(known), n=1, cutoff=0.6)
    return f" (did you mean {found[0]!r}?)" if found else ""


def apply_overrides(data: dict[str, Any], overrides: Iterable[str], *, where: str) -> dict[str, Any]:
    """Returns a copy of `data` with `a.b=value` settings applied; values are read as YAML.

    >>> apply_overrides({"training": {"epochs": 3}}, ["training.epochs=5"], where="--set")
    {'training': {'epochs': 5}}
    """
    result: dict[str, Any] = json.loads(json.dumps(data))
    for override in overrides:
        key, separator, text = override.partition("=")
        if not separator or not key:
            raise UsageError(where, found=repr(override), expected="KEY=VALUE, as in training.epochs=5")
        try:
            value = parse_yaml(f"value: {text}", where=f"{where} {override}")["value"]
        except SpecError as error:
            raise UsageError(error.where, found=error.found, fix="correct the option") from None
        *parents, last = key.split(".")
        target = result
        for parent in parents:
            child = target.setdefault(parent, {})
            if not isinstance(child, dict):
                raise UsageError(where, found=f"{key!r}, but {parent!r} holds a value", expected="a key with sub-keys")
            target = child
        target[last] = value
    return result


def _one_line(text: str) -> str:
    return " ".join(text.split())


def _items(error: ValidationError) -> list[Any]:
    """Returns what is wrong, but for lists that are too short because their values are wrong, which is said already."""
    items = error.errors(include_url=False)
    parents = {item["loc"][:-1] for item in items}
    return [item for item in items if item["type"] != "too_short" or item["loc"] not in parents]


def _describe(item: Any, model: type[Spec]) -> str:
    # Alternatives that no tag tells apart have names of pydantic's own.
    location = [str(part) for part in item["loc"] if not str(part).startswith(("constrained-", "function-"))]
    path = ".".join(location)
    if item["type"] == "extra_forbidden":
        parent = item["loc"][:-1]
        key = str(item["loc"][-1])
        known = sorted(_fields_at(model, parent))
        return f"key '{path}' is unknown{nearest(key, known)}; known here: {', '.join(known)}"
    if item["type"] == "missing":
        return f"key '{path}' is missing"
    if item["type"] == "too_short":
        count = item["ctx"]["actual_length"]
        few = f"{count or 'no'} value{'' if count == 1 else 's'}"
        return f"key '{path}': found {few}, expected at least {item['ctx']['min_length']}"
    found = "" if isinstance(item["input"], (dict, list)) else f" (got {item['input']!r:.80})"
    what = _one_line(item["msg"].removeprefix("Value error, "))
    # What contradicts itself as a whole has no key.
    return f"key '{path}': {what}{found}" if path else f"{what}{found}"


def _fields_at(model: type[Spec], location: Iterable[Any]) -> set[str]:
    """Returns the fields of the model(s) that stand at a pydantic error location."""
    candidates = [model]
    for part in location:
        deeper = [
            child
            for candidate in candidates
            if isinstance(part, str) and part in candidate.model_fields
            for child in _models_in(candidate.model_fields[part].annotation)
        ]
        # The tag of a union names one of its models; positions in tuples and keys of mappings leave us where we are.
        tagged = [child for child in candidates if part == _tag_of(child)]
        candidates = deeper or tagged or candidates
    return {field.alias or name for candidate in candidates for name, field in candidate.model_fields.items()}


def _tag_of(model: type[Spec]) -> Any:
    """Returns what names the model among the alternatives it belongs to; None where it belongs to none."""
    tags = [field.default for key, field in model.model_fields.items() if key in _TAGS]
    # A key of its own, such as `import`, tells a model apart as well.
    return next(iter([*tags, *(field.alias for field in model.model_fields.values() if field.alias)]), None)


def _models_in(annotation: Any) -> Iterator[type[Spec]]:
    if isinstance(annotation, type) and issubclass(annotation, Spec):
        yield annotation
    for argument in get_args(annotation):
        yield from _models_in(argument)
