"""The engine `ray`: pieces run as Ray tasks on the nodes of a cluster.

Ray schedules, starts a piece anew when its worker or node is lost, and kills a worker before a node runs out of
memory. Pieces hand each other files, so every node must see the working folder and the raw files under the same paths:
this is checked before the first piece, as is that every node has the versions that the bytes depend on.
"""

from __future__ import annotations

import importlib
import os
import socket
import time
import uuid
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from molmix_bench.atomic import write_text
from molmix_bench.build.engine import CONTINUES, Task, explained, name_largest, say_where
from molmix_bench.build.plan import versions
from molmix_bench.errors import BuildError, MolmixError
from molmix_bench.extras import require_ray
from molmix_bench.parallel import ONE_THREAD, calm_arrow

_RETRIES = 3
"""How often Ray starts a piece anew whose worker or node was lost."""
_CONNECT_S = 10.0
_PROBE_S = 120.0
"""A worker's first start, imports included, on a slow shared disk."""
_LOOK_S = 5.0
"""How often to look whether a node is left to run anything."""
_PATIENCE_S = 60.0
"""How long a cluster may be without any node that runs pieces, as when a lost one is being replaced."""
_TOKEN = "token"  # noqa: S105 - a file's name, no secret
_AHEAD = 2
"""Pieces handed to Ray, per core: the next one is there when a core falls free."""


@dataclass(frozen=True, slots=True)
class _Seen:
    """What a node says of itself."""

    machine: str
    missing: tuple[str, ...]
    versions: dict[str, str]


class RayEngine:
    """Runs pieces on a Ray cluster, each on one core.

    Args:
        address: of the cluster's head, `host:port`, or `auto`; None for the cluster that this process is connected to,
            or the one that this machine is part of, or else one of this machine alone.

    Raises:
        MissingExtraError: Ray is not installed.
    """

    def __init__(self, address: str | None = None) -> None:
        require_ray()
        self._address = address
        # By name: the package is optional, and heavy.
        self._ray = importlib.import_module("ray")
        self._connected = False
        self._token: tuple[Path, str] | None = None

    def prepare(self, work: Path, files: Sequence[Path]) -> None:
        """Connects, and asks every node whether it has the working folder, the raw files and the same versions.

        Raises:
            BuildError: the cluster cannot be reached, or a node lacks something.
        """
        self._connect()
        token = (work / _TOKEN, uuid.uuid4().hex)
        write_text(*token)
        paths = [path.absolute() for path in files]
        asked: set[str] = set()
        deadline = time.monotonic() + _PROBE_S
        while unasked := [node for node in self._nodes() if node["NodeID"] not in asked]:
            for node in unasked:
                seen = self._probe(node, token, paths, patience_s=deadline - time.monotonic())
                if seen is not None:
                    _check_node(seen, work)
                    asked.add(node["NodeID"])
        if not asked:
            raise BuildError(self._name(), found="no node with a core to run anything", fix="start one: ray start")
        self._token = token

    def execute(self, step: str, tasks: Sequence[Task]) -> Iterator[tuple[Task, Any]]:
        """Yields each piece with its value as it finishes; the largest pieces start first."""
        options = {"num_cpus": 1, "max_retries": _RETRIES, "scheduling_strategy": "SPREAD"}
        remote = self._ray.remote(_run_piece).options(**options)
        waiting = deque(sorted(tasks, key=lambda task: -task.size))
        running: dict[Any, Task] = {}
        alive = time.monotonic()
        try:
            while waiting or running:
                while waiting and len(running) < self._window():
                    task = waiting.popleft()
                    running[remote.remote(step, task.name, task.call, self._token)] = task
                done, _ = self._ray.wait(list(running), timeout=_LOOK_S)
                if done or self._nodes():
                    alive = time.monotonic()
                elif time.monotonic() - alive > _PATIENCE_S:
                    found = "no node left that runs anything"
                    raise BuildError(f"build step {step}", found=found, fix=f"start nodes; {CONTINUES}")
                for ref in done:
                    task = running.pop(ref)
                    yield task, self._value(step, task, ref, largest=name_largest(step, tasks))
        finally:
            for ref in running:
                self._ray.cancel(ref, force=True)

    def close(self) -> None:
        """Leaves the cluster, if this engine had joined it."""
        if self._connected:
            self._ray.shutdown()
            self._connected = False

    def _probe(
        self, node: dict[str, Any], token: tuple[Path, str], files: Sequence[Path], *, patience_s: float
    ) -> _Seen | None:
        """Returns what a node says of itself; None of one that was lost, and is listed for a moment longer."""
        strategy = importlib.import_module("ray.util.scheduling_strategies").NodeAffinitySchedulingStrategy
        options = {"num_cpus": 1, "scheduling_strategy": strategy(node["NodeID"], soft=False), "max_retries": 0}
        ref = self._ray.remote(_probe).options(**options).remote(token, files)
        try:
            seen: _Seen = self._ray.get(ref, timeout=max(1.0, patience_s))
        except self._errors.RayError as error:
            lost = (self._errors.TaskUnschedulableError, self._errors.NodeDiedError, self._errors.WorkerCrashedError)
            if isinstance(error, lost) and patience_s > 0:
                time.sleep(1)
                return None
            detail = f"{type(error).__name__}: {_first_line(error)}"
            raise BuildError(
                self._name(),
                found=f"node {node['NodeManagerAddress']} does not answer ({detail})",
                fix="molmix-bench must be installed on every node; see `ray status` and the logs of its raylet",
            ) from None
        return seen

    @property
    def _errors(self) -> Any:
        return importlib.import_module("ray.exceptions")

    def _name(self) -> str:
        return f"engine ray, --address {self._address}" if self._address else "engine ray"

    def _connect(self) -> None:
        if self._ray.is_initialized():
            return
        if self._address is not None:
            _knock(self._address, self._name())
        # Ray reports usage to its makers unless told not to.
        os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
        try:
            self._ray.init(address=self._address, log_to_driver=False, runtime_env={"env_vars": ONE_THREAD})
        except (ConnectionError, RuntimeError, ValueError, TimeoutError) as error:
            raise BuildError(
                self._name(),
                found=f"no cluster there ({_first_line(error)})",
                expected="the host:port of a Ray head of the same version",
                fix=f"look at `ray status` there; {CONTINUES}",
            ) from None
        self._connected = True

    def _nodes(self) -> list[dict[str, Any]]:
        return [node for node in self._ray.nodes() if node["Alive"] and node["Resources"].get("CPU", 0) >= 1]

    def _window(self) -> int:
        return max(_AHEAD, int(_AHEAD * sum(node["Resources"]["CPU"] for node in self._nodes())))

    def _value(self, step: str, task: Task, ref: Any, *, largest: str) -> Any:
        errors = self._errors
        try:
            return self._ray.get(ref)
        except errors.RayTaskError as error:
            if isinstance(error.cause, MolmixError):
                raise error.cause from None
            raise
        except errors.OutOfMemoryError:
            raise BuildError(
                say_where(step, task),
                found=f"its worker was killed for want of memory, {_RETRIES + 1} times{largest}",
                fix=f"use nodes with more memory for each of their cores (ray start --num-cpus); {CONTINUES}",
            ) from None
        except errors.RayError as error:
            detail = f"{type(error).__name__}: {_first_line(error)}"
            raise BuildError(
                say_where(step, task),
                found=f"lost with its worker or node, {_RETRIES + 1} times ({detail}){largest}",
                fix=f"see `ray status`; a worker is often killed for want of memory; {CONTINUES}",
            ) from None


def _first_line(error: Exception) -> str:
    return (str(error).strip().splitlines() or [""])[0][:300]


def _knock(address: str, name: str) -> None:
    """Raises where nothing listens at `host:port`: Ray itself would try for minutes."""
    host, _, port = address.removeprefix("ray://").rpartition(":")
    if address == "auto" or not port.isdigit():
        return
    try:
        socket.create_connection((host.strip("[]"), int(port)), timeout=_CONNECT_S).close()
    except OSError as error:
        raise BuildError(
            name,
            found=f"no connection ({error.strerror or error})",
            expected="the host:port of a Ray head",
            fix=f"start it there (ray start --head), or open the way to it; {CONTINUES}",
        ) from None


def _check_node(seen: _Seen, work: Path) -> None:
    if seen.missing:
        more = f" and {len(seen.missing) - 1:,} more" if len(seen.missing) > 1 else ""
        raise BuildError(
            f"node {seen.machine}",
            found=f"it does not see {seen.missing[0]}{more}",
            expected=f"raw files, and the working folder {work}, under the same paths on all nodes",
            fix="put --out, --raw and, for what is downloaded, MOLMIX_CACHE on a disk that all nodes share (as NFS)",
        )
    here = versions()
    if other := {key: value for key, value in seen.versions.items() if here.get(key) != value}:
        raise BuildError(
            f"node {seen.machine}",
            found=", ".join(f"{key} {value}" for key, value in other.items()),
            expected=", ".join(f"{key} {here.get(key)}" for key in other) + ", as here: bytes depend on them",
            fix="install the same versions on every node",
        )


def _probe(token: tuple[Path, str], files: Sequence[Path]) -> _Seen:
    """Runs on a node: returns what it does not see, and its versions."""
    missing = [str(path) for path in files if not path.is_file()]
    if not _sees(token):
        missing.insert(0, str(token[0].parent))
    return _Seen(_machine(), tuple(missing), versions())


def _run_piece(step: str, name: str, call: Callable[[], Any], token: tuple[Path, str]) -> Any:
    """Runs on a node: returns the value of a piece."""
    calm_arrow()
    machine = _machine()
    task = Task(name, call)
    if not _sees(token):  # a node that joined later
        where = f"{say_where(step, task)} on node {machine}"
        found = f"it does not see the working folder {token[0].parent}"
        raise BuildError(where, found=found, fix=f"share the folder with that node, or remove it; {CONTINUES}")
    with explained(step, task, machine=machine):
        return call()


def _sees(token: tuple[Path, str]) -> bool:
    path, text = token
    return path.is_file() and path.read_text(encoding="utf-8") == text


def _machine() -> str:
    return f"{socket.gethostname()} ({importlib.import_module('ray').util.get_node_ip_address()})"
