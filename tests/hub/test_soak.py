"""Test of the promise that publishing keeps under random faults; `make soak` runs ten times as many."""

from __future__ import annotations

import pytest

from tests.soak.publish import soak_publish


@pytest.mark.slow
@pytest.mark.timeout(1200)
def test_broken_publications(tmp_path):
    """Twenty publications, each broken once: main is always whole, the end is clean, nothing is uploaded twice."""
    counted = soak_publish(tmp_path, num=20, seed=1000)
    assert counted["trials"] == 20
    assert counted["struck"] >= 15
