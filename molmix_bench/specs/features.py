"""Which encodings a store of graphs holds besides the atom and bond codes."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from molmix_bench.specs.base import Spec


class FeatureSpec(Spec):
    """Positional and structural encodings; 0 leaves one out."""

    rwse: Annotated[int, Field(ge=0, le=64)] = 16
    """Steps of the random-walk structural encoding."""
    laplacian: Annotated[int, Field(ge=0, le=64)] = 8
    """Eigenvectors and eigenvalues of the normalised Laplacian."""
