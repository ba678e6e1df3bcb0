"""A dev-hub in a thread that this process's client talks to, and two versions of a tiny mix."""

from __future__ import annotations

import shutil
from contextlib import contextmanager

import pytest

from molmix_bench.devhub.serve import hub_in_thread
from molmix_bench.hub.publish import publish
from tests.hub.published import build_version


@pytest.fixture(scope="session")
def versions(tmp_path_factory):
    """Returns versions 1.0.0 and 1.1.0 of a tiny mix."""
    folder = tmp_path_factory.mktemp("versions")
    return build_version(folder, "1.0.0"), build_version(folder, "1.1.0")


@contextmanager
def _running(data, caches):
    """Runs a Hub; the client of this process is user molmix there, with caches of its own."""
    from huggingface_hub import constants

    with pytest.MonkeyPatch.context() as patch, hub_in_thread(data, page_size=5) as running:
        patch.setenv("HF_ENDPOINT", running.url)
        patch.setenv("HF_TOKEN", "hf_molmix")
        patch.setenv("HF_HUB_DISABLE_XET", "1")
        patch.setenv("MOLMIX_CACHE", str(caches / "cache"))
        patch.setattr(constants, "HF_HUB_CACHE", str(caches / "hf"))
        patch.setattr(constants, "HF_HUB_DISABLE_XET", True)
        yield running


@pytest.fixture(scope="session")
def states(versions, tmp_path_factory):
    """Returns the folders of a Hub to which version 1.0.0 was published, and then 1.1.0."""
    folder = tmp_path_factory.mktemp("states")
    for version in versions:
        with _running(folder / "growing", folder):
            publish(version.path, "molmix/tiny", yes=True)
        shutil.copytree(folder / "growing", folder / version.version)
    return folder


@pytest.fixture
def hub(tmp_path):
    """Yields an empty Hub."""
    with _running(tmp_path / "hub", tmp_path) as running:
        yield running


@pytest.fixture
def old_hub(states, tmp_path):
    """Yields a Hub with version 1.0.0 of molmix/tiny."""
    shutil.copytree(states / "1.0.0", tmp_path / "hub")
    with _running(tmp_path / "hub", tmp_path) as running:
        yield running


@pytest.fixture
def published(states, tmp_path):
    """Yields a Hub with both versions of molmix/tiny."""
    shutil.copytree(states / "1.1.0", tmp_path / "hub")
    with _running(tmp_path / "hub", tmp_path) as running:
        yield running
