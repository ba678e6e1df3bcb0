"""Tests of whole networks: what predictions may depend on, and what not."""

from __future__ import annotations

import itertools
from dataclasses import replace

import pytest
import torch
from rdkit import Chem

from molmix_bench.graphs.batch import DenseLabels, NodeLabels
from molmix_bench.models.network import count_parameters, make_network
from molmix_bench.specs.features import FeatureSpec
from molmix_bench.specs.model import GineSpec, HeadSpec
from tests.models.small import (
    ARCHITECTURES,
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


SPECS = {
    f"{name}{suffix}": spec.model_copy(update={"virtual_node": bool(suffix)})
    for name, spec in ARCHITECTURES.items()
    for suffix in ("", "+virtual")
}
every_architecture = pytest.mark.parametrize("spec", SPECS.values(), ids=SPECS)


@every_architecture
@pytest.mark.parametrize(
    ("pooling", "norm"), [("sum", "batch"), ("mean", "layer"), ("max", "none")], ids=lambda name: name
)
def test_predictions_do_not_depend_on_the_rest_of_the_batch(spec, pooling, norm):
    """In evaluation, a molecule alone gets what it gets among others."""
    network = _network(spec.model_copy(update={"pooling": pooling, "norm": norm}))
    together = _predict(network, MOLECULES)
    ptr = make_batch().ptr.tolist()
    for position, smiles in enumerate(MOLECULES):
        alone = _predict(network, (smiles,))
        for name, output in together.items():
            of_molecule = output[ptr[position] : ptr[position + 1]] if name == "charges" else output[position, None]
            torch.testing.assert_close(alone[name], of_molecule)


@every_architecture
def test_predictions_do_not_depend_on_the_order_of_atoms_and_edges(spec):
    """Renumbering the atoms of each molecule, and all edges, leaves predictions as they are, and renumbers atoms'."""
    batch = with_all_labels(make_batch(), *TARGETS)
    network = _network(spec)
    generator = torch.Generator().manual_seed(0)
    ptr = batch.ptr.tolist()
    parts = [first + torch.randperm(end - first, generator=generator) for first, end in itertools.pairwise(ptr)]
    nodes, edges = torch.cat(parts), torch.randperm(batch.num_edges, generator=generator)
    shuffled = replace(
        batch,
        atom_code=batch.atom_code[nodes],
        half_encodings={name: values[nodes] for name, values in batch.half_encodings.items()},
        edge_index=nodes.argsort()[batch.edge_index][:, edges],
        bond_code=batch.bond_code[edges],
    )
    with torch.no_grad():
        before, after = network(batch), network(shuffled)
    assert not torch.equal(nodes, torch.arange(len(nodes)))
    assert before["props"].std(dim=0).min() > 0
    for name, output in before.items():
        expected = output[nodes] if name == "charges" else output
        torch.testing.assert_close(after[name], expected, atol=1e-4, rtol=1e-4)


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


@every_architecture
@pytest.mark.parametrize("smiles", [("C",), ("C", "[Na+].[Cl-]"), ("[H][H]",)])
def test_trains_on_molecules_without_bonds(spec, smiles):
    """A training step on single atoms gives finite gradients everywhere."""
    network = make_network(spec, features=FEATURES, targets=[PROPS])
    outputs = network(with_all_labels(make_batch(smiles), PROPS))
    outputs["props"].sum().backward()
    assert all(p.grad is None or p.grad.isfinite().all() for p in network.parameters())


@every_architecture
@pytest.mark.parametrize("norm", ["batch", "layer", "none"])
def test_every_parameter_learns(spec, norm):
    """No weight is left out of the forward pass: each gets a gradient from a batch with all datasets."""
    torch.manual_seed(0)
    network = make_network(spec.model_copy(update={"norm": norm}), features=FEATURES, targets=TARGETS)
    outputs = network(with_all_labels(make_batch(), *TARGETS))
    sum(output.square().sum() for output in outputs.values()).backward()
    assert [name for name, p in network.named_parameters() if p.grad is None or not p.grad.any()] == []


@every_architecture
def test_bfloat16_is_near_float32(spec):
    """Under autocast, outputs are float32 and those of float32 to bfloat16's 8 bits, gradients finite."""
    network = _network(spec.model_copy(update={"norm": "layer"}))
    batch = with_all_labels(make_batch(), *TARGETS)
    exact = network(batch)
    with torch.autocast("cpu", torch.bfloat16):
        rough = network(batch)
    for name, output in rough.items():
        assert output.dtype is torch.float32
        torch.testing.assert_close(output, exact[name], atol=0.2, rtol=0.1)
    sum(output.sum() for output in rough.values()).backward()
    assert all(p.grad is None or p.grad.isfinite().all() for p in network.parameters())


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
