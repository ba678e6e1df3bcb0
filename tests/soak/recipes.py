"""Every recipe of the generated molecules, made: each gives one product, and no two the same molecule."""

from __future__ import annotations

import hashlib
import json
import random
from dataclasses import asdict
from pathlib import Path

from molmix_bench.chem.generate import capacity, make_molecule, num_recipes
from molmix_bench.chem.generate_blocks import BLOCKS
from molmix_bench.chem.generate_routes import REACTIONS, ROUTES


def soak_recipes(folder: Path, *, num: int, seed: int) -> dict[str, object]:
    """Makes `num` recipes, drawn at random where there are more, and returns what was counted.

    Raises:
        AssertionError: two recipes give the same molecule.
        SourceError: a recipe gives none, or several.
    """
    recipes = [(route, number) for route in range(len(ROUTES)) for number in range(capacity(route))]
    assert len(recipes) == num_recipes()
    chosen = random.Random(seed).sample(recipes, min(num, len(recipes)))
    made: dict[str, tuple[int, int]] = {}
    for recipe in chosen:
        other = made.setdefault(make_molecule(*recipe), recipe)
        assert other == recipe, f"recipes {other} and {recipe} give the same molecule"
    return {"recipes": len(recipes), "made": len(made), "digest": recipe_digest()}


def recipe_digest() -> str:
    """Returns a digest of all that the recipes are made of: blocks, reactions and routes."""
    parts = [BLOCKS, REACTIONS, [asdict(route) for route in ROUTES]]
    return hashlib.sha256(json.dumps(parts).encode()).hexdigest()
