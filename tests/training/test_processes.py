"""Tests of training by several processes."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest
import torch

from molmix_bench.errors import RunError
from molmix_bench.specs.base import validate_spec
from molmix_bench.specs.run import RunSpec
from molmix_bench.training.run import run
from tests.training.small import run_spec

# What is drawn at random would differ between processes, and batch norms see their own share of a batch.
EXACT = {"model__dropout": 0.0, "model__flip_signs": False, "model__norm": "layer", "features__rwse": 0}


def _records(path):
    return [json.loads(line) for line in (path / "seed=0/metrics.jsonl").read_text().splitlines()]


def _is_compared(path):
    """Whether a file's name is the same for equal runs: not with the best epoch in it, nor with TensorBoard's times."""
    return "best" not in path.name and "events.out" not in path.name


@pytest.mark.slow
def test_two_processes_train_as_one_with_twice_the_batch(chains, tmp_path):
    """Losses and validation metrics of every epoch are those of one process, to float32's digits; so are the files."""
    size = chains.splits["train"]
    # What remains after pairs of batches is more than one batch, so that it is one of each process and none left out.
    batch = next(batch for batch in range(4, size) if size % (2 * batch) > batch)
    one = run(run_spec(training__batch_size=2 * batch, training__epochs=3, **EXACT), chains, tmp_path / "one")
    spec = run_spec(training__batch_size=batch, training__epochs=3, **EXACT)
    two = run(spec, chains, tmp_path / "two", accelerator="cpu", devices=2)
    records = [_records(done.path) for done in (one, two)]
    assert [len(found) for found in records] == [3, 3]
    for ours, theirs in zip(*records, strict=True):
        assert ours["losses"] == pytest.approx(theirs["losses"], rel=1e-4)
        for dataset, metrics in ours["validation"].items():
            assert metrics == pytest.approx(theirs["validation"][dataset], rel=1e-3, abs=1e-4)
    assert {p.relative_to(one.path) for p in one.path.rglob("*") if _is_compared(p)} == {
        p.relative_to(two.path) for p in two.path.rglob("*") if _is_compared(p)
    }


@pytest.mark.slow
def test_an_error_of_all_processes_comes_back_whole(chains, tmp_path):
    """A loss that is not finite stops every process, and the error says where, as with one."""
    spec = run_spec(training__epochs=2, training__optimizer__learning_rate=1e36, **EXACT)
    with pytest.raises(RunError, match=r"epoch \d, batch \d+ of \d+: a loss that is not finite"):
        run(spec, chains, tmp_path, accelerator="cpu", devices=2)


class Hungry(torch.nn.Module):
    """A network that lacks memory in one of two processes."""

    def __init__(self) -> None:
        super().__init__()
        self.linear = torch.nn.Linear(9, 4)

    def forward(self, batch):
        """Returns (N, 4), but in the training of the second process."""
        if torch.is_grad_enabled() and torch.distributed.is_initialized() and torch.distributed.get_rank() == 1:
            raise torch.OutOfMemoryError("CUDA out of memory.")
        return self.linear(batch.x.float())


@pytest.mark.slow
def test_an_error_of_one_process_is_the_one_told(chains, tmp_path):
    """The other, which waits for it in vain, ends otherwise, and that is not what anyone has to know."""
    data = run_spec(training__epochs=1).model_dump(mode="json")
    data["model"] = {"import": "tests.training.test_processes:Hungry", "head": {"width": 4}}
    spec = validate_spec(RunSpec, data, where="test")
    with pytest.raises(RunError, match=r"epoch 1, batch 1 of \d+: too little memory for a batch of 7 molecules"):
        run(spec, chains, tmp_path, accelerator="cpu", devices=2)


@pytest.mark.slow
def test_fewer_batches_than_processes(chains, tmp_path):
    """Where not every process would have a batch, there is nothing to train on, and the error says what to change."""
    spec = run_spec(training__batch_size=1_000, training__epochs=1, **EXACT)
    with pytest.raises(RunError, match=r"fewer batches than the 2 processes .*lower training\.batch_size"):
        run(spec, chains, tmp_path, accelerator="cpu", devices=2)


LEAVES = """
import pathlib
import torch.distributed
from molmix_bench.training.processes import _leave_group

def threads():
    return {path.read_text().strip() for path in pathlib.Path("/proc/self/task").glob("*/comm")}

torch.distributed.init_process_group("gloo", init_method="file://{PATH}", rank=0, world_size=1)
module = torch.nn.parallel.DistributedDataParallel(torch.nn.Linear(2, 1))
module(torch.ones(1, 2)).sum().backward()
own = {name for name in threads() if "gloo" in name}
del module
_leave_group()
print(len(own), own & threads())
"""


@pytest.mark.skipif(sys.platform != "linux", reason="names of threads are read from /proc")
def test_no_thread_of_the_group_is_left_when_a_process_ends(tmp_path):
    """One that still held a tensor while Python shut down would abort a process that had done its work."""
    code = LEAVES.replace("{PATH}", str(tmp_path / "group"))
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=120)
    count, left = done.stdout.split(maxsplit=1)
    assert (int(count) > 0, left.strip()) == (True, "set()")
