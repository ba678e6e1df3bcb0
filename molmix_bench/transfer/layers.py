"""What each layer of a network gives for molecules of a store, and what linear probes read from it."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray

from molmix_bench.graphs.store import GraphStore
from molmix_bench.metrics.cells import FloatArray, IntArray
from molmix_bench.models.network import Network
from molmix_bench.specs.result import Target
from molmix_bench.specs.run import RunSpec
from molmix_bench.training.predict import EVAL_BATCH_SIZE
from molmix_bench.transfer.fit import objective_of
from molmix_bench.transfer.probe import Probe
from molmix_bench.transfer.start import Start, make_target
from molmix_bench.vocab import Kind


def untrained(spec: RunSpec, seed: int) -> Network:
    """Returns the network of a run as it is before training, in evaluation mode."""
    target = make_target("nothing", ("nothing",), Kind.BINARY, np.zeros((1, 1)), None)
    return Start(spec).network(target, seed, pretrained=False).eval()


def embed_layers(network: Network, store: GraphStore, molecules: IntArray) -> FloatArray:
    """Returns the embeddings that every layer gives some molecules, (num_layers + 1, n, width) float64.

    Args:
        network: in evaluation mode.
        store: of the molecules, with the features that the network was trained with.
        molecules: (n,), rows of the store.
    """
    parts = []
    with torch.inference_mode():
        for first in range(0, len(molecules), EVAL_BATCH_SIZE):
            batch = store.collate(molecules[first : first + EVAL_BATCH_SIZE])
            parts.append(np.stack([layer.float().numpy() for layer in network.embed_each_layer(batch)]))
    return np.concatenate(parts, axis=1).astype(np.float64)


def probe_predictions(probe: Probe, embeddings: FloatArray, target: Target) -> NDArray[np.floating]:
    """Returns what a probe predicts, (n, num_outputs): in units, or as probabilities."""
    outputs = torch.from_numpy(probe.outputs(embeddings)).float()
    found: NDArray[np.floating] = objective_of(target, torch.device("cpu")).predictions(outputs).numpy()
    return found
