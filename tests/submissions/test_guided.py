"""Test of the coverage-guided fuzzer for some seconds; `make soak ARGS=fuzz` runs it for ten."""

from __future__ import annotations

import pytest

from tests.soak.fuzz import TARGETS, soak_fuzz


@pytest.mark.slow
@pytest.mark.timeout(1200)
def test_every_input_is_read_or_refused(tmp_path):
    """For each reader of strangers' bytes; coverage grows, so the fuzzer sees what its inputs reach."""
    pytest.importorskip("atheris")
    counted = soak_fuzz(tmp_path, num=15, seed=1)
    assert set(counted) == set(TARGETS)
    first, last = counted["yaml"]["edges, at first and at last"]
    assert first < last
    assert all(found["executions"] > 5 for found in counted.values())
