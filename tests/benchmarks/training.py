"""Training with its loader, side by side with plain PyTorch Geometric: the same network, molecules and losses."""

from __future__ import annotations

import argparse
import json
import tempfile
import time
from collections.abc import Iterator
from contextlib import nullcontext
from itertools import islice
from pathlib import Path
from statistics import median

import torch
from lightning_fabric import Fabric

from molmix_bench.graphs.cached import open_store
from molmix_bench.graphs.store import GraphStore
from molmix_bench.mix import Mix
from molmix_bench.models.network import count_parameters, make_network
from molmix_bench.specs.base import apply_overrides, read_yaml, validate_spec
from molmix_bench.specs.result import Target
from molmix_bench.specs.run import RunSpec
from molmix_bench.training.objective import Objective
from molmix_bench.training.randomness import deterministic
from molmix_bench.training.step import Step
from molmix_bench.training.targets import make_targets
from tests.benchmarks.plain_pyg import PlainTraining
from tests.benchmarks.turns import Clock, Record, record

BASELINE = Path(__file__).parents[2] / "baselines" / "toymix" / "gine.yaml"
NUM_MOLECULES = 6_000
"""The peer's, of the train split: ours draws from all of it."""
NUM_BATCHES = 10
"""A turn's: short, so that what else the machine does meets all alike."""
NUM_TURNS = 9


def training(mix: Mix, *, cache: Path | None = None, device: str = "cpu", batch_size: int = 200) -> list[Record]:
    """Returns a record for each precision: molecules per second of ours and of the peer, in turns, medians.

    Args:
        mix: ToyMix, built.
        cache: where the store is kept; the user's cache where None.
        device: `cpu` or `cuda`.
        batch_size: molecules.
    """
    spec = _spec("32-true", batch_size)
    store = open_store(mix, spec.features, cache=cache)
    targets = make_targets(mix, tuple(mix.datasets))
    torch.manual_seed(0)
    peer = PlainTraining(spec, targets, store, num_molecules=max(NUM_MOLECULES, 10 * batch_size), device=device)
    runs, clocks = {"peer": _endless(peer.epoch)}, {"peer": peer.clock}
    with tempfile.TemporaryDirectory() as folder:
        for precision in ("32-true", "bf16-mixed"):
            step = _make_step(_spec(precision, batch_size), targets, folder=Path(folder), device=device)
            if count_parameters(step.model) != count_parameters(peer.network):
                raise AssertionError("the two networks are not of one size")
            epochs = _Epochs(step, store)
            runs[precision], clocks[precision] = _endless(epochs), epochs.clock
        for run in runs.values():  # compiles, allocates, and reads the store from the disk
            for _ in islice(run, NUM_BATCHES):
                pass
        for clock in clocks.values():
            clock.seconds = 0.0
        speeds, seconds = {name: [] for name in runs}, dict.fromkeys(runs, 0.0)
        for _ in range(NUM_TURNS):
            for name, run in runs.items():
                # Ours as a run trains it; the peer without what costs it time.
                with nullcontext() if name == "peer" else deterministic(torch.device(device)):
                    molecules, time_taken = _turn(run)
                speeds[name].append(molecules / time_taken)
                seconds[name] += time_taken
    records = [_record(name, median(speeds[name]), median(speeds["peer"])) for name in speeds if name != "peer"]
    return [*records, *_waiting(clocks, seconds)]


def _waiting(clocks: dict[str, Clock], seconds: dict[str, float]) -> list[Record]:
    """Returns the share of the time that each of ours spends waiting for data, against the peer's."""
    shares = {name: 100 * clock.seconds / seconds[name] for name, clock in clocks.items()}
    return [
        record(f"training, {name}, waiting for data", share, shares["peer"], unit="%", less_is_better=True)
        for name, share in shares.items()
        if name != "peer"
    ]


def _record(precision: str, ours: float, peer: float) -> Record:
    return record(f"training, {precision}, against plain PyG in 32-true", ours, peer, unit="molecules/s")


def _spec(precision: str, batch_size: int) -> RunSpec:
    overrides = [f"training.batch_size={batch_size}", f"training.precision={precision}"]
    return validate_spec(RunSpec, apply_overrides(read_yaml(BASELINE), overrides, where="benchmark"), where="benchmark")


def _make_step(spec: RunSpec, targets: tuple[Target, ...], *, folder: Path, device: str) -> Step:
    torch.manual_seed(0)
    network = make_network(spec.model, features=spec.features, targets=targets)
    fabric = Fabric(accelerator=device, devices=1)
    rate = spec.training.optimizer.learning_rate
    model, optimizer = fabric.setup(network, torch.optim.AdamW(network.parameters(), lr=rate, fused=True))
    model.train()
    objectives = {target.dataset: Objective.of(target, device=device) for target in targets}
    return Step(
        spec=spec.training,
        fabric=fabric,
        model=model,
        optimizer=optimizer,
        objectives=objectives,
        failed_batch=folder / "failed.safetensors",
    )


class _Epochs:
    """One epoch after the other, each in an order of its own: a shape seen before is multiplied faster."""

    def __init__(self, step: Step, store: GraphStore) -> None:
        self._step = step
        self._store = store
        self._epoch = 0
        self.clock = Clock()

    def __call__(self) -> Iterator[int]:
        """Trains, and yields the number of molecules of each batch."""
        spec = self._step.spec
        self._epoch += 1
        names = list(self._step.objectives)
        loader = self._store.loader("train", batch_size=spec.batch_size, seed=0, epoch=self._epoch, datasets=names)
        for batch in self.clock.watch(loader):
            self._step(batch, rate=spec.optimizer.learning_rate, where="benchmark")
            yield batch.num_graphs
        self._step.finish()


def _endless(epoch) -> Iterator[int]:
    while True:
        yield from epoch()


def main() -> None:
    """Measures training alone, on a GPU where there is one: `python -m tests.benchmarks.training MIX`."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("mix", type=Path, help="ToyMix, built")
    parser.add_argument("--device", default="cuda" if torch.cuda.is_available() else "cpu")
    parser.add_argument("--batch-sizes", type=int, nargs="+", default=[200, 2_048])
    args = parser.parse_args()
    for batch_size in args.batch_sizes:
        for found in training(Mix(args.mix), device=args.device, batch_size=batch_size):
            print(json.dumps({"device": args.device, "batch_size": batch_size, **found}), flush=True)  # noqa: T201


def _turn(run: Iterator[int]) -> tuple[int, float]:
    """Returns the molecules of a few batches and the seconds they took."""
    began = time.perf_counter()
    molecules = sum(islice(run, NUM_BATCHES))
    if torch.cuda.is_initialized():  # which may still have the last batches to do
        torch.cuda.synchronize()
    return molecules, time.perf_counter() - began


if __name__ == "__main__":
    main()
