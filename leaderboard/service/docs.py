"""The API as a page to read, made of its OpenAPI description; nothing is loaded from elsewhere."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from html import escape
from typing import Any

_HEAD = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<title>API: molmix-bench leaderboard</title><link rel="icon" href="/assets/icon.svg" type="image/svg+xml">
<link rel="stylesheet" href="/assets/colours.css"><link rel="stylesheet" href="/assets/site.css">
<link rel="stylesheet" href="/assets/tables.css"></head>
<body><main id="main" class="wrap">
"""
_FOOT = "</main></body></html>\n"


def docs_page(schema: Mapping[str, Any]) -> str:
    """Returns the page of an OpenAPI description."""
    return _HEAD + "\n".join(_parts(schema)) + _FOOT


def _parts(schema: Mapping[str, Any]) -> Iterator[str]:
    info = schema["info"]
    yield f"<h1>{escape(info['title'])}: API</h1><p>{escape(info['description'])}</p>"
    yield '<p>For programs: <a href="/openapi.json">openapi.json</a>. <a href="/">The board</a>.</p>'
    yield "<p>A request for a user carries <code>Authorization: Bearer TOKEN</code>. What is refused answers with "
    yield '<code>{"problem": TEXT}</code>.</p>'
    for path, methods in schema["paths"].items():
        for method, route in methods.items():
            yield from _route(f"{method.upper()} {path}", route)
    yield "<h2>Records</h2>"
    for name, model in sorted(schema.get("components", {}).get("schemas", {}).items()):
        if "properties" in model:
            yield f"<h3 id={_quoted(name)}>{escape(name)}</h3><p>{escape(model.get('description', ''))}</p>"
            yield _table(
                (key, _type(value), key in model.get("required", ()), value.get("description", ""))
                for key, value in model["properties"].items()
            )


def _route(title: str, route: Mapping[str, Any]) -> Iterator[str]:
    need = " For users." if route.get("security") else ""
    yield f"<h2><code>{escape(title)}</code></h2><p>{escape(route.get('description', ''))}{need}</p>"
    parameters = route.get("parameters", ())
    if parameters:
        yield _table(
            (item["name"], _type(item["schema"]), item.get("required", False), item.get("description", ""))
            for item in parameters
        )
    if body := route.get("requestBody"):
        yield f"<p>Takes {_content(body)}</p>"
    for status, answer in route["responses"].items():
        yield f"<p>{escape(status)}: {escape(answer['description'])} {_content(answer)}</p>"


def _content(part: Mapping[str, Any]) -> str:
    return ", ".join(_type(item.get("schema", {})) for item in part.get("content", {}).values())


def _type(schema: Mapping[str, Any]) -> str:
    """Returns what a value is, as HTML."""
    if "$ref" in schema:
        name = schema["$ref"].rpartition("/")[2]
        return f"<a href={_quoted('#' + name)}>{escape(name)}</a>"
    if "anyOf" in schema:
        return " or ".join(_type(item) for item in schema["anyOf"])
    if schema.get("type") == "array":
        return f"list of {_type(schema['items'])}"
    if "enum" in schema:
        return escape(", ".join(map(str, schema["enum"])))
    return escape(str(schema.get("format") or schema.get("type", "any")))


def _table(rows: Iterator[tuple[str, str, bool, str]]) -> str:
    lines = (
        f"<tr><th scope=row><code>{escape(name)}</code></th><td>{kind}</td>"
        f"<td>{'needed' if is_needed else ''}</td><td>{escape(text)}</td></tr>"
        for name, kind, is_needed, text in rows
    )
    return f'<div class="scroll"><table>{"".join(lines)}</table></div>'


def _quoted(text: str) -> str:
    return f'"{escape(text, quote=True)}"'
