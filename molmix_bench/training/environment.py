"""The software and hardware a run takes place on, as it is recorded beside the results."""

from __future__ import annotations

import platform
from collections.abc import Iterable, Mapping
from importlib.metadata import version
from pathlib import Path

import torch

from molmix_bench.errors import RunError
from molmix_bench.graphs.featurize import FEATURIZER_VERSION
from molmix_bench.specs.result import Hardware

FEATURIZER = "featurizer"
"""Among the versions: that of the codes and encodings that a network has learnt to read."""
_FIRST_RECORDED = "2"
"""The featurizer of the runs that do not say which."""
_PACKAGES = (
    "molmix-bench",
    "torch",
    "lightning-fabric",
    "safetensors",
    "numpy",
    "scikit-learn",
    "polars",
    "pyarrow",
    "rdkit",
)


def read_versions() -> dict[str, str]:
    """Returns all that decides the last bits of a result besides spec and data: versions, and torch's threads."""
    versions = {name: version(name) for name in _PACKAGES}
    versions[FEATURIZER] = FEATURIZER_VERSION
    return {**versions, "python": platform.python_version(), "threads": str(torch.get_num_threads())}


def read_hardware(device: torch.device, *, accelerators: Iterable[str] = (), devices: int = 1) -> Hardware:
    """Returns what computes here.

    Args:
        device: of this process.
        accelerators: that earlier pieces of the same training had; as often as one likes, and empty where unknown.
        devices: processes that compute together.
    """
    known = [name for name in accelerators if name] or [accelerator_name(device)]
    names = ", ".join(dict.fromkeys(known))
    return Hardware(cpu=_cpu_name(), threads=torch.get_num_threads(), accelerator=names, devices=devices)


def accelerator_name(device: torch.device) -> str:
    """Returns `cpu`, or the name of a GPU."""
    return torch.cuda.get_device_name(device) if device.type == "cuda" else device.type


def _cpu_name() -> str:
    # Python knows no more than the architecture on Linux.
    cpuinfo = Path("/proc/cpuinfo")
    if cpuinfo.is_file():
        for line in cpuinfo.read_text(encoding="utf-8").splitlines():
            key, _, value = line.partition(":")
            if key.strip() == "model name":
                return value.strip()
    return platform.processor() or platform.machine()


def check_featurizer(run: Path, versions: Mapping[str, str]) -> None:
    """Refuses a run whose networks have learnt to read other codes of atoms than those of this version.

    Args:
        run: its directory.
        versions: of the software that it was begun with.

    Raises:
        RunError: they have.
    """
    found = versions.get(FEATURIZER, _FIRST_RECORDED)
    if found != FEATURIZER_VERSION:
        raise RunError(
            str(run),
            found=f"a run begun with version {found} of the featurizer",
            expected=f"{FEATURIZER_VERSION}, that of this molmix-bench",
            fix=f"train it again, or use molmix-bench {versions.get('molmix-bench', 'of that time')}",
        )
