"""The words of the package: levels, kinds, splits, reasons, and every column and array name once.

Other modules refer to these names and never spell them out, so that a file written in one place is
read in another by construction.
"""

from __future__ import annotations

from enum import StrEnum


class Level(StrEnum):
    """What a label belongs to."""

    GRAPH = "graph"
    NODE = "node"
    EDGE = "edge"
    """Reserved: no dataset uses it yet."""


class Kind(StrEnum):
    """What a label can be."""

    REGRESSION = "regression"
    BINARY = "binary"
    MULTICLASS = "multiclass"


class Split(StrEnum):
    """The parts of a dataset; the Hub refuses `-` in a split's name."""

    TRAIN = "train"
    VALIDATION = "validation"
    TEST = "test"
    TEST_SEEN = "test_seen"
    """Molecules of one dataset that another dataset of the mix holds in its train split."""


SPLITS: tuple[Split, ...] = tuple(Split)
"""Splits in the order in which files, tables and reports list them."""


class DType(StrEnum):
    """How labels are stored: Arrow and NumPy use the same names."""

    FLOAT32 = "float32"
    FLOAT64 = "float64"
    INT8 = "int8"


class DropReason(StrEnum):
    """Why a row or a label did not make it into a mix."""

    EMPTY_SMILES = "empty_smiles"
    """The row names no molecule."""
    UNPARSABLE = "unparsable"
    """RDKit cannot parse or sanitise the molecule; the detail quotes RDKit."""
    NO_ATOMS = "no_atoms"
    """The molecule parses but holds no atom."""
    TOO_LARGE = "too_large"
    """The molecule has more atoms than the source's `max_atoms`."""
    NO_LABELS = "no_labels"
    """The row has no label of this dataset."""
    NOT_SAMPLED = "not_sampled"
    """The mix takes a sample, and the row is not in it; counted, not listed."""
    ATOM_MAPS = "atom_maps"
    """Labels of atoms, but the SMILES does not say which atom is which."""
    WRONG_LENGTH = "wrong_length"
    """A list of atom labels is not as long as the molecule has atoms."""
    NO_ATOM = "no_atom"
    """The labelled atom is not in the stored SMILES, most often a hydrogen that is part of its neighbour there."""
    NO_SPLIT = "no_split"
    """The published split file does not name the row."""
    CONFLICT = "conflict"
    """Duplicates disagree and the policy names no winner (a tie under `majority`)."""
    CENSORED = "censored"
    """The label is a bound, such as `>10`, and no value; found in a user's own measurements."""
    NO_NUMBER = "no_number"
    """The label is no number, or no class of its task; likewise."""


class Policy(StrEnum):
    """How duplicates of one molecule within one split of a dataset become one row."""

    MEAN = "mean"
    MAJORITY = "majority"
    MAX_VARIANCE = "max_variance"
    FIRST = "first"


# Columns of the dataset and mix tables.
MOL_ID = "mol_id"
"""Non-standard InChIKey with fixed hydrogens, or `SMI-` and a hash where InChI fails: the identity of a molecule."""
SMILES = "smiles"
"""Canonical isomeric SMILES without atom maps; node labels follow the order of its atoms."""
INCHIKEY = "inchikey"
"""Standard InChIKey; null where InChI fails."""
TASK_IDX = "task_idx"
"""Sparse tables: list<int16>, the tasks for which the molecule has a label, increasing."""
LABEL = "label"
"""Sparse tables: the labels that belong to `task_idx`."""
IDENTITY_COLUMNS: tuple[str, ...] = (MOL_ID, SMILES, INCHIKEY)
RESERVED_COLUMNS: frozenset[str] = frozenset({*IDENTITY_COLUMNS, TASK_IDX, LABEL})

MAX_WIDE_TASKS = 100
"""Datasets of more tasks than this are stored as a sparse pair; the Hub's viewer refuses 1,000 columns."""

# Columns of prediction files.
PREDICTION = "prediction"
"""list<float>: one value per task in task order (node level: a list per task; multiclass: task-major)."""

# Encodings of a graph's nodes.
RWSE = "rwse"
"""(num_nodes, k): the probabilities that a random walk is back where it began after 1..k steps."""
LAPLACIAN_VECTORS = "laplacian_vectors"
"""(num_nodes, k): the normalised Laplacian's first non-trivial eigenvectors; 0 where there are fewer than k."""
LAPLACIAN_VALUES = "laplacian_values"
"""(num_nodes, k): the eigenvalues that belong to them, the same for all atoms of one connected component."""

# Names in a mix directory.
MIX_CONFIG = "mix"
"""The Hub config with one row per molecule; no dataset may bear this name."""
TASKS_CONFIG = "tasks"
TASKS_SPLIT = "full"
"""`all` is reserved by the Hub's client."""
RESERVED_CONFIGS: frozenset[str] = frozenset({MIX_CONFIG, TASKS_CONFIG, "default", "all"})
MANIFEST_FILE = "manifest.json"
TASKS_FILE = "tasks.parquet"
DROPS_FILE = "drops.parquet"
CONFLICTS_FILE = "conflicts.parquet"
README_FILE = "README.md"

SEED_STEM = "seed={seed}"
"""Prediction files are `<dataset>/<split>/seed=<k>.parquet`."""


def shard_name(split: Split, index: int, count: int) -> str:
    """Returns the file name of one shard.

    >>> shard_name(Split.TRAIN, 0, 12)
    'train-00000-of-00012.parquet'
    """
    return f"{split}-{index:05d}-of-{count:05d}.parquet"
