"""Batches of a few molecules, featurised by the real featurizer, and what heads need to know."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import torch

from molmix_bench.graphs.batch import Batch, DenseLabels, NodeLabels
from molmix_bench.graphs.collate import Collator
from molmix_bench.graphs.encodings import encode
from molmix_bench.graphs.featurize import featurize
from molmix_bench.specs.features import FeatureSpec
from molmix_bench.specs.model import GatedGcnSpec, GcnSpec, GineSpec, GinSpec, GpsSpec, HeadSpec, MpnnSpec
from molmix_bench.specs.result import Target
from molmix_bench.vocab import Level

FEATURES = FeatureSpec(rwse=4, laplacian=3)
MOLECULES = ("CCO", "C", "c1ccccc1O", "[Na+].[Cl-]", "C[C@H](N)C(=O)O", "CC#N")
"""With a single atom, two single atoms in one molecule, a ring and a stereocentre."""
SPEC = GineSpec(width=8, depth=2, expansion=2, head=HeadSpec(depth=2, width=6))
_SIZE = {"width": 8, "depth": 2, "head": HeadSpec(depth=2, width=6)}
ARCHITECTURES = {
    "gcn": GcnSpec(**_SIZE),
    "gin": GinSpec(**_SIZE),
    "gine": SPEC,
    "gatedgcn": GatedGcnSpec(**_SIZE),
    "mpnn": MpnnSpec(**_SIZE, edge_width=6),
    "gps": GpsSpec(**_SIZE, num_heads=2),
}
"""A small network of each architecture."""
PROPS = Target(
    dataset="props",
    level="graph",
    kind="regression",
    dtype="float64",
    tasks=("a", "b"),
    mean=(1.0, -40.0),
    std=(2.0, 0.5),
)
ASSAYS = Target(dataset="assays", level="graph", kind="binary", dtype="int8", tasks=("x", "y", "z"))
GRADES = Target(dataset="grades", level="graph", kind="multiclass", num_classes=3, dtype="int8", tasks=("p", "q"))
CHARGES = Target(
    dataset="charges", level="node", kind="regression", dtype="float32", tasks=("c",), mean=(0.0,), std=(0.5,)
)


def make_batch(smiles=MOLECULES, *, features=FEATURES, **labels) -> Batch:
    """Returns a batch of molecules; labels are given by dataset as (rows, values)."""
    graphs = featurize(smiles, mol_ids=smiles)
    batch = Collator(graphs, encode(graphs, features))(np.arange(len(smiles)))
    return replace(
        batch,
        labels={name: DenseLabels(torch.tensor(rows), torch.tensor(values)) for name, (rows, values) in labels.items()},
    )


def with_all_labels(batch: Batch, *targets: Target) -> Batch:
    """Returns the batch with labels of 0 for every molecule, atom and task: a network then predicts everything."""
    rows, nodes = torch.arange(batch.num_graphs), torch.arange(batch.num_nodes)
    labels = {}
    for target in targets:
        if target.level is Level.NODE:
            labels[target.dataset] = NodeLabels(rows, nodes, torch.zeros(batch.num_nodes, len(target.tasks)))
        else:
            labels[target.dataset] = DenseLabels(rows, torch.zeros(batch.num_graphs, len(target.tasks)))
    return replace(batch, labels=labels)


def warm_up(network, batch) -> None:
    """Gives norms running statistics of their own, so that evaluation is not the identity by chance."""
    network.train()
    with torch.no_grad():
        for _ in range(3):
            network(batch)
    network.eval()
