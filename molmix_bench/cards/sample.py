"""A few thousand rows of a dataset, the same whatever the order of its files, in bounded memory."""

from __future__ import annotations

import hashlib

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from molmix_bench.mix import Mix
from molmix_bench.vocab import MOL_ID

# Another key than that of the splits: the smallest hashes under that one are the test split.
_KEY = b"molmix-card-sample"


def sample_rows(mix: Mix, name: str, *, size: int) -> pa.Table:
    """Returns the rows of a dataset, over all its splits, whose molecules have the smallest hashes; in that order.

    No more than `size` rows and one batch are held at a time.
    """
    kept: pa.Table | None = None
    keys = np.empty(0, dtype=np.uint64)
    for split in mix.datasets[name].splits:
        for batch in mix.batches(name, split):
            found = _hashes(batch[MOL_ID])
            near = found < keys[-1] if len(keys) == size else np.ones(len(found), dtype=bool)
            if not near.any():
                continue
            table = pa.Table.from_batches([batch]).filter(pa.array(near))
            both = table if kept is None else pa.concat_tables([kept, table])
            keys = np.concatenate([keys, found[near]])
            order = np.argsort(keys, kind="stable")[:size]
            # Taken, not sliced: a slice would keep the whole batch in memory.
            kept, keys = both.combine_chunks().take(pa.array(order)), keys[order]
    if kept is None:
        raise ValueError(f"dataset {name} has no rows")
    return kept


def _hashes(mol_ids: pa.Array) -> npt.NDArray[np.uint64]:
    digests = (hashlib.blake2b(text.encode(), digest_size=8, key=_KEY).digest() for text in mol_ids.to_pylist())
    return np.frombuffer(b"".join(digests), dtype=">u8").astype(np.uint64)
