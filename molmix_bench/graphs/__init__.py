"""Featurised molecules: codes, encodings, the memory-mapped store and its loader.

The package can be called, `molmix_bench.graphs(mix)`, which is `cached.open_store`: the public name for opening a store
is this package's own, and an attribute of that name would last only until the first import of one of its modules.
"""

from __future__ import annotations

import sys
from types import ModuleType
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

    from molmix_bench.graphs.store import GraphStore
    from molmix_bench.mix import Mix
    from molmix_bench.specs.features import FeatureSpec


class _Callable(ModuleType):
    def __call__(
        self, mix: Mix, features: FeatureSpec | None = None, *, workers: int | None = None, cache: Path | None = None
    ) -> GraphStore:
        """Returns the store of a mix, as `cached.open_store` does."""
        # Worker processes import this package too, and have no use for torch.
        from molmix_bench.graphs.cached import open_store

        return open_store(mix, features, workers=workers, cache=cache)


sys.modules[__name__].__class__ = _Callable
