"""Tests of networks of the user's own, named in a YAML."""

from __future__ import annotations

import subprocess
import sys

import pytest
import torch

from molmix_bench.errors import RunError
from molmix_bench.models.network import make_network
from molmix_bench.specs.features import FeatureSpec
from molmix_bench.specs.model import HeadSpec, ImportedSpec
from tests.models.small import ASSAYS, CHARGES, FEATURES, PROPS, make_batch, with_all_labels

TARGETS = [PROPS, ASSAYS, CHARGES]
SOURCE = """
import torch
from torch import nn


class MyNet(nn.Module):
    def __init__(self, width, features=9):
        super().__init__()
        self.linear = nn.Linear(features, width)
        self.norm = nn.BatchNorm1d(width)

    def forward(self, batch):
        return self.norm(self.linear(batch.x.float()))


class Lazy(nn.Module):
    def __init__(self):
        super().__init__()
        self.linear = nn.LazyLinear(5)

    def forward(self, batch):
        return self.linear(batch.x.float())


class Pooled(MyNet):
    def forward(self, batch):
        return super().forward(batch)[: batch.num_graphs]


class Listed(MyNet):
    def forward(self, batch):
        return [1]


class Whole(MyNet):
    def forward(self, batch):
        return batch.x.long()


def function(**arguments):
    raise AssertionError("nothing but a network may be called")
"""


@pytest.fixture(autouse=True)
def _folder(tmp_path, monkeypatch):
    """A folder with a module of the user's, in which the user stands."""
    (tmp_path / "own_network.py").write_text(SOURCE)
    monkeypatch.chdir(tmp_path)
    yield
    sys.modules.pop("own_network", None)


def _make(name, **args):
    spec = ImportedSpec.model_validate({"import": name, "args": args, "head": HeadSpec(width=4)})
    return make_network(spec, features=FEATURES, targets=TARGETS)


def test_has_heads_for_what_it_embeds():
    """Outputs of all datasets have their shapes, gradients reach the user's weights, the trial leaves norms fresh."""
    network = _make("own_network:MyNet", width=7)
    assert network.body.network.linear.weight.shape == (7, 9)
    assert network.training
    assert network.body.network.norm.num_batches_tracked == 0
    batch = with_all_labels(make_batch(), *TARGETS)
    outputs = network(batch)
    shapes = {"props": (6, 2), "assays": (6, 3), "charges": (batch.num_nodes, 1)}
    assert {name: tuple(output.shape) for name, output in outputs.items()} == shapes
    sum(output.sum() for output in outputs.values()).backward()
    assert network.body.network.linear.weight.grad.any()


def test_lazy_layers_get_their_sizes():
    """A layer that takes its size from the first batch is ready for an optimizer."""
    network = _make("own_network:Lazy")
    assert network.body.network.linear.weight.shape == (5, 9)
    assert all(not isinstance(p, torch.nn.UninitializedParameter) for p in network.parameters())


@pytest.mark.parametrize(
    ("name", "args", "message"),
    [
        ("no_such_module:MyNet", {}, "a module that cannot be imported .*run from the folder that holds it"),
        ("own_network:MyNett", {}, r"no MyNett in own_network \(did you mean 'MyNet'\?\)"),
        ("own_network:function", {}, "expected a subclass of torch.nn.Module"),
        ("os:system", {"command": "touch broken"}, "expected a subclass of torch.nn.Module"),
        ("own_network:MyNet", {"with": 3}, "it cannot be made .*mend model.args"),
        ("own_network:Pooled", {"width": 3}, r"found the shape \(4, 3\), .*expected a float tensor .*one row per atom"),
        ("own_network:Listed", {"width": 3}, "found a list"),
        ("own_network:Whole", {"width": 3}, "embeddings of torch.int64; expected floats"),
    ],
)
def test_says_what_is_wrong(name, args, message, tmp_path):
    """What cannot be imported, is no network, or gives something else is named with what to do about it."""
    with pytest.raises(RunError, match=message):
        _make(name, **args)
    assert not (tmp_path / "broken").exists()


def test_a_spec_imports_nothing():
    """Reading and writing a spec runs no code of the module it names; it survives being written and read."""
    spec = ImportedSpec.model_validate({"import": "own_network:MyNet", "args": {"width": 3}})
    assert ImportedSpec.model_validate(spec.model_dump(mode="json")) == spec
    assert spec.model_dump()["import"] == "own_network:MyNet"
    assert "own_network" not in sys.modules


def test_submissions_never_get_here():
    """What checks and scores submissions of others does not even load the code that imports networks."""
    code = (
        "import importlib, pkgutil, sys, molmix_bench.submissions as package\n"
        "for module in pkgutil.iter_modules(package.__path__):\n"
        "    if module.name != 'confined_child':\n"
        "        importlib.import_module(f'{package.__name__}.{module.name}')\n"
        "print([name for name in sys.modules if name.startswith('molmix_bench.models')])"
    )
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert result.stdout.strip() == "[]"


def test_the_path_is_left_as_it_was():
    """Modules of the current folder are found during the import alone."""
    before = list(sys.path)
    _make("own_network:MyNet", width=3)
    assert sys.path == before


def test_gets_the_encodings_of_the_run(tmp_path):
    """The trial has the encodings that the run's batches will have."""
    (tmp_path / "own_network.py").write_text(
        "from torch import nn\n"
        "class Walks(nn.Module):\n"
        "    def forward(self, batch):\n"
        "        return batch.encodings['rwse']\n"
    )
    spec = ImportedSpec.model_validate({"import": "own_network:Walks"})
    features = FeatureSpec(rwse=5, laplacian=0)
    network = make_network(spec, features=features, targets=[PROPS])
    assert network(with_all_labels(make_batch(features=features), PROPS))["props"].shape == (6, 2)
