"""Where this package keeps what it downloads, builds and featurises."""

from __future__ import annotations

import os
from pathlib import Path

import platformdirs


def cache_dir() -> Path:
    """Returns the cache folder: the environment variable MOLMIX_CACHE, or a folder in the user's cache directory."""
    given = os.environ.get("MOLMIX_CACHE")
    return Path(given).expanduser() if given else platformdirs.user_cache_path("molmix-bench", appauthor=False)
