"""Style, scripts and icon of the site: files of its own, so that its policy lets nothing else in."""

from __future__ import annotations

from pathlib import Path

from molmix_bench.cards.palette import DARK, LIGHT, Theme

STATIC = Path(__file__).parent / "static"
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; "
    "base-uri 'none'; form-action 'none'"
)
"""In each page; a server says the same in a header, and `frame-ancestors`, which a page cannot say."""

_LIGHT = {
    "panel": "#f6f8fa",
    "link": "#0550ae",
    "good": "#116329",
    "bad": "#a40e26",
    "band": "#dcebf7",
    "warm": "#8a4600",
    "shade": "#1f232814",
}
_DARK = {
    "panel": "#151b23",
    "link": "#79c0ff",
    "good": "#56d364",
    "bad": "#ff8182",
    "band": "#16324f",
    "warm": "#f0a860",
    "shade": "#00000066",
}


def asset_texts() -> dict[str, str]:
    """Returns the text of each asset by its path in the site."""
    found = {f"assets/{path.name}": path.read_text(encoding="utf-8") for path in sorted(STATIC.iterdir())}
    return found | {"assets/colours.css": colours()}


def colours() -> str:
    """Returns the colours of both themes as CSS: the reader's system's choice, unless the page's button was used."""
    light, dark = _variables(LIGHT, _LIGHT), _variables(DARK, _DARK)
    return (
        f":root {{ color-scheme: light; {light} }}\n"
        f"@media (prefers-color-scheme: dark) {{ :root {{ color-scheme: dark; {dark} }} }}\n"
        f':root[data-theme="light"] {{ color-scheme: light; {light} }}\n'
        f':root[data-theme="dark"] {{ color-scheme: dark; {dark} }}\n'
    )


def _variables(theme: Theme, more: dict[str, str]) -> str:
    values = {"page": theme.page, "text": theme.text, "soft": theme.soft, "line": theme.line}
    values |= {f"series-{place}": colour for place, colour in enumerate(theme.series)}
    return " ".join(f"--{name}: {colour};" for name, colour in (values | more).items())
