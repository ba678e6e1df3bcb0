"""Tests of what a cell costs."""

from __future__ import annotations

import json
import time

import pytest

from molmix_bench.studies.cost import EnergyMeter, measured, read_cost


def _zone(folder, name, *, energy, whole=1_000_000):
    zone = folder / name
    zone.mkdir(parents=True, exist_ok=True)
    (zone / "energy_uj").write_text(f"{energy}\n")
    (zone / "max_energy_range_uj").write_text(f"{whole}\n")
    return zone / "energy_uj"


def test_energy_of_all_packages(tmp_path):
    """Two packages are added up, parts of one are not, and a counter that began again at 0 is understood."""
    first = _zone(tmp_path, "intel-rapl:0", energy=900_000)
    second = _zone(tmp_path, "intel-rapl:1", energy=0)
    _zone(tmp_path, "intel-rapl:0:0", energy=5)
    meter = EnergyMeter(tmp_path, gpu=False)
    meter.begin()
    first.write_text("100000")
    second.write_text("300000")
    assert meter.joules() == pytest.approx(0.2 + 0.3)
    assert meter.source == "RAPL, 2 processor packages"
    meter.begin()
    assert meter.joules() == 0.0


def test_energy_that_cannot_be_read(tmp_path):
    """Without counters, or with one that this user may not read, there is no number, and it is said."""
    for folder in (tmp_path / "none", tmp_path / "zones"):
        _zone(tmp_path / "zones", "intel-rapl:0", energy="secret")
        meter = EnergyMeter(folder, gpu=False)
        meter.begin()
        assert meter.joules() is None
        assert meter.source.startswith("not measurable here")


def test_pieces_add_up(tmp_path):
    """Processor time and time by the clock are those of all pieces, also of one that failed."""
    meter = EnergyMeter(tmp_path / "none", gpu=False)
    with measured(tmp_path, meter):
        end = time.process_time() + 0.05
        while time.process_time() < end:
            pass
    with pytest.raises(ZeroDivisionError), measured(tmp_path, meter):
        _ = 1 / 0
    found = read_cost(tmp_path, meter.source)
    assert found.cpu_seconds >= 0.03
    assert found.wall_seconds >= 0.05
    assert found.energy_joules is None


def test_a_killed_piece_leaves_no_number(tmp_path):
    """A piece that did not end makes the sum unknown, instead of too small."""
    meter = EnergyMeter(tmp_path / "none", gpu=False)
    with measured(tmp_path, meter):
        pass
    with (tmp_path / "pieces.jsonl").open("a") as file:
        file.write(json.dumps({"begun": True}) + "\n")
    with measured(tmp_path, meter):
        pass
    found = read_cost(tmp_path, meter.source)
    assert (found.cpu_seconds, found.wall_seconds) == (None, None)
    assert "was killed" in found.energy_source
    assert read_cost(tmp_path / "none", "x").cpu_seconds is None
