"""Tests of the engine `ray` on a real cluster of two nodes on this machine."""

from __future__ import annotations

import os
import resource
import shutil
import signal
import subprocess
import time
from pathlib import Path

import pytest

pytest.importorskip("ray")

import ray

from molmix_bench.build.cluster import RayEngine
from molmix_bench.build.engine import Runner, Task
from molmix_bench.build.run import build
from molmix_bench.errors import BuildError, MissingExtraError
from tests.build.interrupt import PIECES, NodeKiller, build_in_child, contents, kill_after

# Ray leaves sockets and processes for the interpreter's end to close, and asks for warnings of its own.
pytestmark = [
    pytest.mark.filterwarnings("ignore::ResourceWarning"),
    pytest.mark.filterwarnings("ignore::FutureWarning"),
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),
]
_STORE_BYTES = 80 << 20


@pytest.fixture(scope="module")
def cluster():
    """Returns a running cluster: a head that runs one piece at a time; tests add a second node."""
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    from ray.cluster_utils import Cluster

    running = Cluster(initialize_head=True, head_node_args={"num_cpus": 1, "object_store_memory": _STORE_BYTES})
    yield running
    ray.shutdown()
    running.shutdown()


@pytest.fixture
def node(cluster):
    """Returns a second node, which a test may kill."""
    added = cluster.add_node(num_cpus=1, object_store_memory=_STORE_BYTES)
    yield added
    if added in cluster.list_all_nodes():
        cluster.remove_node(added, allow_graceful=False)


@pytest.fixture
def engine(cluster):
    """Returns an engine on the cluster, closed at the end."""
    opened = RayEngine(cluster.address)
    yield opened
    opened.close()


@pytest.mark.slow
def test_same_bytes_as_local_with_a_node_killed(cluster, node, undisturbed, tmp_path):
    """On two nodes, one killed in the middle, the build goes on by itself and has the bytes of a local one."""
    raw, spec, local = undisturbed
    out = tmp_path / "ray"
    killer = NodeKiller(cluster, node, out, pieces=14)
    killer.start()
    mix = build(spec, out, raw=[raw], layout=PIECES, engine=RayEngine(cluster.address))
    killer.join()
    # In the middle indeed: pieces were done, and the folder that counts them was still there.
    assert killer.done_then >= 14
    assert contents(mix.path) == local


@pytest.mark.slow
def test_local_build_continues_on_a_cluster(cluster, undisturbed, tmp_path):
    """What one engine began another one finishes, with the same bytes: the working folder knows no engine."""
    raw, spec, whole = undisturbed
    out = tmp_path / "mix"
    assert kill_after(build_in_child(raw, out), out, 12)
    mix = build(spec, out, raw=[raw], layout=PIECES, engine=RayEngine(cluster.address))
    assert contents(mix.path) == whole


@pytest.mark.slow
def test_workers_killed(engine, tmp_path):
    """A worker killed once is replaced in silence; a piece that kills every worker is an error that says so."""
    engine.prepare(tmp_path, [])
    died = tmp_path / "died"

    def die_once():
        if not died.exists():
            died.write_text("")
            os.kill(os.getpid(), signal.SIGKILL)
        return "lives"

    runner = Runner(tmp_path, engine)
    assert runner.run("once", [Task("a", die_once), Task("b", _two)], unit="piece") == ["lives", 2]
    with pytest.raises(
        BuildError, match=r"piece b: lost with its worker or node, 4 times .*the same command continues"
    ):
        runner.run("always", [Task("b", _make_deadly())], unit="piece")


def _two():
    return 2


def _make_deadly():
    def die():
        os.kill(os.getpid(), signal.SIGKILL)

    return die


@pytest.mark.slow
def test_no_room_on_one_node(cluster, node, engine, tmp_path):
    """A node that cannot write ends the build with its name; what others finished stays done, and it continues."""
    raylet = next(item for item in node.all_processes["raylet"]).process.pid
    # Workers inherit it; the node's own logs stay well below.
    resource.prlimit(raylet, resource.RLIMIT_FSIZE, (1 << 20, resource.RLIM_INFINITY))
    engine.prepare(tmp_path, [])
    tasks = [Task(f"{number}", _make_writer(tmp_path / str(number))) for number in range(8)]
    runner = Runner(tmp_path, engine)
    with pytest.raises(BuildError, match=r"piece \d on node .*: File too large; mend that; the same command continues"):
        runner.run("write", tasks, unit="piece")
    # Writers that were stopped on the way may leave a `.part`; what bears its name is whole.
    assert {path.stat().st_size for path in tmp_path.iterdir() if path.name.isdigit()} <= {2 << 20}
    resource.prlimit(raylet, resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
    cluster.remove_node(node, allow_graceful=False)
    assert runner.run("write", tasks, unit="piece") == [2 << 20] * 8


def _make_writer(path):
    def write():
        from molmix_bench.build.whole import written_apart

        time.sleep(0.3)  # long enough for both nodes to have some
        with written_apart(path) as part:
            part.write_bytes(b"x" * (2 << 20))
        return path.stat().st_size

    return write


@pytest.mark.slow
@pytest.mark.skipif(os.geteuid() != 0 or not shutil.which("unshare"), reason="needs mount namespaces")
def test_node_without_the_shared_folder(cluster, engine, tmp_path):
    """A node that sees another folder under the same path is refused before the first piece, by name."""
    shared = tmp_path / "shared"
    shared.mkdir()
    (shared / "raw.csv").write_text("smiles\nC\n")
    start = f"mount -t tmpfs tmpfs {shared} && exec {Path(ray.__file__).parent}/../../../../bin/ray start --block"
    options = f"--address={cluster.address} --num-cpus=1 --object-store-memory={_STORE_BYTES} --disable-usage-stats"
    command = ["unshare", "-m", "bash", "-c", f"{start} {options}"]
    blind = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True)
    try:
        ray.init(cluster.address, log_to_driver=False)
        deadline = time.monotonic() + 120
        while sum(item["Alive"] for item in ray.nodes()) < 2 and time.monotonic() < deadline:
            time.sleep(0.5)
        ray.shutdown()
        with pytest.raises(
            BuildError, match=r"node .*: found it does not see .*shared and 1 more; .*on a disk that all"
        ):
            engine.prepare(shared, [shared / "raw.csv"])
    finally:
        os.killpg(blind.pid, signal.SIGTERM)
        blind.wait(timeout=60)


def test_unreachable_address(tmp_path):
    """An address where nothing listens is refused in seconds, with what to do."""
    engine = RayEngine("127.0.0.1:9")
    with pytest.raises(
        BuildError, match=r"engine ray, --address 127.0.0.1:9: found no connection \(Connection refused\)"
    ):
        engine.prepare(tmp_path, [])


def test_ray_is_not_installed(monkeypatch):
    """Without Ray the error names the extra."""
    monkeypatch.setattr("molmix_bench.extras.find_spec", lambda _name: None)
    with pytest.raises(MissingExtraError, match=r'pip install "molmix-bench\[ray\]"'):
        RayEngine()


@pytest.mark.slow
def test_node_lost_just_before(cluster, undisturbed, tmp_path):
    """A node that died a moment ago, and that the cluster still lists, does not keep the others from building."""
    raw, spec, _ = undisturbed
    added = cluster.add_node(num_cpus=1, object_store_memory=_STORE_BYTES)
    cluster.remove_node(added, allow_graceful=False)
    assert build(spec, tmp_path / "mix", raw=[raw], layout=PIECES, engine=RayEngine(cluster.address)).splits
