"""The licence of a mix: the strictest of its sources', where there is one.

A mix adapts its sources: it brings molecules into a standard form, merges duplicates and puts tables together. Who
passes it on has to meet the conditions of every source at once, so licences are ordered by what they ask, and the
strictest is one that asks all that the others ask. The order is partial: CC-BY-SA asks what CC-BY-NC does not, and
the other way round. Then, and wherever a licence is not known here, the answer is `other`; the card states each
source's.
"""

from __future__ import annotations

from collections.abc import Iterable

OTHER = "other"
"""What the Hub calls a licence that is none of its list."""

_FREE = frozenset[str]()
_NOTICE = frozenset({"notice"})
_BY = _NOTICE | {"attribution"}
_SHARE_ALIKE = "share-alike"
_NO_DERIVATIVES = "no derivatives"

# Public domain, then licences that ask to be passed on with the data, then attribution as the Creative Commons define
# it (name the author, link the licence, say what was changed), then the same conditions for what is made of the data.
# Of licences that ask the same, the later in this list is taken: the one written for data, or the newer version.
CONDITIONS: dict[str, frozenset[str]] = {
    "LicenseRef-US-Government-Works": _FREE,
    "Unlicense": _FREE,
    "PDDL-1.0": _FREE,
    "CC0-1.0": _FREE,
    "MIT": _NOTICE,
    "BSD-2-Clause": _NOTICE,
    "BSD-3-Clause": _NOTICE,
    "Apache-2.0": _NOTICE,
    "CDLA-Permissive-2.0": _NOTICE,
    "ODC-By-1.0": _BY,
    "CC-BY-3.0": _BY,
    "CC-BY-4.0": _BY,
    "ODbL-1.0": _BY | {_SHARE_ALIKE},
    "CC-BY-SA-3.0": _BY | {_SHARE_ALIKE},
    "CC-BY-SA-4.0": _BY | {_SHARE_ALIKE},
    "CC-BY-NC-4.0": _BY | {"non-commercial"},
    "CC-BY-NC-SA-4.0": _BY | {"non-commercial", _SHARE_ALIKE},
    "CC-BY-ND-4.0": _BY | {_NO_DERIVATIVES},
    "CC-BY-NC-ND-4.0": _BY | {"non-commercial", _NO_DERIVATIVES},
}
"""SPDX identifier -> what it asks of who passes the data on."""

# Those of the list above that the Hub does not call by the lower-case SPDX identifier.
_HUB_NAMES = {"LicenseRef-US-Government-Works": OTHER, "PDDL-1.0": "pddl"}


def strictest(licences: Iterable[str]) -> str:
    """Returns the licence under which a mix of sources with these licences can be passed on, or `other`.

    >>> strictest(["CC-BY-4.0", "CC-BY-SA-4.0", "MIT"])
    'CC-BY-SA-4.0'
    >>> strictest(["CC-BY-SA-4.0", "CC-BY-NC-4.0"]), strictest(["MIT", "LicenseRef-Mine"])
    ('other', 'other')
    """
    given = sorted(set(licences))
    if any(licence not in CONDITIONS for licence in given):
        return OTHER
    if len(given) > 1 and not _compatible(given):
        return OTHER
    asked = _FREE.union(*(CONDITIONS[licence] for licence in given))
    able = [licence for licence in CONDITIONS if licence in given and asked == CONDITIONS[licence]]
    return able[-1] if able else OTHER


def _compatible(licences: list[str]) -> bool:
    """Whether one work may be made of works under these: share-alike admits no other share-alike, ND no change."""
    conditions = [CONDITIONS[licence] for licence in licences]
    # CC-BY-SA-3.0 allows what is made of it to bear the later version.
    families = {
        licence.removesuffix("-3.0").removesuffix("-4.0") for licence in licences if _SHARE_ALIKE in CONDITIONS[licence]
    }
    return len(families) <= 1 and not any(_NO_DERIVATIVES in asked for asked in conditions)


def hub_licence(licence: str) -> str:
    """Returns what the Hub calls a licence of `strictest`.

    >>> hub_licence("CC-BY-SA-4.0"), hub_licence("LicenseRef-US-Government-Works")
    ('cc-by-sa-4.0', 'other')
    """
    return _HUB_NAMES.get(licence, licence.lower()) if licence in CONDITIONS else OTHER


def licence_url(licence: str) -> str | None:
    """Returns where a licence can be read; None for one that SPDX does not list."""
    known = licence in CONDITIONS and not licence.startswith("LicenseRef-")
    return f"https://spdx.org/licenses/{licence}.html" if known else None
