"""Settings that all tests share."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import settings

# The first call of a compiled kernel takes seconds, any later one microseconds: a deadline would measure the compiler.
# Where CI is set, the examples are the same in every run: what is red is red because of the change.
settings.register_profile("molmix", deadline=None, derandomize="CI" in os.environ)
settings.load_profile("molmix")


RAW = Path(__file__).parent.parent / "../shared/data/raw"


@pytest.fixture(scope="session")
def raw_data():
    """Returns the folder of real files that lie outside the project; skips where it is absent."""
    if not RAW.is_dir():
        pytest.skip(f"no real data at {RAW}")
    return RAW.resolve()


@pytest.fixture(scope="session")
def toymix(raw_data, tmp_path_factory):
    """Returns ToyMix, built once from the real files at hand."""
    from molmix_bench.build.run import build
    from molmix_bench.specs.catalog import load_mix_spec

    out = tmp_path_factory.mktemp("toymix") / "toymix"
    return build(load_mix_spec("toymix"), out, raw=[raw_data / "toymix"], workers=2)
