"""The mix whose builds are killed, and what one has that was not."""

from __future__ import annotations

import pytest

from molmix_bench.build.run import build
from tests.build.interrupt import PIECES, contents, kill_spec


@pytest.fixture(scope="session")
def undisturbed(tmp_path_factory):
    """Returns the folder of the raw files of `kill_spec`, its spec, and all files of a build that nothing disturbed."""
    folder = tmp_path_factory.mktemp("undisturbed")
    spec = kill_spec(folder)
    return folder, spec, contents(build(spec, folder / "mix", raw=[folder], layout=PIECES).path)
