"""Tests of the networks that the baselines' YAML files describe."""

from __future__ import annotations

import pytest
import torch

from molmix_bench.errors import SpecError, UsageError
from molmix_bench.models.network import count_parameters, make_network
from molmix_bench.specs.baselines import baseline_names, find_baseline, load_run_spec
from molmix_bench.specs.model import ARCHITECTURES, FittedSpec
from molmix_bench.specs.result import Target
from molmix_bench.vocab import Kind


def _target(dataset, num_tasks, kind="regression", *, level="graph", num_classes=None):
    count = num_tasks if kind == "regression" else 0
    return Target(
        dataset=dataset,
        level=level,
        kind=kind,
        num_classes=num_classes,
        dtype="float32" if count else "int8",
        tasks=tuple(f"t{task}" for task in range(num_tasks)),
        mean=(0.0,) * count,
        std=(1.0,) * count,
    )


# The shapes of the mixes as they are built; README.md has the numbers of tasks.
_EXPRESSION = {"kind": "multiclass", "num_classes": 5}
SHAPES = {
    "minimix": [
        _target("mini_properties", 5),
        _target("mini_alerts", 15, "binary"),
        _target("mini_atoms", 2, level="node"),
        _target("mini_classes", 3, "multiclass", num_classes=5),
    ],
    "toymix": [_target("qm9", 19), _target("tox21", 12, "binary"), _target("zinc12k", 3)],
    "midmix": [
        _target("qm9", 19),
        _target("zinc12k", 3),
        _target("tox21", 12, "binary"),
        _target("toxcast", 617, "binary"),
        _target("muv", 17, "binary"),
        _target("l1000_consensus", 978, **_EXPRESSION),
        _target("cascade_nmr", 1, level="node"),
        _target("pcqm4mv2", 1),
    ],
    "largemix": [
        _target("l1000_vcap", 978, **_EXPRESSION),
        _target("l1000_mcf7", 978, **_EXPRESSION),
        _target("pcba_1328", 1328, "binary"),
        _target("pcqm4m_g25", 25),
        _target("pcqm4m_n4", 4, level="node"),
    ],
}
SIZES = {"toymix": (130_000, 180_000), "midmix": (450_000, 560_000), "largemix": (4_000_000, 6_000_000)}
"""Of trainable parameters, least and most, by the folder of baselines."""
GNNS = {"gcn", "gin", "gine", "gatedgcn", "mpnn", "gps"}
CLASSICAL = {
    "ecfp-rf": "random_forest",
    "ecfp-gb": "gradient_boosting",
    "ecfp-mlp": "fingerprint_mlp",
    "trivial": "trivial",
}


@pytest.mark.parametrize("name", baseline_names())
def test_networks_keep_their_budget(name):
    """Each network can be made, has no more parameters than its YAML allows, and as many as its folder promises."""
    spec = load_run_spec(name)
    folder = name.rpartition("/")[0]
    if isinstance(spec.model, FittedSpec):
        assert spec.max_parameters is None
        return
    with torch.device("meta"):
        network = make_network(spec.model, features=spec.features, targets=SHAPES[spec.mix])
    found = count_parameters(network)
    assert spec.max_parameters is not None
    assert found <= spec.max_parameters
    least, most = (9_500_000, 10_500_000) if name.endswith("10m") else SIZES.get(folder, (0, spec.max_parameters))
    assert least <= found <= most


@pytest.mark.parametrize("folder", SIZES)
def test_every_folder_has_every_baseline(folder):
    """Six graph networks and four that chemists ask for first, each in a file named after it."""
    found = {name.rpartition("/")[2]: load_run_spec(name) for name in baseline_names() if name.startswith(f"{folder}/")}
    assert {stem: spec.model.architecture for stem, spec in found.items() if stem != "gine-10m"} == {
        **{name: name for name in GNNS},
        **CLASSICAL,
    }
    assert GNNS | set(CLASSICAL.values()) == set(ARCHITECTURES)
    assert all(spec.mix == folder and spec.name == f"{folder}-{stem}" for stem, spec in found.items())


def test_the_papers_recipe():
    """What is known of it: layer norm, dropout 0.18, a rate of 4e-5 that falls linearly, 100 epochs."""
    spec = load_run_spec("paper/gine")
    assert (spec.model.architecture, spec.model.norm, spec.model.dropout) == ("gine", "layer", 0.18)
    assert (spec.training.epochs, spec.training.optimizer.learning_rate) == (100, 4e-5)
    assert spec.training.schedule.shape == "linear"


def test_shapes_are_those_of_the_mixes():
    """The numbers of tasks add up to those that README gives for each mix."""
    totals = {mix: sum(len(target.tasks) for target in targets) for mix, targets in SHAPES.items()}
    assert totals == {"minimix": 25, "toymix": 34, "midmix": 1_648, "largemix": 3_313}
    assert {target.kind for target in SHAPES["midmix"]} == set(Kind)


def test_who_is_at_fault_for_a_run_that_is_none(tmp_path):
    """A setting that spoils a file is a matter of usage; a file that is wrong itself stays one, settings or not."""
    with pytest.raises(UsageError, match=r"with --set training\.epoch=3: key 'training\.epoch' is unknown"):
        load_run_spec("gine", ["training.epoch=3"])
    path = tmp_path / "run.yaml"
    text = find_baseline("gine").read_text(encoding="utf-8")
    path.write_text(text + "colour: red\n", encoding="utf-8")
    with pytest.raises(SpecError, match="key 'colour' is unknown"):
        load_run_spec(path, ["training.epochs=3"])
