"""Test of the promise that publishing keeps under faults at random points; `make soak` runs ten times as many."""

from __future__ import annotations

import pytest

from tests.soak.publish import FAULTS, soak_publish


@pytest.mark.slow
@pytest.mark.timeout(1200)
def test_broken_publications(tmp_path):
    """Twenty publications, each fault in turn, broken once: main is always whole, nothing is uploaded twice."""
    counted = soak_publish(tmp_path, num=20, seed=1000)
    assert counted["trials"] == 20
    assert set(counted["faults"]) == set(FAULTS)
    assert counted["struck"] >= 15
