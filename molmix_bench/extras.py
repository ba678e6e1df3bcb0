"""Optional dependencies: asked for before they are imported, so that the error says what to install."""

from __future__ import annotations

from importlib.util import find_spec

from molmix_bench.errors import MissingExtraError

_SERVER = ("starlette", "uvicorn")
_LEADERBOARD = ("fastapi", "jinja2", "sqlalchemy", "uvicorn")
_TRAIN = ("torch", "torch_geometric", "lightning_fabric", "safetensors")
_CARDS = ("matplotlib", "PIL")


def require_train() -> None:
    """Raises `MissingExtraError` where what training needs is not installed."""
    if missing := [name for name in _TRAIN if find_spec(name) is None]:
        raise MissingExtraError(
            "training",
            found=f"{', '.join(missing)} not installed",
            fix='install the extra: pip install "molmix-bench[train]"',
        )


def require_server() -> None:
    """Raises `MissingExtraError` where what serving needs is not installed."""
    if missing := [name for name in _SERVER if find_spec(name) is None]:
        raise MissingExtraError(
            "the server",
            found=f"{', '.join(missing)} not installed",
            fix='install the extra: pip install "molmix-bench[leaderboard]"',
        )


def require_leaderboard() -> None:
    """Raises `MissingExtraError` where what the leaderboard's service needs is not installed."""
    if missing := [name for name in _LEADERBOARD if find_spec(name) is None]:
        raise MissingExtraError(
            "the leaderboard",
            found=f"{', '.join(missing)} not installed",
            fix='install the extra: pip install "molmix-bench[leaderboard]"',
        )


def require_cards() -> None:
    """Raises `MissingExtraError` where what figures need is not installed."""
    if missing := [name for name in _CARDS if find_spec(name) is None]:
        raise MissingExtraError(
            "figures",
            found=f"{', '.join(missing)} not installed",
            fix='install the extra: pip install "molmix-bench[cards]"',
        )


def require_ray() -> None:
    """Raises `MissingExtraError` where Ray is not installed."""
    if find_spec("ray") is None:
        raise MissingExtraError(
            "engine ray", found="ray not installed", fix='install the extra: pip install "molmix-bench[ray]"'
        )


def require_s3() -> None:
    """Raises `MissingExtraError` where what reads and writes URLs is not installed."""
    if find_spec("fsspec") is None:
        raise MissingExtraError(
            "files behind URLs", found="fsspec not installed", fix='install the extra: pip install "molmix-bench[s3]"'
        )
