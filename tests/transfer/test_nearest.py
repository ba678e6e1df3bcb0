"""Tests of the nearest training molecule, against RDKit's own similarities."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from rdkit import Chem, DataStructs
from rdkit.Chem import rdFingerprintGenerator

from molmix_bench.errors import RunError
from molmix_bench.transfer.nearest import Neighbours, read_neighbours
from tests.transfer.small import MOLECULES

_GENERATOR = rdFingerprintGenerator.GetMorganGenerator(radius=2, fpSize=2048, includeChirality=True)


def _by_rdkit(queries, known):
    prints = [_GENERATOR.GetFingerprint(Chem.MolFromSmiles(text)) for text in known]
    return [
        max(DataStructs.BulkTanimotoSimilarity(_GENERATOR.GetFingerprint(Chem.MolFromSmiles(text)), prints))
        for text in queries
    ]


@given(
    st.lists(st.sampled_from(MOLECULES), min_size=1, max_size=12, unique=True),
    st.lists(st.sampled_from([*MOLECULES, "[Na+].[Cl-]", "C[C@H](N)C(=O)O", "FC(F)F"]), min_size=1, max_size=5),
)
def test_similarities_are_those_of_rdkit(known, queries):
    """The search that skips what cannot be nearer finds what comparing with all finds."""
    found = Neighbours.of_smiles(known).nearest(queries)
    assert found.tolist() == pytest.approx(_by_rdkit(queries, known), abs=1e-6)


def test_the_usual_similarity():
    """Each molecule is compared with the others, not with itself: the 5 % quantile of what RDKit gives for that."""
    known = list(MOLECULES[:20])
    expected = [_by_rdkit([text], [other for other in known if other != text])[0] for text in known]
    assert Neighbours.of_smiles(known).usual() == pytest.approx(np.quantile(expected, 0.05))


def test_order_does_not_matter(tmp_path):
    """Whatever the order of the known molecules, and read from a file, the answers are the same."""
    one = Neighbours.of_smiles(MOLECULES)
    Neighbours.of_smiles(MOLECULES[::-1]).write(tmp_path / "n.npy")
    other = read_neighbours(tmp_path / "n.npy")
    queries = ["CCCCCN", "Cc1ccccc1O"]
    assert one.nearest(queries).tolist() == other.nearest(queries).tolist()
    assert one.usual() == other.usual()


def test_nobody_is_near_to_nothing():
    """Without known molecules, nothing is similar."""
    assert Neighbours.of_smiles([]).nearest(["CC"]).tolist() == [0.0]


def test_a_damaged_file(tmp_path):
    """It is named."""
    (tmp_path / "n.npy").write_bytes(b"nothing")
    with pytest.raises(RunError, match="no readable fingerprints"):
        read_neighbours(tmp_path / "n.npy")
