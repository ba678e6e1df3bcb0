"""A user's own network, found by the name that a run's YAML gives: `model: {import: my_pkg:MyNet, args: {...}}`.

Importing a module runs its code. It happens where a network is made: when a user starts a run or predicts with one, and
nowhere else; neither reading a YAML nor checking or scoring a submission gets here.
"""

from __future__ import annotations

import importlib
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

from molmix_bench.errors import RunError
from molmix_bench.graphs.batch import Batch
from molmix_bench.graphs.collate import Collator
from molmix_bench.graphs.encodings import encode
from molmix_bench.graphs.featurize import featurize
from molmix_bench.specs.base import nearest
from molmix_bench.specs.features import FeatureSpec
from molmix_bench.specs.model import ImportedSpec

_EXAMPLES = ("CCO", "C", "[Na+].[Cl-]", "c1ccccc1O")
"""Molecules on which a network is tried: with and without bonds, with a ring, with two parts."""


class ImportedBody(nn.Module):
    """A user's network, with each of its results checked.

    Args:
        network: from a batch to embeddings of its atoms, (num_nodes, width).
        name: as the YAML has it, for errors.
    """

    def __init__(self, network: nn.Module, *, name: str) -> None:
        super().__init__()
        self.network = network
        self.name = name

    def forward(self, batch: Batch) -> Tensor:
        """Returns the atoms' embeddings, (num_nodes, width).

        Raises:
            RunError: they have another shape.
        """
        nodes = self.network(batch)
        if isinstance(nodes, Tensor) and nodes.ndim == 2 and len(nodes) == batch.num_nodes:  # noqa: PLR2004  # rows, columns
            return nodes
        found = f"the shape {tuple(nodes.shape)}" if isinstance(nodes, Tensor) else f"a {type(nodes).__name__}"
        raise RunError(
            f"model.import {self.name}",
            found=f"{found}, for a batch of {batch.num_nodes} atoms in {batch.num_graphs} molecules",
            expected=f"a float tensor of the shape ({batch.num_nodes}, width)",
            fix="return one row per atom from forward(batch), in the order of batch.x; molecules are pooled afterwards",
        )


def import_body(spec: ImportedSpec, *, features: FeatureSpec) -> tuple[ImportedBody, int]:
    """Returns a user's network, with fresh weights, and the width of its embeddings.

    It is tried on four small molecules, which also tells the width and gives lazy layers their sizes.

    Raises:
        RunError: there is no such module or class, it is no network, or it does not do what is asked of it.
    """
    where = f"model.import {spec.import_}"
    kind = _find_class(spec.import_, where=where)
    try:
        body = ImportedBody(kind(**spec.args), name=spec.import_)
    except TypeError as error:
        raise RunError(where, found=f"it cannot be made ({error})", fix="mend model.args or its __init__") from error
    training, batch = body.training, _example(features)
    body.eval()  # Norms are to learn nothing from the examples.
    with torch.no_grad():
        nodes = body(batch)
    if not nodes.is_floating_point():
        raise RunError(where, found=f"embeddings of {nodes.dtype}", expected="floats", fix="return floats")
    return body.train(training), nodes.shape[1]


def _find_class(name: str, *, where: str) -> type[nn.Module]:
    module_name, _, class_name = name.partition(":")
    try:
        with _current_folder_importable():
            module = importlib.import_module(module_name)
    except ImportError as error:
        fix = "run from the folder that holds it, or install its package in this environment, or set PYTHONPATH"
        raise RunError(where, found=f"a module that cannot be imported ({error})", fix=fix) from error
    kind = getattr(module, class_name, None)
    if kind is None:
        # The names a module shows, not those it hides.
        known = [other for other, value in vars(module).items() if isinstance(value, type)]
        found = f"no {class_name} in {module_name}{nearest(class_name, known)}"
        raise RunError(where, found=found, fix=f"write the name of a class of {module.__file__}")
    # Anything that could be called with `args` would else be called, os.system among them.
    if not (isinstance(kind, type) and issubclass(kind, nn.Module)):
        raise RunError(where, found=f"{kind!r:.80}", expected="a subclass of torch.nn.Module", fix="make it one")
    return kind


@contextmanager
def _current_folder_importable() -> Iterator[None]:
    """Lets modules beside the user be found, as `python -m` does; a console script alone does not."""
    folder = str(Path.cwd())
    sys.path.insert(0, folder)
    try:
        yield
    finally:
        sys.path.remove(folder)


def _example(features: FeatureSpec) -> Batch:
    graphs = featurize(_EXAMPLES, mol_ids=_EXAMPLES)
    return Collator(graphs, encode(graphs, features))(np.arange(len(_EXAMPLES)))
