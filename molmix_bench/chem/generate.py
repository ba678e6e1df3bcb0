"""Molecules made on this machine from building blocks by real reactions: the embedded data of MiniMix.

Every route and every choice of its blocks is a recipe, and all recipes together give distinct molecules, as
`make soak ARGS=recipes` finds by making them all. A keyed hash puts the recipes in an order, and molecule i is what
recipe i gives, so that any part of the set can be made without the rest, and a longer set begins with the shorter one.
The hash is our own: Python's `hash` and RDKit's random functions differ between machines and versions.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Iterator
from functools import cache

import numpy as np
import numpy.typing as npt
from rdkit import Chem, rdBase
from rdkit.Chem import rdChemReactions

from molmix_bench.chem.generate_blocks import BLOCKS
from molmix_bench.chem.generate_routes import REACTIONS, ROUTES, Step
from molmix_bench.errors import SourceError, UsageError


def generate_chunk(start: int, stop: int, *, num_molecules: int, seed: int) -> tuple[str, ...]:
    """Returns the canonical SMILES of molecules `start` to `stop - 1` of a set of `num_molecules`, all distinct.

    Args:
        start: the first molecule.
        stop: one past the last molecule.
        num_molecules: the size of the whole set; it does not change the molecules, only how many there are.
        seed: the order in which recipes are taken.

    Raises:
        UsageError: there are fewer recipes than molecules, or the range is outside the set.

    >>> generate_chunk(2, 4, num_molecules=10, seed=0) == generate_chunk(0, 10, num_molecules=10, seed=0)[2:4]
    True
    """
    if num_molecules > num_recipes():
        found = f"{num_molecules:,} molecules"
        raise UsageError("num_molecules", found=found, expected=f"at most {num_recipes():,}, one per recipe")
    if not 0 <= start <= stop <= num_molecules:
        raise UsageError("range of molecules", found=f"{start} to {stop}", expected=f"within 0 to {num_molecules}")
    routes, numbers = _recipe_order(seed)
    return tuple(make_molecule(int(routes[i]), int(numbers[i])) for i in range(start, stop))


def num_recipes() -> int:
    """Returns how many molecules can be made."""
    return sum(capacity(route) for route in range(len(ROUTES)))


def capacity(route: int) -> int:
    """Returns the number of recipes of one route: the choices of its blocks."""
    return math.prod(len(blocks) for blocks in _block_lists(route))


def make_molecule(route: int, number: int) -> str:
    """Returns the canonical SMILES of what one recipe gives.

    Args:
        route: position in `ROUTES`.
        number: which choice of blocks, below `capacity(route)`.
    """
    chosen = []
    for blocks in _block_lists(route):
        number, position = divmod(number, len(blocks))
        chosen.append(blocks[position])
    return str(Chem.MolToSmiles(_perform(ROUTES[route].last, iter(chosen))))


@cache
def _recipe_order(seed: int) -> tuple[npt.NDArray[np.uint8], npt.NDArray[np.uint32]]:
    """Returns the routes and the recipe numbers of all recipes, in the order in which they become molecules.

    A recipe stands at a hashed fraction of its route's stretch, which is long for routes of many recipes and short for
    heavy routes: so every stretch of the order holds the routes in proportion to their weights.
    """
    places, routes, numbers = [], [], []
    for index, route in enumerate(ROUTES):
        count = capacity(index)
        texts = (f"{seed}/{route.name}/{number}" for number in range(count))
        hashes = (hashlib.blake2b(text.encode(), digest_size=8).digest() for text in texts)
        fractions = np.frombuffer(b"".join(hashes), dtype=">u8") / 2.0**64
        places.append(fractions * (count / route.weight))
        routes.append(np.full(count, index, dtype=np.uint8))
        numbers.append(np.arange(count, dtype=np.uint32))
    order = np.argsort(np.concatenate(places), kind="stable")
    return np.concatenate(routes)[order], np.concatenate(numbers)[order]


@cache
def _block_lists(route: int) -> tuple[tuple[str, ...], ...]:
    """Returns the blocks to choose from for each leaf of a route's tree of reactions, left to right."""

    def leaves(node: Step | str) -> Iterator[tuple[str, ...]]:
        if isinstance(node, str):
            yield tuple(block for name in node.split("+") for block in BLOCKS[name])
        else:
            for child in node.inputs:
                yield from leaves(child)

    return tuple(leaves(ROUTES[route].last))


def _perform(node: Step | str, blocks: Iterator[str]) -> Chem.Mol:
    """Returns what a tree of reactions gives, taking one block per leaf, left to right."""
    if isinstance(node, str):
        return _parse_block(next(blocks))
    reactants = tuple(_perform(child, blocks) for child in node.inputs)
    products: list[Chem.Mol] = []
    with rdBase.BlockLogs():
        for (product,) in _reaction(node.reaction).RunReactants(reactants):
            Chem.SanitizeMol(product)
            products.append(product)
    # Equivalent sites give one product several times.
    if not products or (len(products) > 1 and len({Chem.MolToSmiles(product) for product in products}) > 1):
        names = " + ".join(Chem.MolToSmiles(reactant) for reactant in reactants)
        raise SourceError(f"reaction {node.reaction} of {names}", found=f"{len(products)} products", expected="one")
    return products[0]


@cache
def _reaction(name: str) -> rdChemReactions.ChemicalReaction:
    reaction = rdChemReactions.ReactionFromSmarts(REACTIONS[name])
    reaction.Initialize()
    return reaction


@cache
def _parse_block(smiles: str) -> Chem.Mol:
    return Chem.MolFromSmiles(smiles)
