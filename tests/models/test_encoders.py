"""Tests of the encoders of atoms, bonds and encodings."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from molmix_bench.graphs.featurize import ATOM_FEATURE_SIZES
from molmix_bench.models.encoders import AtomEncoder, CategoryTable, EncodingEncoder
from molmix_bench.specs.features import FeatureSpec
from tests.models.small import FEATURES, make_batch


def test_category_table_is_a_sum_of_embeddings():
    """A row's embedding is the sum of nn.Embedding's, one table per column, with the same weights."""
    torch.manual_seed(0)
    sizes = (3, 2, 5)
    table = CategoryTable(sizes, 4)
    columns = [nn.Embedding.from_pretrained(part) for part in table.weight.detach().split(sizes)]
    codes = torch.tensor([[2, 1, 4], [0, 0, 0], [1, 1, 3]], dtype=torch.uint8)
    expected = sum(column(codes[:, i].long()) for i, column in enumerate(columns))
    torch.testing.assert_close(table(codes), expected)


def test_category_table_has_unit_variance():
    """The initial embedding's variance is 1, whatever the number of columns."""
    torch.manual_seed(0)
    assert CategoryTable((50,) * 9, 400)(torch.randint(50, (200, 9))).var().item() == pytest.approx(1, abs=0.1)


def test_atoms_are_embedded_as_if_one_by_one():
    """Embedding each distinct atom once gives the same as embedding every atom."""
    torch.manual_seed(0)
    encoder = AtomEncoder(ATOM_FEATURE_SIZES, 8, features=FeatureSpec(rwse=0, laplacian=0), flip_signs=True)
    batch = make_batch(features=FeatureSpec(rwse=0, laplacian=0))
    torch.testing.assert_close(encoder(batch), encoder.categories(batch.x))


def test_signs_flip_by_molecule_and_eigenvector_in_training_only():
    """In training, each eigenvector of each molecule has a random sign, the same for all its atoms."""
    torch.manual_seed(0)
    features = FeatureSpec(rwse=0, laplacian=2)
    batch = make_batch(("CCO", "CC#N"), features=features)
    vectors = batch.encodings["laplacian_vectors"]
    encoder = EncodingEncoder(features, 8, flip_signs=True)
    encoder.laplacian = nn.Identity()
    seen = [encoder(batch)[:, :2] for _ in range(200)]
    assert all(torch.equal(x.abs(), vectors.abs()) for x in seen)
    # The first and last atom of each molecule are non-zero in its first eigenvector, the first in both.
    signs = torch.stack([x.sign() * vectors.sign() for x in seen])
    assert torch.equal(signs[:, [0, 3], 0], signs[:, [2, 5], 0])
    combinations = {tuple(row) for row in signs[:, [0, 3]].flatten(1).tolist()}
    assert len(combinations) == 2 ** (2 * 2)
    assert torch.equal(encoder.eval()(batch)[:, :2], vectors)


def test_signs_stay_where_the_setting_says_so():
    """Without flip_signs, training is deterministic."""
    torch.manual_seed(0)
    encoder = EncodingEncoder(FEATURES, 8, flip_signs=False)
    batch = make_batch()
    assert torch.equal(encoder(batch), encoder(batch))
