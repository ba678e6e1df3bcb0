"""Tests of what a training shows while it goes on."""

from __future__ import annotations

from tqdm import tqdm

from molmix_bench.training import loop


def test_the_bar_fits_a_narrow_terminal():
    """80 signs have room for the loss, the metric of validation, the rate and the time left of hours of training."""
    shown = tqdm.format_meter(
        n=40e6,
        total=200e6,
        elapsed=7_800,
        ncols=80,
        prefix="seed 12",
        unit="graph",
        unit_scale=True,
        rate=5_230,
        bar_format=loop._BAR,
        postfix="loss=12.3456, validation=0.4567",
    )
    assert len(shown) == 80
    assert shown.startswith("seed 12  20%|")
    assert shown.endswith("| 2:10:00<8:29:52, 5.23kgraph/s, loss=12.3456, validation=0.4567")
