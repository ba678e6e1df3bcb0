"""What a cell costs: processor time always, energy where the machine lets it be read."""

from __future__ import annotations

import ctypes
import json
import os
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path

POWERCAP = Path("/sys/class/powercap")
"""Where Linux shows the counters of Intel's and AMD's processors (RAPL)."""
_PERIOD = 20.0
"""Seconds from one reading to the next: counters begin again at 0 after some minutes."""
_PIECES_FILE = "pieces.jsonl"
_MICRO, _MILLI = 1e-6, 1e-3


@dataclass(frozen=True, slots=True)
class Cost:
    """Of all pieces in which a cell was done.

    Attributes:
        cpu_seconds: of this process and those that it started; None where a piece was killed before it could say.
        wall_seconds: likewise.
        energy_joules: of the processors and GPUs of the whole machine; None where they do not let it be read.
        energy_source: what was read, or why nothing was.
    """

    cpu_seconds: float | None
    wall_seconds: float | None
    energy_joules: float | None
    energy_source: str


class EnergyMeter:
    """The counters of energy of this machine.

    Args:
        powercap: the folder of the processors' counters.
        gpu: whether to ask NVIDIA's library for those of GPUs.
    """

    def __init__(self, powercap: Path = POWERCAP, *, gpu: bool = True) -> None:
        # Subzones, `intel-rapl:0:0`, are parts of what their zone counts.
        zones = sorted(powercap.glob("*-rapl:[0-9]*")) if powercap.is_dir() else []
        self._zones = [zone for zone in zones if zone.name.count(":") == 1 and _read(zone / "energy_uj") is not None]
        self._gpus = _Gpus() if gpu else None
        self._last: dict[Path, int] = {}
        self._joules = 0.0
        self._first_gpu = 0.0

    @property
    def source(self) -> str:
        """What is read; a sentence that says so where nothing can be."""
        parts = [f"RAPL, {len(self._zones)} processor packages"] if self._zones else []
        if self._gpus is not None and self._gpus.count:
            parts.append(f"NVML, {self._gpus.count} GPUs")
        return ", ".join(parts) or "not measurable here: neither RAPL nor NVML can be read"

    @property
    def is_there(self) -> bool:
        """Whether anything can be read."""
        return bool(self._zones) or (self._gpus is not None and self._gpus.count > 0)

    def begin(self) -> None:
        """Starts counting."""
        self._joules = 0.0
        self._last = {zone: _read(zone / "energy_uj") or 0 for zone in self._zones}
        self._first_gpu = 0.0 if self._gpus is None else self._gpus.joules()

    def update(self) -> None:
        """Adds what was used since the last call; to be called before a counter begins again."""
        for zone, last in self._last.items():
            now = _read(zone / "energy_uj")
            if now is not None:
                whole = (_read(zone / "max_energy_range_uj") or 0) if now < last else 0
                self._joules += (now - last + whole) * _MICRO
                self._last[zone] = now

    def joules(self) -> float | None:
        """Returns the energy used since `begin`; None where it cannot be read."""
        if not self.is_there:
            return None
        self.update()
        return self._joules + (0.0 if self._gpus is None else self._gpus.joules() - self._first_gpu)


class _Gpus:
    """NVIDIA's management library, asked by its own interface: no package is needed for two of its functions."""

    def __init__(self) -> None:
        self._handles: list[ctypes.c_void_p] = []
        try:
            self._library = ctypes.CDLL("libnvidia-ml.so.1")
        except OSError:
            return  # No driver, no GPU of theirs.
        count = ctypes.c_uint()
        if self._library.nvmlInit_v2() or self._library.nvmlDeviceGetCount_v2(ctypes.byref(count)):
            return
        for place in range(count.value):
            handle = ctypes.c_void_p()
            if not self._library.nvmlDeviceGetHandleByIndex_v2(place, ctypes.byref(handle)):
                self._handles.append(handle)
        self._handles = [handle for handle in self._handles if self._millijoules(handle) is not None]

    @property
    def count(self) -> int:
        return len(self._handles)

    def joules(self) -> float:
        return sum((self._millijoules(handle) or 0) for handle in self._handles) * _MILLI

    def _millijoules(self, handle: ctypes.c_void_p) -> int | None:
        value = ctypes.c_ulonglong()
        failed = self._library.nvmlDeviceGetTotalEnergyConsumption(handle, ctypes.byref(value))
        return None if failed else value.value


@contextmanager
def measured(folder: Path, meter: EnergyMeter) -> Iterator[None]:
    """Writes down what is used inside, as one piece of the cell in a folder; `read_cost` adds the pieces up."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / _PIECES_FILE
    _append(path, {"begun": True})
    over = threading.Event()
    meter.begin()
    watch = threading.Thread(target=_watch, args=(meter, over), daemon=True)
    watch.start()
    cpu, wall = _cpu_seconds(), time.perf_counter()
    try:
        yield
    finally:
        over.set()
        watch.join()
        _append(path, {"cpu": _cpu_seconds() - cpu, "wall": time.perf_counter() - wall, "joules": meter.joules()})


def read_cost(folder: Path, source: str) -> Cost:
    """Returns what all pieces of a cell used together.

    Args:
        folder: of the cell.
        source: of the energy.
    """
    path = folder / _PIECES_FILE
    lines = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()] if path.is_file() else []
    ended = [line for line in lines if "cpu" in line]
    if not ended or len(ended) < len(lines) - len(ended):
        return Cost(None, None, None, f"{source}; a piece of the cell was killed before it could be read")
    joules = [line["joules"] for line in ended]
    energy = None if any(item is None for item in joules) else float(sum(joules))
    return Cost(sum(line["cpu"] for line in ended), sum(line["wall"] for line in ended), energy, source)


def cost_record(cost: Cost) -> dict[str, float | str | None]:
    """Returns a cost as columns of a table."""
    return asdict(cost)


def _watch(meter: EnergyMeter, over: threading.Event) -> None:
    while not over.wait(_PERIOD):
        meter.update()


def _cpu_seconds() -> float:
    used = os.times()
    return used.user + used.system + used.children_user + used.children_system


def _append(path: Path, line: dict[str, float | bool | None]) -> None:
    with path.open("a", encoding="utf-8") as file:
        file.write(json.dumps(line) + "\n")


def _read(path: Path) -> int | None:
    """Returns a counter; None where the system does not show it to this user."""
    try:
        return int(path.read_text(encoding="ascii"))
    except (OSError, ValueError):
        return None
