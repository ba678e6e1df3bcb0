"""Files of upstream's schema with generated rows: LargeMix's four and UltraLarge's shards, at any size.

Columns, their order, their types and their oddities are upstream's: classes of genes as CSV, identifiers among the
labels, SMILES that read `restricted`, atoms numbered by maps in an order of their own, a column of text that is named
like a label. Molecules are MiniMix's, each once in a file.
"""

from __future__ import annotations

import random
from pathlib import Path

import numpy as np
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
from rdkit import Chem

from molmix_bench.chem.generate import generate_chunk
from molmix_bench.specs.catalog import load_source_spec

NUM_GENES, NUM_ASSAYS = 978, 1_328
PM6_NODE_COLUMNS = (
    "node_S0_charges_mulliken",
    *(f"node_{state}_{what}" for state in ("T0", "cation", "anion") for what in ("charges_mulliken", "spin_densities")),
)
"""Seven, of which upstream's recipes name the first."""


def molecules(num: int) -> tuple[str, ...]:
    """Returns distinct molecules as canonical SMILES, the same ones at every call."""
    return generate_chunk(0, num, num_molecules=num, seed=0)


def label_of_atom(atom: Chem.Atom, salt: int = 0) -> float:
    """Returns a float32 number that tells an atom's element, bonds and neighbours, alike for equivalent atoms."""
    near = sorted(n.GetAtomicNum() * 10 + n.GetTotalNumHs() for n in atom.GetNeighbors())
    far = sorted(m.GetAtomicNum() for n in atom.GetNeighbors() for m in n.GetNeighbors())
    code = (atom.GetAtomicNum(), atom.GetTotalNumHs(), int(atom.IsInRing()), *near, *far, salt)
    return float(np.float32(random.Random(repr(code)).uniform(-1, 1)))


def labels_of_atoms(smiles: str, salt: int = 0) -> list[float]:
    """Returns the label of each atom of a SMILES, in its order."""
    return [label_of_atom(atom, salt) for atom in Chem.MolFromSmiles(smiles).GetAtoms()]


def ordered(smiles: str, rng: random.Random) -> tuple[str, list[int]]:
    """Returns the SMILES written from a random atom, with maps from 0 in another random order.

    Returns:
        The SMILES, and for each map number the atom of `smiles` that bears it.
    """
    mol = Chem.MolFromSmiles(smiles)
    atom_of_map = list(range(mol.GetNumAtoms()))
    rng.shuffle(atom_of_map)
    for number, atom in enumerate(atom_of_map):
        mol.GetAtomWithIdx(atom).SetIntProp("molAtomMapNumber", number)
    root = rng.randrange(mol.GetNumAtoms())
    return Chem.MolToSmiles(mol, rootedAtAtom=root, canonical=False), atom_of_map


def write_l1000(folder: Path, name: str, smiles: list[str], seed: int) -> None:
    """Writes a table of gene classes; every fiftieth SMILES reads `restricted`, as some of upstream's do."""
    rng = np.random.default_rng(seed)
    classes = rng.choice(5, size=(len(smiles), NUM_GENES), p=[0.01, 0.03, 0.92, 0.03, 0.01])
    rows = range(len(smiles))
    table = pl.DataFrame(
        {
            "full_id": [f"{name}_{row}" for row in rows],
            "pert_id": [f"BRD-{row:08d}" for row in rows],
            "cell_iname": [name] * len(smiles),
            "SMILES": ["restricted" if row % 50 == 49 else text for row, text in enumerate(smiles)],
            "inchi_key": [""] * len(smiles),
            "compound_aliases": ['"a, b"'] * len(smiles),
            **{f"geneID-{10 + 7 * gene}": classes[:, gene].astype(np.int8) for gene in range(NUM_GENES)},
        }
    )
    table.write_csv(folder / f"LINCS_L1000_{name}_0-4.csv.gz", compression="gzip")


def write_pcba(folder: Path, smiles: list[str], seed: int) -> None:
    """Writes a table of assays: 1 active, 0 inactive, null not measured, and identifiers that are no labels."""
    rng = np.random.default_rng(seed)
    rows = len(smiles)
    columns = {"Unnamed: 0": pa.array(range(rows)), "SMILES": pa.array(smiles)}
    for assay in range(NUM_ASSAYS):
        values = (rng.random(rows) < 0.1).astype(np.float64)
        columns[f"assayID-{411 + 13 * assay}"] = pa.array(values, mask=rng.random(rows) > 0.11)
    columns |= {"CID": pa.array(range(rows)), "SID": pa.array(range(rows))}
    pq.write_table(pa.table(columns), folder / "PCBA_1328_1564k.parquet", row_group_size=5_000)


def pcqm4m_table(smiles: list[str], seed: int) -> pa.Table:
    """Returns a table of PCQM4M's: `graph_energy_total` is the row, every second row lacks the tddft columns."""
    rng, numbers = random.Random(seed), np.random.default_rng(seed)
    pairs = [ordered(text, rng) for text in smiles]
    with_tddft = np.arange(len(smiles)) % 2 == 0
    columns: dict[str, pa.Array] = {
        "ordered_cxsmiles_3d": pa.array([text for text, _ in pairs]),
        "ordered_smiles": pa.array([text for text, _ in pairs]),
    }
    datasets = load_source_spec("pcqm4m_g25_n4").datasets
    for task in datasets["pcqm4m_g25"].tasks:
        values = numbers.normal(size=len(smiles)).astype(np.float32)
        if task.name == "energy_total":
            values = np.arange(len(smiles), dtype=np.float32)
        columns[str(task.column)] = pa.array(values, mask=~with_tddft if "tddft" in task.name else None)
    for salt, task in enumerate(datasets["pcqm4m_n4"].tasks):
        lists = [
            _in_order_of_maps(text, atom_of_map, salt) if "tddft" not in task.name or with_tddft[row] else None
            for row, (text, (_, atom_of_map)) in enumerate(zip(smiles, pairs, strict=True))
        ]
        columns[str(task.column)] = pa.array(lists, pa.list_(pa.field("element", pa.float32())))
    return pa.table(columns)


def write_largemix(folder: Path, rows: int) -> dict[str, list[str]]:
    """Writes LargeMix's four files; returns the raw SMILES of each source, in order.

    A tenth of the rows of L1000 and PCBA are molecules of PCQM4M too.
    """
    folder.mkdir(parents=True, exist_ok=True)
    pool = molecules(3 * rows)
    rng = random.Random(7)
    quantum = list(pool[:rows])
    smiles = {"pcqm4m_g25_n4": quantum}
    for source, start in (("l1000_vcap", rows), ("l1000_mcf7", rows), ("pcba_1328", 2 * rows)):
        shared = rng.sample(quantum, rows // 10)
        smiles[source] = [*pool[start : start + rows - len(shared)], *shared]
        rng.shuffle(smiles[source])
    write_l1000(folder, "VCAP", smiles["l1000_vcap"], seed=1)
    write_l1000(folder, "MCF7", smiles["l1000_mcf7"], seed=2)
    write_pcba(folder, smiles["pcba_1328"], seed=3)
    pq.write_table(pcqm4m_table(quantum, seed=4), folder / "PCQM4M_G25_N4.parquet", row_group_size=5_000)
    for name in ("l1000_vcap", "l1000_mcf7"):
        smiles[name] = ["restricted" if row % 50 == 49 else text for row, text in enumerate(smiles[name])]
    return smiles


def write_pm6(folder: Path, rows: tuple[int, ...], *, row_group: int) -> list[str]:
    """Writes shards of UltraLarge of these sizes, in row groups; returns the molecules in the order of rows.

    `graph_S0_energy_total` is the number of the row among all.
    """
    folder.mkdir(parents=True, exist_ok=True)
    smiles, start = list(molecules(sum(rows))), 0
    tasks = load_source_spec("pm6_83m").datasets["pm6_83m_g62"].tasks
    for shard, count in enumerate(rows):
        rng, numbers = random.Random(shard), np.random.default_rng(shard)
        part = smiles[start : start + count]
        pairs = [ordered(text, rng) for text in part]
        columns: dict[str, pa.Array] = {"graph_ordered_smiles": pa.array([text for text, _ in pairs])}
        for task in tasks:
            whole = "_n_" in str(task.column)
            values = numbers.integers(0, 5, count) if whole else numbers.normal(size=count).astype(np.float32)
            if task.name == "S0_energy_total":
                values = np.arange(start, start + count, dtype=np.float32)
            columns[str(task.column)] = pa.array(values)
        for salt, name in enumerate(PM6_NODE_COLUMNS):
            lists = [
                _in_order_of_maps(text, atom_of_map, salt) for text, (_, atom_of_map) in zip(part, pairs, strict=True)
            ]
            columns[name] = pa.array(lists, pa.list_(pa.field("element", pa.float32())))
        pq.write_table(pa.table(columns), folder / f"pm6_86M_{shard}.parquet", row_group_size=row_group)
        start += count
    return smiles


def _in_order_of_maps(smiles: str, atom_of_map: list[int], salt: int) -> list[float]:
    labels = labels_of_atoms(smiles, salt)
    return [labels[atom] for atom in atom_of_map]
