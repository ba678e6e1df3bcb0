"""Optional dependencies: asked for before they are imported, so that the error says what to install."""

from __future__ import annotations

from importlib.util import find_spec

from molmix_bench.errors import MissingExtraError

_TRAIN = ("torch", "torch_geometric", "lightning_fabric", "safetensors")


def require_train() -> None:
    """Raises `MissingExtraError` where what training needs is not installed."""
    if missing := [name for name in _TRAIN if find_spec(name) is None]:
        raise MissingExtraError(
            "training",
            found=f"{', '.join(missing)} not installed",
            fix='install the extra: pip install "molmix-bench[train]"',
        )
