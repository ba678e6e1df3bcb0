"""A perceptron on fingerprints: the body of a network that never looks at atoms."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from molmix_bench.graphs.batch import Batch
from molmix_bench.models.blocks import ACTIVATIONS, BatchNorm, make_mlp, make_norm
from molmix_bench.models.fingerprints import FingerprintRows, num_features
from molmix_bench.specs.model import FingerprintMlpSpec


class FingerprintBody(nn.Module):
    """Embeds molecules by their fingerprints.

    Fingerprints are looked up by row of the store, in a table that is no part of the weights: `table` has to be set to
    that of the store which batches come from. Descriptors, some of which span decades, enter as their logarithms,
    standardised.
    """

    def __init__(self, spec: FingerprintMlpSpec) -> None:
        super().__init__()
        self.table: FingerprintRows | None = None
        self.num_bits = spec.fingerprint.bits
        total = num_features(spec.fingerprint)
        self.scale = BatchNorm(total - self.num_bits) if spec.fingerprint.descriptors else None
        widths = [total, *[spec.width] * spec.depth]
        self.mlp = make_mlp(widths, activation=spec.activation, norm=spec.norm, dropout=spec.dropout)
        self.last = nn.Sequential(
            make_norm(spec.norm, spec.width), ACTIVATIONS[spec.activation](), nn.Dropout(spec.dropout)
        )

    def forward(self, batch: Batch) -> Tensor:
        """Returns the molecules' embeddings, (num_graphs, width)."""
        if self.table is None:
            raise TypeError("the table of fingerprints is not set")
        rows = torch.from_numpy(self.table.rows(batch.host_side.molecules.numpy()))
        if batch.molecules.device.type == "cuda":
            rows = rows.pin_memory()
        rows = rows.to(batch.molecules.device, non_blocking=True)
        if self.scale is not None:
            bits, values = rows[:, : self.num_bits], rows[:, self.num_bits :]
            rows = torch.cat([bits, self.scale(values.sign() * values.abs().log1p())], dim=1)
        embeddings: Tensor = self.last(self.mlp(rows))
        return embeddings
