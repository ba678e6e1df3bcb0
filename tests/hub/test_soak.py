"""Test of the promise that publishing keeps under faults at random points; `make soak` runs twenty times as many."""

from __future__ import annotations

import pytest

from tests.soak.publish import FAULTS, soak_publish


@pytest.mark.slow
@pytest.mark.timeout(1200)
def test_broken_publications(tmp_path):
    """A publication for each fault, broken once: main is always whole, the end is clean, nothing is uploaded twice."""
    counted = soak_publish(tmp_path, num=len(FAULTS), seed=1000)
    assert counted["faults"] == dict.fromkeys(FAULTS, 1)
    assert counted["struck"] >= len(FAULTS) - 2
