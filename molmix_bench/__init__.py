"""Mixed molecular datasets: build and check them, train on them, score predictions fairly.

>>> import molmix_bench as mb
>>> mix = mb.load("minimix")  # doctest: +SKIP
>>> mix.datasets["mini_properties"].tasks  # doctest: +SKIP
('logp', 'sa_score', 'qed', 'tpsa', 'molar_refractivity')
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from molmix_bench.api import embed, finetune, load, predict, run, score, study
    from molmix_bench.graphs.cached import open_store as graphs

__version__ = "0.1.0"
__all__ = ["__version__", "embed", "finetune", "graphs", "load", "predict", "run", "score", "study"]


def __getattr__(name: str) -> Any:
    # Loaded at first use: importing the package alone must cost nothing and need no optional dependency.
    if name == "graphs":
        # The package of that name, which can be called.
        return import_module("molmix_bench.graphs")
    if name in __all__:
        return getattr(import_module("molmix_bench.api"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}; it has {', '.join(__all__)}")


def __dir__() -> list[str]:
    return __all__
