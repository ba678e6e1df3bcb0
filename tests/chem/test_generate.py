"""Tests of the generated molecules: each reaction, the order of recipes, and what the set as a whole is like."""

from __future__ import annotations

import hashlib
import itertools
import os
import subprocess
import sys

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rdkit import Chem
from rdkit.Chem import Descriptors

from molmix_bench.chem import generate
from molmix_bench.chem.generate import generate_chunk, num_recipes
from molmix_bench.chem.generate_blocks import BLOCKS
from molmix_bench.chem.generate_routes import REACTIONS, ROUTES, Step
from molmix_bench.chem.molecule import standardize
from molmix_bench.chem.properties import logp
from molmix_bench.chem.scaffold import scaffold_smiles
from molmix_bench.errors import SourceError, UsageError
from tests.soak.recipes import recipe_digest, soak_recipes

SIZE = 6_000

# Products written by hand, as a textbook draws them.
EXAMPLES = {
    "amide": ("CC(=O)O NCC", "CC(=O)NCC"),
    "sulfonamide": ("CS(=O)(=O)Cl Nc1ccccc1", "CS(=O)(=O)Nc1ccccc1"),
    "urea": ("S=C=Nc1ccccc1 C1CCNC1", "S=C(Nc1ccccc1)N1CCCC1"),
    "boc_removal": ("CC(C)(C)OC(=O)N1CCNCC1", "C1CNCCN1"),
    "reductive_amination": ("O=Cc1ccccc1 C1COCCN1", "c1ccc(CN2CCOCC2)cc1"),
    "snar": ("Clc1ncccn1 NC", "CNc1ncccn1"),
    "buchwald": ("Brc1cccnc1 Nc1ccccc1", "c1ccc(Nc2cccnc2)cc1"),
    "suzuki": ("Brc1cccnc1 OB(O)c1ccccc1", "c1ccc(-c2cccnc2)cc1"),
    "sonogashira": ("Brc1ccccc1 C#CC1CC1", "c1ccccc1C#CC1CC1"),
    "ester": ("CC(=O)O O[C@@H](C)CC", "CC(=O)O[C@@H](C)CC"),
    "ether": ("Oc1ccccc1 BrCC=C", "C=CCOc1ccccc1"),
    "thioether": ("Sc1ncccn1 ClCC(=O)NC", "CNC(=O)CSc1ncccn1"),
    "quaternization": ("c1ccncc1 BrCc1ccccc1", "c1ccc(C[n+]2ccccc2)cc1"),
    "azo_coupling": ("Nc1ccccc1 CN(C)c1ccccc1", "CN(C)c1ccc(/N=N/c2ccccc2)cc1"),
    "hydrazone": ("O=Cc1ccccc1 NNC(C)=O", "CC(=O)N/N=C/c1ccccc1"),
    "knoevenagel": ("O=Cc1ccccc1 C1SC(=O)NC1=O", "O=C1NC(=O)C(=Cc2ccccc2)S1"),
    "aldol_condensation": ("O=Cc1ccccc1 CC(=O)c1ccccc1", "O=C(/C=C/c1ccccc1)c1ccccc1"),
    "click": ("[N-]=[N+]=NCC C#Cc1ccccc1", "CCn1cc(-c2ccccc2)nn1"),
    "thiazole": ("O=C(CBr)c1ccccc1 NC(N)=S", "Nc1nc(-c2ccccc2)cs1"),
    "imidazopyridine": ("Nc1ccccn1 O=C(CBr)c1ccccc1", "c1ccc(-c2cn3ccccc3n2)cc1"),
    "benzazole": ("Nc1ccccc1O O=Cc1ccccc1", "c1ccc(-c2nc3ccccc3o2)cc1"),
    "oxadiazole": ("CC(=O)O NC(=NO)c1ccccc1", "Cc1nc(-c2ccccc2)no1"),
    "pyrazole": ("CC(=O)CC(C)=O NNc1ccccc1", "Cc1cc(C)n(-c2ccccc2)n1"),
    "fischer_indole": ("NNc1ccccc1 O=C1CCCCC1", "c1ccc2c(c1)[nH]c1c2CCCC1"),
    "pictet_spengler": ("NCCc1c[nH]c2ccccc12 CC=O", "CC1NCCc2c1[nH]c1ccccc21"),
    "biginelli": ("O=Cc1ccccc1 CC(=O)CC(=O)OCC NC(N)=O", "CCOC(=O)C1=C(C)NC(=O)NC1c1ccccc1"),
}

# Change these only with the version of the mix `minimix`: they say that its molecules are other ones.
GOLDEN_ORDER = "ecdeb218d4c805fbec80b2edb07b5a28b3a7e9cb515744fd6e3bb24d80954fb1"
GOLDEN_MOLECULES = (
    "O=C(CN1C(=O)c2ccccc2C1=O)Nc1nc(-c2ccc(F)cc2)cs1",
    "C1CC1CN1CCN(CC1)c1ccc2nsnc2c1",
    "c1ccc(cc1)-c1nc(cs1)-c1cccs1",
    "COc1cc(/C=N/Nc2nc(cs2)-c2ccc(F)cc2)cc(OC)c1OC",
    "o1cccc1C(=O)N[C@@H](CC(C)C)C(=O)OC",
    "c1ccc2cc(ccc2c1)OCc1ccc(cc1)[N+](=O)[O-]",
)
# Of the recipes that `make soak ARGS=recipes` has made without a failure.
ALL_RECIPES_MADE = "5037c53788c5e1c30fba20678ce77db010bb4efcb88ab4732e8816336bd7a52a"


@pytest.fixture(scope="module")
def molecules():
    """Returns the molecules of MiniMix."""
    return generate_chunk(0, SIZE, num_molecules=SIZE, seed=0)


def _react(name, blocks):
    return Chem.MolToSmiles(generate._perform(Step(name, tuple(blocks)), iter(blocks)))


@pytest.mark.parametrize("name", REACTIONS)
def test_reaction(name):
    """A reaction gives the product that a textbook gives, with its stereo centres kept."""
    blocks, product = EXAMPLES[name]
    assert _react(name, blocks.split()) == Chem.CanonSmiles(product)


@pytest.mark.parametrize(
    ("blocks", "found"),
    [(["CCO", "NC"], "0 products"), (["CC(=O)O", "NCCCNC"], "2 products")],
    ids=["no acid", "two different amines"],
)
def test_reaction_without_one_product(blocks, found):
    """Blocks that cannot react, or in two ways, are refused and named."""
    with pytest.raises(SourceError, match=f"reaction amide of .*{found}"):
        _react("amide", blocks)


def test_equivalent_sites_are_one():
    """Both nitrogens of piperazine give the same product, which is no ambiguity."""
    assert _react("amide", ["CC(=O)O", "C1CNCCN1"]) == "CC(=O)N1CCNCC1"


@pytest.mark.parametrize("name", BLOCKS)
def test_blocks_are_distinct_molecules(name):
    """Every block of a class parses, and none stands there twice in another form."""
    canonical = [Chem.CanonSmiles(block) for block in BLOCKS[name]]
    assert len(set(canonical)) == len(canonical) > 0


def test_nothing_is_unused():
    """Every reaction and every class of blocks is part of a route, and routes have distinct names."""

    def walk(node):
        yield from node.split("+") if isinstance(node, str) else (node.reaction, *_flat(map(walk, node.inputs)))

    def _flat(parts):
        return (name for part in parts for name in part)

    used = set(_flat(walk(route.last) for route in ROUTES))
    assert used == set(REACTIONS) | set(BLOCKS)
    assert len({route.name for route in ROUTES}) == len(ROUTES)


@settings(max_examples=25)
@given(st.lists(st.integers(0, 20), max_size=4))
def test_chunks_do_not_matter(cuts):
    """However a set is cut into chunks, the molecules are the same."""
    bounds = [0, *sorted(cuts), 20]
    parts = [generate_chunk(start, stop, num_molecules=20, seed=3) for start, stop in itertools.pairwise(bounds)]
    assert sum(parts, ()) == generate_chunk(0, 20, num_molecules=20, seed=3)


def test_longer_set_begins_with_shorter():
    """The size of the set changes no molecule."""
    assert generate_chunk(0, 20, num_molecules=20, seed=0) == generate_chunk(0, 20, num_molecules=90_000, seed=0)


def test_seed_changes_the_molecules():
    """Another seed takes other recipes."""
    one, other = (set(generate_chunk(0, 50, num_molecules=50, seed=seed)) for seed in (0, 1))
    assert len(one & other) < 5


def test_order_is_the_published_one():
    """The recipes of MiniMix stay as they are, on every machine and with every version of RDKit."""
    routes, numbers = generate._recipe_order(0)
    text = ",".join(f"{ROUTES[route].name}:{number}" for route, number in zip(routes[:SIZE], numbers, strict=False))
    assert hashlib.sha256(text.encode()).hexdigest() == GOLDEN_ORDER


def test_first_molecules():
    """The first molecules of MiniMix, drawn by hand from the blocks of their recipes."""
    expected = tuple(Chem.CanonSmiles(smiles) for smiles in GOLDEN_MOLECULES)
    assert generate_chunk(0, len(expected), num_molecules=SIZE, seed=0) == expected


def test_other_process_other_hash_seed():
    """A fresh process with other hash randomisation makes the same molecules."""
    code = "from molmix_bench.chem.generate import generate_chunk as g; print(*g(70, 90, num_molecules=90, seed=5))"
    output = subprocess.run(
        [sys.executable, "-c", code],
        check=True,
        capture_output=True,
        text=True,
        env={**os.environ, "PYTHONHASHSEED": "7"},
    ).stdout
    assert tuple(output.split()) == generate_chunk(70, 90, num_molecules=90, seed=5)


@pytest.mark.parametrize(("start", "stop"), [(-1, 2), (3, 2), (0, 11)])
def test_range_outside(start, stop):
    """A range that is not within the set is refused."""
    with pytest.raises(UsageError, match="within 0 to 10"):
        generate_chunk(start, stop, num_molecules=10, seed=0)


def test_too_many_molecules():
    """A set larger than the number of recipes is refused, and the number is said."""
    with pytest.raises(UsageError, match=f"at most {num_recipes():,}"):
        generate_chunk(0, 1, num_molecules=num_recipes() + 1, seed=0)
    assert num_recipes() >= 100_000  # the most that a source spec can ask for


def test_all_distinct(molecules):
    """MiniMix's molecules differ in SMILES and in identity, and their SMILES is the one that a build would store."""
    found = [standardize(smiles, max_atoms=1_000) for smiles in molecules]
    assert tuple(molecule.smiles for molecule in found) == molecules
    assert len({molecule.mol_id for molecule in found}) == SIZE


def test_recipes_give_other_molecules(tmp_path):
    """One recipe in ten, drawn from all, gives one product, and no two the same: `make soak ARGS=recipes` makes all."""
    counted = soak_recipes(tmp_path, num=num_recipes() // 10, seed=0)
    assert counted["made"] == num_recipes() // 10


def test_every_recipe_has_been_made():
    """Blocks, reactions and routes are those of which all recipes were made once, and gave distinct molecules."""
    assert recipe_digest() == ALL_RECIPES_MADE, "run: make soak ARGS=recipes; where it passes, keep its digest here"


def test_drug_like(molecules):
    """98 % of MiniMix lie within 150 to 550 g/mol and within -2 to 6 in logP, around the medians of drugs."""
    mols = [Chem.MolFromSmiles(smiles) for smiles in molecules]
    weight = np.array([Descriptors.MolWt(mol) for mol in mols])
    partition = np.array([logp(mol) for mol in mols])
    assert np.mean((weight > 150) & (weight < 550)) > 0.98
    assert np.mean((partition > -2) & (partition < 6)) > 0.98
    assert 280 < np.median(weight) < 360
    assert 2 < np.median(partition) < 3.5


def test_diverse(molecules):
    """MiniMix holds thousands of scaffolds, none of them in over 6 %, and every feature that featurizers must know."""
    scaffolds, counts = np.unique([scaffold_smiles(smiles) for smiles in molecules], return_counts=True)
    assert len(scaffolds) > 2_500
    assert counts.max() < 0.06 * SIZE
    mols = [Chem.MolFromSmiles(smiles) for smiles in molecules]
    elements = {atom.GetSymbol() for mol in mols for atom in mol.GetAtoms()}
    assert elements == {"C", "N", "O", "F", "Si", "P", "S", "Cl", "B", "Br", "I"}
    assert np.mean(["@" in smiles for smiles in molecules]) > 0.1
    assert np.mean(["/" in smiles for smiles in molecules]) > 0.1
    assert 0.02 < np.mean([Chem.GetFormalCharge(mol) != 0 for mol in mols]) < 0.1
    zwitterion = Chem.MolFromSmarts("[NH3+]-C-C(=O)[O-]")
    assert any(mol.HasSubstructMatch(zwitterion) for mol in mols)
