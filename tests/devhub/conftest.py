"""A dev-hub in a thread, and a client of it."""

from __future__ import annotations

import pytest

from molmix_bench.devhub.serve import hub_in_thread


@pytest.fixture
def hub(tmp_path, monkeypatch):
    """Yields a Hub that cuts its lists into pages of three and objects into parts of 100 kB."""
    from huggingface_hub import constants
    from huggingface_hub.utils import disable_progress_bars

    monkeypatch.setattr(constants, "HF_HUB_DISABLE_XET", True)
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path / "cache"))
    disable_progress_bars()
    with hub_in_thread(tmp_path / "hub", page_size=3, part_bytes=100_000) as running:
        yield running


@pytest.fixture
def api(hub):
    """Returns the real client, as user ann, with one data repository ann/x."""
    from huggingface_hub import HfApi

    client = HfApi(endpoint=hub.url, token="hf_ann")
    client.create_repo("ann/x", repo_type="dataset")
    return client
