"""README's marked blocks, run as a reader would: in order, in one empty folder."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from molmix_bench.devhub.serve import hub_in_thread

README = (Path(__file__).parent.parent / "README.md").read_text(encoding="utf-8")
BLOCK = re.compile(r"<!-- test: (\w+) -->\n```(console|python)\n(.*?)```", re.DOTALL)
BLOCKS = {name: (form, text) for name, form, text in BLOCK.findall(README)}


def test_blocks_are_marked():
    """The blocks that this file runs are all there."""
    assert list(BLOCKS) == [
        *("data", "training", "python", "hub", "own", "tune", "my_net", "network", "publish", "report", "submit")
    ]


@pytest.mark.slow
@pytest.mark.timeout(1_800)
def test_blocks_run(tmp_path):
    """Every command and program exits with 0; each finds what the ones before it made, and a Hub of its own."""
    environment = os.environ | {"MOLMIX_CACHE": str(tmp_path / "cache"), "HF_HOME": str(tmp_path / "hf")}
    environment["PATH"] = f"{Path(sys.executable).parent}{os.pathsep}{environment['PATH']}"
    with hub_in_thread(tmp_path / "hub") as hub:
        environment |= {"HF_ENDPOINT": hub.url, "HF_HUB_DISABLE_XET": "1", "HF_TOKEN": "hf_molmix"}
        for name in BLOCKS:
            _run(name, tmp_path, environment)


def _run(name, folder, environment):
    """Runs a block; raises with what it said where it fails."""
    form, text = BLOCKS[name]
    script = folder / f"{name}.{'sh' if form == 'console' else 'py'}"
    script.write_text("set -e\n" + re.sub(r"^\$ ", "", text, flags=re.MULTILINE) if form == "console" else text)
    command = ["sh" if form == "console" else sys.executable, str(script)]
    result = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)
    assert result.returncode == 0, f"{name}:\n{result.stdout}\n{result.stderr}"
