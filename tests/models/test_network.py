"""Tests of whole networks: what predictions may depend on, and what not."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch
from rdkit import Chem

from molmix_bench.graphs.batch import DenseLabels, NodeLabels
from molmix_bench.models.network import count_parameters, make_network
from molmix_bench.specs.features import FeatureSpec
from molmix_bench.specs.run import GineSpec, HeadSpec
from tests.models.small import (
    ASSAYS,
    CHARGES,
    FEATURES,
    GRADES,
    MOLECULES,
    PROPS,
    SPEC,
    make_batch,
    warm_up,
    with_all_labels,
)

TARGETS = [PROPS, ASSAYS, GRADES, CHARGES]


def _network(spec=SPEC, *, features=FEATURES, batch=None):
    """Returns a network in evaluation mode whose norms have seen a batch."""
    torch.manual_seed(1)
    network = make_network(spec, features=features, targets=TARGETS)
    warm_up(network, batch if batch is not None else with_all_labels(make_batch(features=features), *TARGETS))
    return network


def _predict(network, smiles, features=FEATURES):
    with torch.no_grad():
        return network(with_all_labels(make_batch(smiles, features=features), *TARGETS))


@pytest.mark.parametrize("pooling", ["sum", "mean", "max"])
@pytest.mark.parametrize("norm", ["batch", "layer", "none"])
def test_predictions_do_not_depend_on_the_rest_of_the_batch(pooling, norm):
    """In evaluation, a molecule alone gets what it gets among others."""
    network = _network(SPEC.model_copy(update={"pooling": pooling, "norm": norm}))
    together = _predict(network, MOLECULES)
    ptr = make_batch().ptr.tolist()
    for position, smiles in enumerate(MOLECULES):
        alone = _predict(network, (smiles,))
        for name, output in together.items():
            of_molecule = output[ptr[position] : ptr[position + 1]] if name == "charges" else output[position, None]
            torch.testing.assert_close(alone[name], of_molecule)


def test_predictions_do_not_depend_on_the_order_of_atoms():
    """Renumbering nodes and edges of a batch leaves its predictions as they are, and renumbers those of atoms."""
    batch = with_all_labels(make_batch(), PROPS, ASSAYS)
    network = _network()
    generator = torch.Generator().manual_seed(0)
    nodes = torch.randperm(batch.num_nodes, generator=generator)
    edges = torch.randperm(batch.num_edges, generator=generator)
    shuffled = replace(
        batch,
        atom_code=batch.atom_code[nodes],
        batch=batch.batch[nodes],
        encodings={name: values[nodes] for name, values in batch.encodings.items()},
        edge_index=nodes.argsort()[batch.edge_index][:, edges],
        bond_code=batch.bond_code[edges],
    )
    with torch.no_grad():
        before, after = network(batch), network(shuffled)
    assert before["props"].std(dim=0).min() > 0
    for name, output in before.items():
        expected = output[nodes] if name == "charges" else output
        torch.testing.assert_close(after[name], expected, atol=1e-5, rtol=1e-5)


def test_predictions_do_not_depend_on_how_a_smiles_is_written():
    """Ten random SMILES of one molecule get one prediction, but for the rounding of encodings to float16."""
    features = FeatureSpec(rwse=8, laplacian=0)
    network = _network(features=features)
    mol = Chem.MolFromSmiles("C[C@H](N)C(=O)OCC1CCN(C)CC1")
    texts = tuple(dict.fromkeys(Chem.MolToRandomSmilesVect(mol, 10, randomSeed=1)))
    assert len(texts) > 1
    outputs = _predict(network, texts, features)
    # Atoms come in another order each time, so theirs are compared sorted.
    outputs["charges"] = outputs["charges"].reshape(len(texts), -1).sort().values
    for output in outputs.values():
        torch.testing.assert_close(output, output[:1].expand_as(output), atol=2e-3, rtol=2e-3)


def test_molecules_are_told_apart():
    """Stereoisomers, tautomers and charges get predictions of their own."""
    smiles = ("C[C@H](N)C(=O)O", "C[C@@H](N)C(=O)O", "CC(N)C(=O)O", "C[C@H]([NH3+])C(=O)[O-]", "CC=O", "C=CO")
    output = _predict(_network(), smiles)["props"]
    distances = torch.cdist(output, output) + torch.eye(len(smiles))
    assert distances.min() > 1e-4


def test_outputs_follow_the_label_rows():
    """A dataset's outputs are those of the molecules that have labels in it, in that order; none give no rows."""
    network = _network()
    everything = _predict(network, MOLECULES)
    batch = make_batch()
    rows = torch.tensor([1, 4])
    none = DenseLabels(torch.empty(0, dtype=torch.long), torch.empty(0, 3))
    with torch.no_grad():
        output = network(replace(batch, labels={"props": DenseLabels(rows, torch.zeros(2, 2)), "assays": none}))
        only = network(replace(batch, labels={"assays": none}))
    torch.testing.assert_close(output["props"], everything["props"][rows])
    assert output["assays"].shape == (0, 3)
    assert list(only) == ["assays"]


def test_outputs_follow_the_labelled_atoms():
    """For a loss, outputs are those of the labelled atoms; for predictions, of all atoms of molecules with a label."""
    network = _network()
    everything = _predict(network, MOLECULES)["charges"]
    batch = make_batch()
    # Molecules 0 and 3 have three and two atoms; the second of each is labelled.
    first = batch.ptr[3].item()
    labels = NodeLabels(torch.tensor([0, 3]), torch.tensor([1, first + 1]), torch.zeros(2, 1))
    batch = replace(batch, labels={"charges": labels})
    with torch.no_grad():
        torch.testing.assert_close(network(batch)["charges"], everything[[1, first + 1]])
        every = network(batch, every_atom=True)["charges"]
    torch.testing.assert_close(every, everything[[0, 1, 2, first, first + 1]])


@pytest.mark.parametrize("smiles", [("C",), ("C", "[Na+].[Cl-]"), ("[H][H]",)])
def test_trains_on_molecules_without_bonds(smiles):
    """A training step on single atoms gives finite gradients everywhere."""
    network = make_network(SPEC, features=FEATURES, targets=[PROPS])
    outputs = network(with_all_labels(make_batch(smiles), PROPS))
    outputs["props"].sum().backward()
    assert all(p.grad is None or p.grad.isfinite().all() for p in network.parameters())


def test_every_parameter_learns():
    """No weight is left out of the forward pass: each gets a gradient from a batch with all datasets."""
    torch.manual_seed(0)
    network = make_network(SPEC, features=FEATURES, targets=TARGETS)
    outputs = network(with_all_labels(make_batch(), *TARGETS))
    sum(output.square().sum() for output in outputs.values()).backward()
    assert [name for name, p in network.named_parameters() if p.grad is None or not p.grad.any()] == []


def test_counts_parameters():
    """The count is the one that adding up layers by hand gives."""
    spec = GineSpec(width=8, depth=1, expansion=2, norm="none", head=HeadSpec(depth=1))
    network = make_network(spec, features=FeatureSpec(rwse=0, laplacian=0), targets=[ASSAYS])
    atoms, bonds = (sum(sizes) * 8 for sizes in _sizes())
    layer = 1 + (8 * 16 + 16) + (16 * 8 + 8)
    assert count_parameters(network) == atoms + bonds + layer + (8 * 3 + 3)


def _sizes():
    from molmix_bench.graphs.featurize import ATOM_FEATURE_SIZES, BOND_FEATURE_SIZES

    return ATOM_FEATURE_SIZES, BOND_FEATURE_SIZES
