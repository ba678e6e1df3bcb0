"""Twenty clients at once, and workers killed at random; `python -m tests.soak leaderboard` kills two hundred."""

from __future__ import annotations

import pytest

from tests.soak.leaderboard import NUM_CLIENTS, soak_leaderboard

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]


def test_killed_workers_lose_and_double_nothing(tmp_path):
    """Twenty kills of workers at work: every ticket ends, nothing is scored twice, ranks are those of scoring here."""
    counted = soak_leaderboard(tmp_path, num=20, seed=0)
    assert counted["kills"] == 20
    assert counted["most attempts at a job"] > 1
    assert counted["submissions"] >= NUM_CLIENTS
    assert set(counted["ends"]) == {"accepted", "refused"}
