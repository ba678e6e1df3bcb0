"""Settings that all tests share."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import settings

# Where tests run side by side, each has its share of the cores, and so have the processes that it starts. With more
# threads than free cores each operation waits for a thread that does not run: on two busy cores a training step of a
# network of two layers takes 100 ms of the processor's time with two threads, 0.1 ms with one.
if "PYTEST_XDIST_WORKER_COUNT" in os.environ:
    share = (os.cpu_count() or 1) // int(os.environ["PYTEST_XDIST_WORKER_COUNT"])
    os.environ.setdefault("OMP_NUM_THREADS", str(max(1, share)))

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
