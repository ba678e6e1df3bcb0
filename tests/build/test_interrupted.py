"""Tests of builds that are killed or run out of disk: nothing half-written counts, and the same command goes on."""

from __future__ import annotations

import os
import signal

import pytest

from molmix_bench.build.engine import Runner, Task, name_largest
from molmix_bench.build.local import LocalEngine
from molmix_bench.build.plan import Layout
from molmix_bench.build.run import build
from molmix_bench.build.whole import keep_only, save_array, written_apart
from molmix_bench.errors import BuildError
from tests.build.interrupt import PIECES, build_in_child, contents, kill_after
from tests.build.tiny import ALKANES, mix_spec, numbered, table_source


@pytest.mark.slow
def test_killed_and_continued(undisturbed, tmp_path):
    """A build killed with all its workers, twice, leaves no mix; continued, it has the bytes of one never killed."""
    raw, spec, whole = undisturbed
    out = tmp_path / "cut"
    for pieces in (9, 30):
        assert kill_after(build_in_child(raw, out), out, pieces)
        assert not out.exists()
    assert contents(build(spec, out, raw=[raw], layout=PIECES).path) == whole
    assert not out.with_name("cut.building").exists()


@pytest.mark.slow
def test_no_room_for_a_file(undisturbed, tmp_path):
    """Without room the build ends with a message that names piece and cause; with room again it continues."""
    raw, spec, whole = undisturbed
    out = tmp_path / "mix"
    child = build_in_child(raw, out, limit=9_000)
    _, text = child.communicate(timeout=240)
    assert child.returncode == 1
    assert "File too large; mend that; the same command continues from here" in text
    assert "build step" in text
    assert not out.exists()
    assert not list(out.with_name("mix.building").rglob("*.part"))
    assert contents(build(spec, out, raw=[raw], layout=PIECES).path) == whole


def test_worker_killed(tmp_path):
    """A worker that is killed ends the build with the likely cause and the largest piece; finished pieces stay done."""
    tasks = [*(Task(f"t{n}", _one, 1) for n in range(9)), Task("huge", _die, 100)]
    engine = LocalEngine(workers=2)
    runner = Runner(tmp_path, engine)
    with pytest.raises(BuildError, match=r"for want of memory; piece huge of try is 9.2 times the mean of its step"):
        runner.run("try", tasks, unit="piece")
    engine.close()
    assert not (tmp_path / "done" / "try" / "huge.json").exists()
    again = LocalEngine(workers=2)
    assert Runner(tmp_path, again).run("try", tasks[:9], unit="piece") == [1] * 9
    again.close()


class _SizesEngine(LocalEngine):
    """The local engine, which remembers the sizes of what it merged."""

    def execute(self, step, tasks):
        """Yields as the local engine does."""
        if step == "merge":
            self.merged = list(tasks)
        yield from super().execute(step, tasks)


def test_partition_far_larger_than_the_rest(tmp_path):
    """Rows of one molecule cannot be parted: the sizes say so beforehand, to the row, and the bytes are the same."""
    spec = mix_spec(table_source("one", numbered([*ALKANES, *["CCO"] * 300]), tmp_path))
    engine = _SizesEngine(workers=1)
    skewed = build(spec, tmp_path / "a", raw=[tmp_path], layout=Layout(rows_per_partition=20), engine=engine)
    sizes = sorted(task.size - 1 for task in engine.merged)
    assert sum(sizes) == 340
    assert sizes[-1] >= 300
    assert sizes[-2] < 20
    assert "times the mean of its step" in name_largest("merge", engine.merged)
    assert contents(skewed.path) == contents(build(spec, tmp_path / "b", raw=[tmp_path]).path)


def _write_and_fail(part):
    part.write_text("ha")
    part.parent.write_text("no file")


def _one():
    return 1


def _die():
    os.kill(os.getpid(), signal.SIGKILL)


def test_two_writers_of_one_file(tmp_path):
    """Two writers at once, as when a lost node wakes, leave one whole file; a failed one leaves nothing."""
    path = tmp_path / "x" / "file"
    with written_apart(path) as one, written_apart(path) as two:
        assert one != two
        one.write_text("whole")
        two.write_text("whole")
    assert [file.name for file in path.parent.iterdir()] == ["file"]
    with pytest.raises(IsADirectoryError), written_apart(path) as part:
        _write_and_fail(part)
    assert path.read_text() == "whole"
    assert [file.name for file in path.parent.iterdir()] == ["file"]


def test_leftovers_do_not_enter_a_mix(tmp_path):
    """What killed writers left behind is deleted; a file that should be there and is not is an error."""
    import numpy as np

    save_array(tmp_path / "a" / "x.npy", np.arange(3))
    (tmp_path / "a" / "x.npy.123.part").write_text("half")
    keep_only(tmp_path, ["a/x.npy"])
    assert [file.name for file in (tmp_path / "a").iterdir()] == ["x.npy"]
    with pytest.raises(FileNotFoundError):
        keep_only(tmp_path, ["a/y.npy"])
