"""Tests of what is recorded of software and hardware."""

from __future__ import annotations

import torch

import molmix_bench
from molmix_bench.training.environment import read_hardware, read_versions


def test_versions():
    """Versions are those of the modules that are running."""
    versions = read_versions()
    assert versions["torch"] == torch.__version__
    assert versions["molmix-bench"] == molmix_bench.__version__
    assert versions["threads"] == str(torch.get_num_threads())


def test_hardware():
    """A CPU has a name, and is its own accelerator."""
    hardware = read_hardware(torch.device("cpu"))
    assert hardware.cpu
    assert (hardware.accelerator, hardware.threads) == ("cpu", torch.get_num_threads())


def test_hardware_of_several_pieces():
    """Each accelerator once, in the order in which they were used; what earlier versions did not note is left out."""
    found = read_hardware(torch.device("cpu"), accelerators=["", "NVIDIA H100", "cpu", "cpu", "NVIDIA H100"], devices=2)
    assert (found.accelerator, found.devices) == ("NVIDIA H100, cpu", 2)
