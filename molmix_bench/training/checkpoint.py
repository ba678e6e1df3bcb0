"""Weights and the state of training in safetensors files: tensors as tensors, the few scalars as JSON in the header.

One file holds all that a resumed run needs, so that replacing it replaces everything at once. Nothing is unpickled.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import torch
from pydantic import NonNegativeInt
from safetensors import SafetensorError, safe_open
from safetensors.torch import save
from torch import Tensor, nn

from molmix_bench.atomic import written_whole
from molmix_bench.errors import RunError
from molmix_bench.specs.base import Spec
from molmix_bench.training.averaging import MovingAverage

_MODEL = "model."
_OPTIMIZER = "optimizer."
_AVERAGE = "average."
_HEADER = "molmix"


class Progress(Spec):
    """How far the training of one seed has come."""

    epoch: NonNegativeInt = 0
    """The last that is complete; 0 before the first."""
    best_epoch: NonNegativeInt = 0
    best_value: float | None = None


def write_tensors(path: Path, tensors: Mapping[str, Tensor], *, header: Spec | None = None) -> None:
    """Writes a safetensors file that is at every instant absent, as before, or complete."""
    metadata = {} if header is None else {_HEADER: header.model_dump_json()}
    with written_whole(path) as part:
        part.write_bytes(save({name: tensor.detach().contiguous() for name, tensor in tensors.items()}, metadata))


def save_checkpoint(
    path: Path,
    network: nn.Module,
    optimizer: torch.optim.Optimizer,
    *,
    progress: Progress,
    average: MovingAverage | None = None,
) -> None:
    """Writes weights, their average, optimizer state and progress into one file, atomically."""
    names = [name for name, _ in network.named_parameters()]
    tensors = {_MODEL + name: tensor for name, tensor in network.state_dict().items()}
    for position, state in optimizer.state_dict()["state"].items():
        tensors |= {f"{_OPTIMIZER}{names[position]}.{key}": tensor for key, tensor in state.items()}
    if average is not None:
        tensors |= {_AVERAGE + name: tensor for name, tensor in average.state().items()}
    write_tensors(path, tensors, header=progress)


def load_checkpoint(
    path: Path, network: nn.Module, optimizer: torch.optim.Optimizer, *, average: MovingAverage | None = None
) -> Progress:
    """Fills a network, its optimizer and its average from a checkpoint and returns how far it had come.

    Raises:
        RunError: the file is damaged, or is one of another network.
    """
    tensors, header = _read(path)
    _fill(network, tensors, where=path)
    positions = {name: position for position, (name, _) in enumerate(network.named_parameters())}
    state: dict[int, dict[str, Tensor]] = {}
    for key, tensor in tensors.items():
        if key.startswith(_OPTIMIZER):
            name, entry = key.removeprefix(_OPTIMIZER).rsplit(".", 1)
            state.setdefault(positions[name], {})[entry] = tensor
    optimizer.load_state_dict({"state": state, "param_groups": optimizer.state_dict()["param_groups"]})
    if average is not None:
        try:
            average.load(_part(tensors, _AVERAGE))
        except KeyError as error:
            found = f"no average of the weights ({error})"
            raise RunError(str(path), found=found, fix="use the run.yaml that lies beside it") from None
    return Progress.model_validate_json(header)


def load_weights(path: Path, network: nn.Module) -> None:
    """Fills a network from a checkpoint, or from a file of weights alone; raises like `load_checkpoint`.

    Of a checkpoint with an average of the weights, it takes that.
    """
    tensors, _ = _read(path)
    averages = {_MODEL + name: tensor for name, tensor in _part(tensors, _AVERAGE).items()}
    _fill(network, {name: averages.get(name, tensor) for name, tensor in tensors.items()}, where=path)


def save_weights(path: Path, network: nn.Module) -> None:
    """Writes a network's weights alone, atomically."""
    write_tensors(path, {_MODEL + name: tensor for name, tensor in network.state_dict().items()})


def _read(path: Path) -> tuple[dict[str, Tensor], str]:
    """Returns the tensors of a file and the JSON in its header."""
    try:
        with safe_open(path, framework="pt") as file:
            return {name: file.get_tensor(name) for name in file.keys()}, file.metadata().get(_HEADER, "{}")  # noqa: SIM118  # no mapping
    except (OSError, SafetensorError) as error:
        fix = "delete the folder of this seed to train it again"
        raise RunError(str(path), found=f"no readable checkpoint ({error})", fix=fix) from None


def _part(tensors: Mapping[str, Tensor], prefix: str) -> dict[str, Tensor]:
    return {name.removeprefix(prefix): tensor for name, tensor in tensors.items() if name.startswith(prefix)}


def _fill(network: nn.Module, tensors: dict[str, Tensor], *, where: Path) -> None:
    weights = _part(tensors, _MODEL)
    own = network.state_dict()
    strange = sorted(
        name
        for name in own.keys() | weights.keys()
        if name not in own or name not in weights or own[name].shape != weights[name].shape
    )
    if strange:
        found = f"weights of another network ({len(strange)} tensors differ, {strange[0]} among them)"
        raise RunError(str(where), found=found, fix="use the run.yaml that lies beside it")
    network.load_state_dict(weights)
