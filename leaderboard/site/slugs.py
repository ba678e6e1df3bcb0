"""Names of submissions as parts of addresses."""

from __future__ import annotations

import hashlib
import re

_PLAIN = re.compile(r"[a-z0-9][a-z0-9_-]{0,59}")
_OTHER = re.compile(r"[^a-z0-9]+")
_MAX_READABLE = 40


def slug(name: str) -> str:
    """Returns a name as it stands in addresses: as it is where it is plain, else what is readable of it and a digest.

    Different names have different ones, on file systems too that do not tell `A` from `a`.

    >>> slug("gine-2"), slug("GINE 2"), slug("../x")
    ('gine-2', 'gine-2.7961601e2a', 'x.d6b96a97d1')
    """
    if _PLAIN.fullmatch(name):
        return name
    readable = _OTHER.sub("-", name.lower())[:_MAX_READABLE].strip("-") or "entry"
    # A plain name has no full stop, so that no other name's address is one.
    return f"{readable}.{hashlib.sha256(name.encode()).hexdigest()[:10]}"
