"""The obvious, slow forms of what `graphs` computes, and ways to look at its arrays."""

from __future__ import annotations

import numpy as np
from rdkit import Chem

from molmix_bench.graphs.featurize import ATOM_FEATURES, BOND_FEATURES, featurize
from molmix_bench.vocab import MIX_CONFIG


def of_smiles(*smiles):
    """Returns the graphs of some SMILES."""
    return featurize(smiles, mol_ids=[f"id-{index}" for index in range(len(smiles))])


def atoms(graphs):
    """Returns a dict of values by feature for each atom; the text "other" for codes of no value."""
    return _named(graphs.atom_table[graphs.atom_code], ATOM_FEATURES)


def bonds(graphs):
    """Returns the same for each bond, and its atoms under "atoms"."""
    named = _named(graphs.bond_table[graphs.bonds[:, 2]], BOND_FEATURES)
    return [{**bond, "atoms": tuple(ends)} for bond, ends in zip(named, graphs.bonds[:, :2].tolist(), strict=True)]


def _named(rows, features):
    return [
        {
            feature.name: feature.values[code] if code < len(feature.values) else "other"
            for feature, code in zip(features, row, strict=True)
        }
        for row in rows.tolist()
    ]


def adjacency(graphs, molecule=0):
    """Returns the adjacency matrix of one molecule."""
    size = graphs.atom_ptr[molecule + 1] - graphs.atom_ptr[molecule]
    matrix = np.zeros((size, size))
    for one, other, _ in graphs.bonds[graphs.bond_ptr[molecule] : graphs.bond_ptr[molecule + 1]]:
        matrix[one, other] = matrix[other, one] = 1
    return matrix


def components(matrix):
    """Returns the atoms of each connected component, by search from each atom not yet reached."""
    found, reached = [], set()
    for start in range(len(matrix)):
        if start in reached:
            continue
        members, waiting = {start}, [start]
        while waiting:
            for neighbour in np.flatnonzero(matrix[waiting.pop()]).tolist():
                if neighbour not in members:
                    members.add(neighbour)
                    waiting.append(neighbour)
        reached |= members
        found.append(sorted(members))
    return found


def random_walk(matrix, steps):
    """Returns the diagonals of (D^-1 A)^1..k, by powers of the matrix; zeros for atoms without bonds."""
    degree = matrix.sum(axis=1)
    step = np.divide(matrix, degree[:, None], where=degree[:, None] > 0, out=np.zeros_like(matrix))
    power, diagonals = np.eye(len(matrix)), []
    for _ in range(steps):
        power = power @ step
        diagonals.append(np.diag(power))
    return np.stack(diagonals, axis=1) if steps else np.zeros((len(matrix), 0))


def laplacian(matrix):
    """Returns the symmetric normalised Laplacian of a connected graph of two atoms or more."""
    scale = np.diag(matrix.sum(axis=1) ** -0.5)
    return np.eye(len(matrix)) - scale @ matrix @ scale


def collate(graphs, encodings, features, molecules):
    """Returns the arrays of a batch by name, put together molecule by molecule from lists."""
    atom_code, bond_code, batch, sources, targets, ptr = [], [], [], [], [], [0]
    rows = {"rwse": [], "laplacian_vectors": [], "laplacian_values": []}
    for graph, molecule in enumerate(molecules):
        first, last = graphs.atom_ptr[molecule], graphs.atom_ptr[molecule + 1]
        for bond in range(graphs.bond_ptr[molecule], graphs.bond_ptr[molecule + 1]):
            one, other = (ptr[-1] + int(end) for end in graphs.bonds[bond, :2])
            sources += [one, other]
            targets += [other, one]
            bond_code += 2 * [int(graphs.bonds[bond, 2])]
        atom_code += graphs.atom_code[first:last].tolist()
        batch += [graph] * int(last - first)
        ptr.append(ptr[-1] + int(last - first))
        own = encodings.component[first:last] + encodings.component_ptr[molecule]
        rows["rwse"] += encodings.atom_encodings[first:last, : features.rwse].tolist()
        rows["laplacian_vectors"] += encodings.atom_encodings[first:last, features.rwse :].tolist()
        rows["laplacian_values"] += encodings.laplacian_values[own].tolist()
    return {
        "atom_code": atom_code,
        "bond_code": bond_code,
        "batch": batch,
        "edge_index": [sources, targets],
        "ptr": ptr,
        **rows,
    }


def split_molecules(mix, split):
    """Returns the mol_id of every molecule of a split, sorted, and its number of atoms, as its SMILES parses."""
    params = Chem.SmilesParserParams()
    params.removeHs = False
    table = mix.scan(MIX_CONFIG, split).select("mol_id", "smiles").collect()
    return {mol_id: Chem.MolFromSmiles(smiles, params).GetNumAtoms() for mol_id, smiles in sorted(table.iter_rows())}


def label_rows(mix, name, split):
    """Returns the rows of a dataset's table in one split by mol_id, as dicts; none where it has no such split."""
    if split not in mix.datasets[name].splits:
        return {}
    return {row["mol_id"]: row for row in mix.scan(name, split).collect().iter_rows(named=True)}


def batch_labels(dataset, rows, molecules):
    """Returns the fields of a dataset's labels in a batch, as lists with None for what is missing.

    Args:
        dataset: of a mix.
        rows: as from `label_rows`.
        molecules: mol_id and number of atoms of each graph of the batch.
    """
    labelled = [graph for graph, (mol_id, _) in enumerate(molecules) if mol_id in rows]
    found = [rows[molecules[graph][0]] for graph in labelled]
    if dataset.level == "node":
        nodes, values, first = [], [], 0
        for mol_id, num_atoms in molecules:
            lists = [rows[mol_id][task] or [None] * num_atoms for task in dataset.tasks] if mol_id in rows else []
            for atom, of_tasks in enumerate(zip(*lists, strict=True)):
                if any(label is not None for label in of_tasks):
                    nodes.append(first + atom)
                    values.append(list(of_tasks))
            first += num_atoms
        return {"rows": labelled, "nodes": nodes, "values": values}
    if dataset.is_sparse:
        triples = [
            (owner, *pair)
            for owner, row in enumerate(found)
            for pair in zip(row["task_idx"], row["label"], strict=True)
        ]
        owners, tasks, values = map(list, zip(*triples, strict=True)) if triples else ([], [], [])
        return {"rows": labelled, "owners": owners, "tasks": tasks, "values": values}
    return {"rows": labelled, "values": [[row[task] for task in dataset.tasks] for row in found]}


def fields_of(labels):
    """Returns the fields of labels in a batch as lists, None for NaN."""
    return {name: _without_nan(getattr(labels, name).tolist()) for name in labels.__slots__}


def _without_nan(values):
    if isinstance(values, list):
        return [_without_nan(value) for value in values]
    return None if isinstance(values, float) and np.isnan(values) else values
