"""Tests of what a mix asks of a network."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest

from molmix_bench.errors import UsageError
from molmix_bench.training.targets import choose_datasets, make_targets
from molmix_bench.vocab import DType, Level
from tests.build.tiny import ALKANES, build_tiny, table_source
from tests.training.small import DATASETS


def test_targets_hold_the_train_statistics(chains):
    """Mean and standard deviation (ddof=0) are NumPy's of the train labels; binary datasets have none."""
    energies, groups = make_targets(chains, ("energies", "groups"))
    labels = chains.scan("energies", "train").select(pl.col("size", "energy").cast(pl.Float64)).collect()
    np.testing.assert_allclose(energies.mean, [labels[name].mean() for name in labels.columns], rtol=1e-12)
    np.testing.assert_allclose(energies.std, [labels[name].std(ddof=0) for name in labels.columns], rtol=1e-12)
    assert (energies.tasks, energies.dtype) == (("size", "energy"), DType.FLOAT64)
    assert (groups.tasks, groups.dtype, groups.mean, groups.std) == (("oxygen", "halogen"), DType.INT8, (), ())


def test_targets_know_levels_and_classes(chains):
    """Labels of atoms are standardised over all atoms of the train split; classes have a number and no statistics."""
    grades, atoms = make_targets(chains, ("grades", "atoms"))
    assert (grades.num_classes, grades.num_outputs, grades.mean, grades.level) == (4, 8, (), Level.GRAPH)
    places = chains.scan("atoms", "train").select(pl.col("place").explode().drop_nulls().cast(pl.Float64)).collect()
    assert (atoms.level, atoms.num_outputs) == (Level.NODE, 2)
    assert atoms.mean[0] == pytest.approx(places["place"].mean(), rel=1e-12)
    assert atoms.std[0] == pytest.approx(places["place"].std(ddof=0), rel=1e-12)


def test_tasks_that_cannot_be_standardised_stay_as_they_are(tmp_path):
    """Labels that are all equal are divided by 1; a task without train labels has mean 0 and standard deviation 1."""
    rows = [f"{smiles},{position},3.5," for position, smiles in enumerate(ALKANES)]
    rows[-1] += "8.0"
    mix = build_tiny(
        tmp_path, table_source("a", "\n".join(["smiles,t,same,rare", *rows, ""]), tmp_path), method="paper"
    )
    target = make_targets(mix, ("a",))[0]
    in_train = mix.scan("a", "train").select("rare").collect()["rare"].count()
    assert target.mean[1:] == (3.5, 8.0 if in_train else 0.0)
    assert target.std[1:] == (1.0, 1.0)


def test_chooses_in_the_order_of_the_mix(chains):
    """All datasets by default; those named come in the mix's order."""
    assert choose_datasets(chains, None, where="-") == DATASETS
    assert choose_datasets(chains, ("groups", "energies"), where="-") == ("energies", "groups")
    with pytest.raises(UsageError, match=r"dataset 'energy' \(did you mean 'energies'\?\); expected datasets of tiny"):
        choose_datasets(chains, ("energy",), where="run x")
