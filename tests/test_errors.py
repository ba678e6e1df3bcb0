"""Tests of the error tree."""

from __future__ import annotations

import pickle

import pytest

from molmix_bench import errors


def test_every_error_is_exported():
    """`__all__` names every class of the module, and every one is a MolmixError."""
    classes = {name: item for name, item in vars(errors).items() if isinstance(item, type)}
    assert set(classes) == set(errors.__all__)
    assert all(issubclass(item, errors.MolmixError) for item in classes.values())


@pytest.mark.parametrize("name", errors.__all__)
def test_errors_survive_worker_processes(name):
    """Pickling keeps the class, the fields and the text."""
    error = getattr(errors, name)("a.csv row 3", found="'x'", expected="a number", fix="correct it")
    copy = pickle.loads(pickle.dumps(error))  # noqa: S301 - our own bytes, made one line above
    assert type(copy) is type(error)
    assert str(copy) == "a.csv row 3: found 'x'; expected a number; correct it"
    assert (copy.where, copy.found, copy.expected, copy.fix) == ("a.csv row 3", "'x'", "a number", "correct it")


def test_text_without_expectation():
    """Where `found` says it all, the text does not say `found`."""
    assert str(errors.MixError("x", found="no such directory")) == "x: no such directory"
