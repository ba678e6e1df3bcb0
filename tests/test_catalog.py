"""Tests of the catalog: every file is valid and complete, and what it says of the real files is true of them."""

from __future__ import annotations

import bz2
import re

import numpy as np
import polars as pl
import pytest
from rdkit import Chem
from rdkit.Chem import rdMolDescriptors

from molmix_bench.sources.patterns import expand_source
from molmix_bench.specs.catalog import load_mix_spec, load_source_spec, mix_names, resolve_sources, source_names
from molmix_bench.specs.readers import TableReader
from molmix_bench.specs.suite import load_suite, suite_tasks
from molmix_bench.vocab import DType, Kind, Level
from tests.conftest import RAW

LICENCES = {
    "CC0-1.0",
    "CC-BY-4.0",
    "CC-BY-SA-4.0",
    "MIT",
    "Apache-2.0",
    "LicenseRef-US-Government-Works",
    "LicenseRef-PubChem",
    "LicenseRef-unstated",
}
# Sources whose files have no address that lasts: the user fetches them by hand.
BY_HAND = {"pm6_83m", "l1000_consensus", "bace"}
# Sources whose files have names too general for a folder of raw files (DFT.sdf.gz): ours end in upstream's.
RENAMED = {"cascade_nmr"}
# Sources whose addresses do not end in the name of a file: numbers of an archive, or another name.
OTHER_ADDRESS = {"esol", *(task.source for task in suite_tasks(load_suite("tdc_admet")))}

# The only regression tasks without a unit: pure numbers.
DIMENSIONLESS = {
    ("zinc12k", "SA"),
    ("zinc12k", "logp"),
    ("zinc12k", "score"),
    ("mini_properties", "logp"),
    ("mini_properties", "sa_score"),
    ("mini_properties", "qed"),
    ("mini_atoms", "logp_contribution"),
    ("zinc250k", "logP"),
    ("zinc250k", "qed"),
    ("zinc250k", "SAS"),
    ("pcqm4m_g25", "spherocity"),
    ("lipophilicity", "logd"),
    ("lipophilicity_astrazeneca", "lipophilicity_astrazeneca"),
    *(("pm6_83m_g62", f"{state}_spherocity") for state in ("S0", "T0", "cation", "anion")),
}
PM6_DESCRIPTORS = [
    "mw",
    "fsp3",
    "n_lipinski_hba",
    "n_lipinski_hbd",
    "n_rings",
    "n_hetero_atoms",
    "n_heavy_atoms",
    "n_rotatable_bonds",
    "n_radical_electrons",
    "tpsa",
    "qed",
    "clogp",
    "sas",
    "n_aliphatic_carbocycles",
    "n_aliphatic_heterocyles",
    "n_aliphatic_rings",
    "n_aromatic_carbocycles",
    "n_aromatic_heterocyles",
    "n_aromatic_rings",
    "n_saturated_carbocycles",
    "n_saturated_heterocyles",
    "n_saturated_rings",
]
DIMENSIONLESS |= {("pm6_83m_g62", name) for name in PM6_DESCRIPTORS if name not in ("mw", "tpsa")}
TOYMIX_TASKS = {
    "qm9": "A B C mu alpha homo lumo gap r2 zpve u0 u298 h298 g298 cv u0_atom u298_atom h298_atom g298_atom",
    "tox21": "NR-AR NR-AR-LBD NR-AhR NR-Aromatase NR-ER NR-ER-LBD NR-PPAR-gamma SR-ARE SR-ATAD5 SR-HSE SR-MMP SR-p53",
    "zinc12k": "SA logp score",
}
# The last digit that upstream states and that means something; energies in kcal/mol are converted from 1e-6 Hartree.
RESOLUTION = (
    dict.fromkeys(("A", "B", "C"), 1e-5)
    | dict.fromkeys(("mu", "homo", "lumo", "gap", "r2"), 1e-4)
    | dict.fromkeys(("zpve", "u0", "u298", "h298", "g298"), 1e-6)
    | dict.fromkeys(("u0_atom", "u298_atom", "h298_atom", "g298_atom"), 627.5e-6)
    | {"alpha": 1e-2, "cv": 1e-3}
)
HARTREE = 627.5095
"""kcal/mol."""
# Energies of free atoms in Hartree, from the description of QM9's files (B3LYP/6-31G(2df,p)).
FREE_ATOMS = {"C": -37.846772, "H": -0.500273, "N": -54.583861, "O": -75.064579, "F": -99.718730}


def _raw(name):
    """Returns a raw file as a table, or skips the test."""
    found = sorted([*RAW.rglob(name), *RAW.rglob(f"{name}.gz")])
    if not found:
        pytest.skip(f"no {name} under {RAW}")
    if name.endswith(".parquet"):
        return pl.read_parquet(found[0])
    text = bz2.decompress(found[0].read_bytes()) if name.endswith(".bz2") else found[0]
    separator = "\t" if name.endswith(".tab") or ".tsv" in name else ","
    return pl.read_csv(text, separator=separator, infer_schema_length=None)


def test_what_there_is():
    """The catalog holds the mixes and sources of this release."""
    assert {"toymix", "minimix", "qm9", "zinc12k", "zinc250k"} <= set(mix_names())
    assert {"largemix", "midmix", "ultralarge", "ultralarge_5pct"} <= set(mix_names())
    large = {"pcba_1328", "pcqm4m_g25_n4", "pm6_83m"}
    assert {"qm9", "tox21", "zinc12k", "minimix", "zinc250k", "toxcast", "muv", "pcqm4mv2", *large} <= set(
        source_names()
    )


@pytest.mark.parametrize("name", source_names())
def test_source_is_complete(name):
    """A source's name is its file's; title, description, licence, citation and addresses are there."""
    source = load_source_spec(name)
    assert source.name == name
    assert source.licence in LICENCES
    for text in (source.title, source.description, source.citation):
        assert text.strip()
    for file in source.files:
        assert file.urls or name in BY_HAND
        for url in file.urls:
            name_there = url.rpartition("/")[2]
            renamed = name in RENAMED and file.name.endswith(name_there)
            assert file.name == name_there or renamed or name in OTHER_ADDRESS


@pytest.mark.parametrize("name", source_names())
def test_tasks_are_complete(name):
    """Each task says what it is in one line of its own, and regression tasks their unit, unless they are numbers."""
    for dataset_name, dataset in load_source_spec(name).datasets.items():
        descriptions = [task.description for task in dataset.tasks]
        assert len(set(descriptions)) == len(descriptions)
        assert all("\n" not in text.strip() and not text.endswith(".") for text in descriptions)
        for task in dataset.tasks:
            has_unit = dataset.kind is Kind.REGRESSION and (dataset_name, task.name) not in DIMENSIONLESS
            assert (task.unit is not None) == has_unit, task.name


@pytest.mark.parametrize("name", mix_names())
def test_mix_is_complete(name):
    """A mix's name is its file's, its sources are all in the catalog, and it has a description and a citation."""
    mix = load_mix_spec(name)
    assert mix.name == name
    assert mix.description.strip()
    assert mix.citation.strip()
    assert len(resolve_sources(mix)) == len(mix.sources)


@pytest.mark.parametrize(
    "citation",
    [load_source_spec(name).citation for name in source_names()]
    + [load_mix_spec(name).citation for name in mix_names()],
)
def test_citation_is_bibtex(citation):
    """Every citation holds entries with balanced braces, a title, a year or a DOI, and distinct keys."""
    depth = 0
    for character in citation:
        depth += {"{": 1, "}": -1}.get(character, 0)
        assert depth >= 0
    assert depth == 0
    entries = re.split(r"^(?=@)", citation, flags=re.MULTILINE)[1:]
    keys = [re.match(r"@[a-z]+\{([a-z0-9]+),\n", entry) for entry in entries]
    assert all(keys)
    assert len({key[1] for key in keys}) == len(entries) > 0
    assert all("title" in entry and ("year" in entry or "doi" in entry) for entry in entries)


def test_toymix_is_the_papers():
    """ToyMix: the three sources, 19 + 12 + 3 tasks by upstream's names and in its order, split at random 80:10:10."""
    mix = load_mix_spec("toymix")
    datasets = {name: spec for source in resolve_sources(mix) for name, spec in source.datasets.items()}
    assert {name: " ".join(task.name for task in spec.tasks) for name, spec in datasets.items()} == TOYMIX_TASKS
    assert (mix.split.method, mix.split.validation, mix.split.test, mix.split.seed) == ("paper", 0.1, 0.1, 42)
    assert datasets["tox21"].kind is Kind.BINARY


def test_large_mixes_are_the_papers():
    """LargeMix and UltraLarge: the paper's datasets, fractions and fourth split."""
    large, ultra = load_mix_spec("largemix"), load_mix_spec("ultralarge")
    datasets = [name for source in resolve_sources(large) for name in source.datasets]
    assert datasets == ["l1000_vcap", "l1000_mcf7", "pcba_1328", "pcqm4m_g25", "pcqm4m_n4"]
    for mix, fraction in ((large, 0.04), (ultra, 0.01)):
        assert (mix.split.method, mix.split.validation, mix.split.test, mix.split.seed) == (
            "paper",
            *[fraction] * 2,
            42,
        )
    assert large.split.test_seen.within == "pcqm4m_g25_n4"
    assert large.split.test_seen.sources == ("l1000_vcap", "l1000_mcf7", "pcba_1328")
    twentieth = load_mix_spec("ultralarge_5pct")
    assert (twentieth.sample, twentieth.split, twentieth.sources) == (0.05, ultra.split, ultra.sources)


@pytest.mark.parametrize("name", ["qm9", "zinc12k"])
def test_single_mixes_split_as_toymix(name):
    """A dataset alone has the split that it has within ToyMix."""
    assert load_mix_spec(name).split == load_mix_spec("toymix").split


TABLES = [name for name in source_names() if isinstance(load_source_spec(name).reader, TableReader)]


@pytest.mark.real_data
@pytest.mark.parametrize("name", TABLES)
def test_columns_exist(name):
    """The columns that a spec names are in the real file, and labels of binary tasks are 0, 1 or missing."""
    source = load_source_spec(name)
    table = _raw(next(file.name for file in source.files if not file.companion))
    assert table[source.reader.smiles].dtype == pl.String
    for dataset in expand_source(source, table.columns, file=name).datasets.values():
        for task in dataset.tasks:
            column = table[task.column or task.name]
            assert (column.dtype.inner if dataset.level is Level.NODE else column.dtype).is_numeric(), task.name
            if dataset.kind is Kind.BINARY:
                assert set(column.drop_nulls().unique()) == {0, 1}


@pytest.mark.real_data
def test_qm9_dtypes_keep_upstreams_digits():
    """Stored in its dtype, every label reads back to the digits that upstream states; float64 only where needed."""
    table = _raw("qm9.csv.gz")
    dataset = load_source_spec("qm9").datasets["qm9"]
    for task in dataset.tasks:
        values = table[task.name].to_numpy()
        stored = values.astype(str(dataset.task_dtype(task))).astype(np.float64)
        assert np.abs(stored - values).max() < RESOLUTION[task.name] / 2, task.name
    wide = {task.name for task in dataset.tasks if dataset.task_dtype(task) is DType.FLOAT64}
    # A, B and C need it for the smallest molecules of the full file, such as water (B = 437.90386).
    assert wide == {"A", "B", "C", "r2", "u0", "u298", "h298", "g298"}
    assert abs(float(np.float32(437.90386)) - 437.90386) > RESOLUTION["B"] / 2


@pytest.mark.real_data
def test_qm9_units():
    """The units that the spec states are those in which physics holds between the columns."""
    table = _raw("qm9.csv.gz")
    column = {name: table[name].to_numpy() for name in table.columns[2:]}
    assert np.abs(column["lumo"] - column["homo"] - column["gap"]).max() < 1.5e-4
    # Enthalpy less internal energy is RT, 0.592484 kcal/mol at 298.15 K: both are in Hartree.
    assert np.abs((column["h298"] - column["u298"]) * HARTREE - 0.592484).max() < 1e-3
    # Atomisation energies are in kcal/mol: total energies less those of the free atoms.
    sample = table.gather_every(100)
    for smiles, total, atomisation in sample.select("smiles", "u0", "u0_atom").iter_rows():
        free = sum(FREE_ATOMS[atom.GetSymbol()] for atom in Chem.AddHs(Chem.MolFromSmiles(smiles)).GetAtoms())
        assert (total - free) * HARTREE == pytest.approx(atomisation, abs=2e-2)
    # Pentane: A is some 17 GHz, the heat capacity of the gas at constant volume some 25 cal/mol/K.
    pentane = table.row(by_predicate=pl.col("smiles") == "CCCCC", named=True)
    assert (column["A"] >= column["B"]).all()
    assert (column["B"] >= column["C"]).all()
    assert (pentane["A"], pentane["cv"]) == (pytest.approx(17.0, abs=0.5), pytest.approx(25, abs=2))
    # Thermal corrections raise the internal energy, and entropy lowers the free energy.
    assert (column["u298"] > column["u0"]).all()
    assert (column["g298"] < column["h298"]).all()
    assert (column["zpve"] > 0).all()


@pytest.mark.real_data
def test_zinc12k_score():
    """The score is logp less SA, in upstream's own column."""
    table = _raw("ZINC12k.csv.gz")
    assert np.abs(table["logp"] - table["SA"] - table["score"]).max() < 1e-12
    assert table["SA"].is_between(1, 10).all()


@pytest.mark.real_data
def test_tox21_counts():
    """7,831 compounds, a sixth of the labels missing, as the description says."""
    table = _raw("Tox21-7k-12-labels.csv.gz").select(TOYMIX_TASKS["tox21"].split())
    assert len(table) == 7_831
    assert sum(table.null_count().row(0)) / (12 * len(table)) == pytest.approx(1 / 6, abs=0.01)


def test_pcqm4m_tasks_are_upstreams():
    """25 labels of the molecule and 4 of its atoms; names without the prefix, upstream's misspelling in the column."""
    datasets = load_source_spec("pcqm4m_g25_n4").datasets
    assert {name: len(item.tasks) for name, item in datasets.items()} == {"pcqm4m_g25": 25, "pcqm4m_n4": 4}
    for name, prefix in (("pcqm4m_g25", "graph_"), ("pcqm4m_n4", "node_")):
        for task in datasets[name].tasks:
            assert task.column.replace("mullkien", "mulliken") == prefix + task.name


@pytest.mark.real_data
def test_pcqm4m_columns_are_all_tasks():
    """Every graph_* and node_* column of the real file is a task of its level, and nothing else is."""
    table = _raw("PCQM4M_G25_N4.parquet")
    datasets = load_source_spec("pcqm4m_g25_n4").datasets
    columns = [task.column for item in datasets.values() for task in item.tasks]
    assert columns == [name for name in table.columns if name.startswith(("graph_", "node_"))]


def test_pm6_tasks_are_upstreams():
    """Ten properties in four states and 22 descriptors; the SMILES column, graph_ as they are, is no task."""
    dataset = load_source_spec("pm6_83m").datasets["pm6_83m_g62"]
    orbitals = ["alpha_homo", "alpha_gap", "beta_homo", "beta_gap", "energy_total"]
    shape = ["principal_length_a", "principal_length_b", "principal_length_c", "spherocity", "plane_best_fit"]
    expected = [f"{state}_{name}" for state in ("S0", "T0", "cation", "anion") for name in orbitals + shape]
    assert [task.name for task in dataset.tasks] == expected + PM6_DESCRIPTORS
    assert len(dataset.tasks) == 62
    assert all(task.column == f"graph_{task.name}" for task in dataset.tasks)


@pytest.mark.real_data
def test_pcqm4m_lengths_and_inertia():
    """The lengths are in nm and the moments of inertia in 12 u nm2, against RDKit on the published geometries."""
    params = Chem.SmilesParserParams()
    params.removeHs = False
    for row in _raw("PCQM4M_G25_N4.parquet").iter_rows(named=True):
        # Hydrogens are not published: RDKit puts them where they are within a few hundredths of an angstrom.
        mol = Chem.AddHs(Chem.MolFromSmiles(row["ordered_cxsmiles_3d"], params), addCoords=True)
        masses = np.array([atom.GetMass() for atom in mol.GetAtoms()])
        places = mol.GetConformer().GetPositions()
        places -= np.average(places, axis=0, weights=masses)
        square = (places**2).sum(axis=1)[:, None, None] * np.eye(3) - places[:, :, None] * places[:, None, :]
        moments = np.linalg.eigvalsh((masses[:, None, None] * square).sum(axis=0))[::-1] / 100 / 12
        found = [row[f"graph_inertia_mass_{axis}"] for axis in "abc"]
        assert found == pytest.approx(moments.tolist(), rel=0.02)
        centred = places - places.mean(axis=0)
        along = centred @ np.linalg.svd(centred, full_matrices=False)[2].T
        assert row["graph_principal_length_a"] == pytest.approx(np.ptp(along[:, 0]) / 10, rel=0.05)
        assert row["graph_plane_best_fit"] == pytest.approx(rdMolDescriptors.CalcPBF(mol), rel=0.1)


@pytest.mark.real_data
def test_pcqm4mv2_column_is_a_gap():
    """What upstream calls homo is positive everywhere, as gaps are and energies of occupied orbitals are not."""
    assert _raw("pcqm4mv2-2k.csv")["homo"].min() > 0
    (task,) = load_source_spec("pcqm4mv2").datasets["pcqm4mv2"].tasks
    assert (task.name, task.column, task.unit) == ("gap", "homo", "eV")


@pytest.mark.real_data
def test_toxcast_and_muv_counts():
    """Rows, tasks and missing labels are those that the descriptions give, here counted by polars."""
    toxcast = _raw("toxcast_data.csv.gz").drop("smiles")
    assert toxcast.shape == (8_615, 617)
    assert sum(toxcast.null_count().row(0)) / (8_615 * 617) == pytest.approx(0.7, abs=0.02)
    muv = _raw("muv.csv.gz")
    assert muv["smiles"].n_unique() == 93_087
    labels = muv.select([task.name for task in load_source_spec("muv").datasets["muv"].tasks])
    assert labels.width == 17
    assert sum(labels.null_count().row(0)) / (17 * len(labels)) == pytest.approx(0.842, abs=0.001)
    assert all(24 <= active <= 30 for active in labels.sum().row(0))
