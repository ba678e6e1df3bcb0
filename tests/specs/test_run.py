"""Tests of run specs and of the baselines that ship with the package."""

from __future__ import annotations

from pathlib import Path

import pytest

from molmix_bench.errors import SpecError
from molmix_bench.specs.base import read_yaml, validate_spec
from molmix_bench.specs.model import FittedSpec
from molmix_bench.specs.run import RunSpec

_FOLDER = Path(__file__).parents[2] / "baselines"
BASELINES = [
    path
    for path in sorted(_FOLDER.rglob("*.yaml"))
    if not any(path.is_relative_to(_FOLDER / other) for other in ("results", "studies"))
]


def _spec(**changes):
    data = {"name": "a", "description": "b", "mix": "minimix", "model": {}, "training": {"epochs": 1, "batch_size": 2}}
    return validate_spec(RunSpec, {**data, **changes}, where="a.yaml")


@pytest.mark.parametrize("path", BASELINES, ids=lambda path: path.stem)
def test_baselines_are_complete(path):
    """Each is a valid run of at most 60 lines that leaves no setting to a default."""
    spec = validate_spec(RunSpec, read_yaml(path), where=str(path))
    assert len(path.read_text().splitlines()) <= 60
    expected = spec.model_dump()
    if isinstance(spec.model, FittedSpec):
        # What is not trained in epochs has nothing else to say of its training.
        expected["training"] = {"seeds": spec.training.seeds}
    assert _keys(read_yaml(path)) == _keys(expected)


def _keys(data, prefix=""):
    if not isinstance(data, dict) or not data:
        return {prefix}
    return {key for name, value in data.items() for key in _keys(value, f"{prefix}.{name}")}


def test_refuses_unknown_keys():
    """An unknown key is answered with the nearest known one, at any depth."""
    training = {"epochs": 1, "batch_size": 2, "optimizer": {"learning_rat": 0.1}}
    match = r"'training\.optimizer\.learning_rat' is unknown \(did you mean 'learning_rate'\?\)"
    with pytest.raises(SpecError, match=match):
        _spec(training=training)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"training": {"epochs": 1, "batch_size": 2, "seeds": [1, 1]}}, "seeds repeat"),
        ({"training": {"epochs": 1, "batch_size": 2, "seeds": []}}, "found no values, expected at least 1"),
        ({"training": {"epochs": 0, "batch_size": 2}}, "greater than 0"),
        ({"training": {"epochs": 1, "batch_size": 2, "precision": "16-mixed"}}, "'32-true' or 'bf16-mixed'"),
        ({"datasets": ["a", "a"]}, "datasets repeat"),
        ({"datasets": []}, "found no values, expected at least 1"),
        ({"name": "../x"}, "match pattern"),
        ({"model": {"architecture": "gat"}}, "'gat' is unknown.*known: gcn, gin, gine, gatedgcn"),
        ({"model": {"dropout": 1.0}}, "less than 1"),
        ({"model": {"widht": 3}}, "'model.gine.widht' is unknown .did you mean 'width'"),
        ({"model": 3}, "expected a mapping with `architecture`"),
        ({"model": {"import": "no colon"}}, "'model.import.import': String should match pattern"),
        ({"model": {"import": "a:B", "arg": {}}}, "did you mean 'args'.*known here: activation, args, head, import, "),
        ({"model": {"architecture": "gps", "width": 10}}, "width 10 is no multiple of num_heads 4"),
        (
            {"model": {"architecture": "trivial"}},
            "trivial is not trained in epochs: training has seeds and no batch_size",
        ),
        ({"training": {"seeds": [0]}}, "gine is trained in epochs, and training lacks batch_size, epochs"),
    ],
)
def test_refuses_settings_that_cannot_be(changes, message):
    """Each impossible value is refused with the rule it breaks."""
    with pytest.raises(SpecError, match=message):
        _spec(**changes)


def test_loss_weights_are_for_datasets_of_the_run():
    """A weight for a dataset that is not trained on is a mistake; without a list of datasets, the mix decides later."""
    training = {"epochs": 1, "batch_size": 2, "loss_weights": {"tox21": 2.0}}
    assert _spec(training=training).training.loss_weights == {"tox21": 2.0}
    with pytest.raises(SpecError, match="loss_weights names datasets that are not trained on: tox21"):
        _spec(training=training, datasets=["qm9"])


def test_sampling_is_for_all_datasets_of_the_run():
    """Weights name every dataset, as far as the run does; a temperature needs no names."""
    training = {"epochs": 1, "batch_size": 2, "sampling": {"tox21": 2.0}}
    assert _spec(training=training).training.sampling == {"tox21": 2.0}
    assert _spec(training=training, datasets=["tox21"]).training.sampling == {"tox21": 2.0}
    with pytest.raises(SpecError, match="sampling must have a weight for each of datasets"):
        _spec(training=training, datasets=["tox21", "qm9"])
    assert _spec(training=training | {"sampling": 3}, datasets=["qm9"]).training.sampling == 3.0
    with pytest.raises(SpecError, match="greater than 0"):
        _spec(training=training | {"sampling": 0})
