"""How the files of a source are read: one model per file form."""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import Field, StringConstraints, model_validator

from molmix_bench.specs.base import Spec

FileName = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_][A-Za-z0-9._-]{0,127}$")]
"""A bare file name: no directories, no leading dot."""
MemberName = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_][A-Za-z0-9._/-]{0,255}$")]
"""The name of a file within an archive, as the archive writes it."""
TitlePattern = Annotated[str, StringConstraints(pattern=r"^[^*]*\*[^*]*$")]
MISSING = ("", "NA", "N/A", "NaN", "nan", "null", "None")
"""Texts that stand for a missing label, unless a reader says otherwise."""


class LookupSpec(Spec):
    """SMILES that stand in another table than the labels."""

    file: FileName
    """A companion file of the source, a table."""
    key: str
    """Its column with the identifier."""
    smiles: str
    """Its column with the SMILES."""
    missing: tuple[str, ...] = ("",)
    """Texts that stand for no SMILES."""


class TableReader(Spec):
    """Rows of a CSV, TSV or parquet file, gzip or bzip2 allowed; the form is told by the file's name.

    Labels of atoms are list columns; place i of a list belongs to the atom with map number i, or, in a SMILES without
    atom maps, to its i-th atom.
    """

    form: Literal["table"] = "table"
    smiles: str
    """The column with the SMILES or, with a `lookup`, with the identifier to look up."""
    lookup: LookupSpec | None = None
    missing: tuple[str, ...] = MISSING
    """Texts that stand for a missing label in CSV and TSV files."""

    @property
    def companions(self) -> tuple[str, ...]:
        """Names of the companion files that this reader needs."""
        return () if self.lookup is None else (self.lookup.file,)


class SignatureTable(Spec):
    """A table of what was done in each signature, for GCTX files that hold no more than the signatures' names."""

    file: FileName
    """A companion file of the source, a table."""
    key: str
    """Its column with the signature's name, `id` in the GCTX file."""


class GeneTable(Spec):
    """A table of genes, of which only some are tasks."""

    file: FileName
    """A companion file of the source, a table."""
    key: str
    """Its column with the identifier that the GCTX file gives under `gene`."""
    where: Annotated[dict[str, str], Field(min_length=1)]
    """Column -> the text that it has for the genes wanted."""


class GctxReader(Spec):
    """Signatures of a GCTX file (HDF5, as the Connectivity Map publishes them): a row each, a task per gene.

    Only the signatures chosen are rows of the source, numbered in the order of the file. Tasks have the identifiers of
    the genes for columns.
    """

    form: Literal["gctx"] = "gctx"
    molecule: str
    """The signature's field with the identifier of its compound."""
    lookup: LookupSpec
    where: dict[str, str] = Field(default_factory=dict)
    """Field -> the text that it has in the signatures wanted; numbers in their shortest form (`1`)."""
    signatures: SignatureTable | None = None
    """Where the signatures' fields are; in the GCTX file itself where null."""
    gene: str = "id"
    """The gene's field with its identifier, in the GCTX file."""
    genes: GeneTable | None = None
    """Which genes to take; all where null."""

    @property
    def companions(self) -> tuple[str, ...]:
        """Names of the companion files that this reader needs."""
        tables = (self.lookup, self.signatures, self.genes)
        return tuple(dict.fromkeys(table.file for table in tables if table is not None))


class RecordLabels(Spec):
    """Labels that stand in a table beside the structures: a row per molecule or, with `atom`, per labelled atom."""

    file: FileName | None = None
    """A companion file of the source, a table."""
    member: MemberName | None = None
    """A table in the archive of the structures, in place of a companion."""
    molecule: str | None = None
    """Its column with the record's name; where null, the record's name is the number of the row, from 0."""
    atom: str | None = None
    """Its column with the number of the atom, from 0 in the order of the record."""
    element: str | None = None
    """Its column with the atomic number, which must be that of the atom in the record."""
    missing: tuple[str, ...] = MISSING
    """Texts that stand for a missing label."""

    @model_validator(mode="after")
    def _is_consistent(self) -> Self:
        if (self.file is None) == (self.member is None):
            raise ValueError("give either `file`, a companion, or `member`, of the archive with the structures")
        if self.element is not None and self.atom is None:
            raise ValueError("`element` goes with `atom`")
        if self.atom is not None and self.molecule is None:
            raise ValueError("`atom` goes with `molecule`")
        return self


class SdfReader(Spec):
    """Records of an SDF file, gzip allowed, or of one in a .tar.gz or .zip archive.

    Without `labels`, tasks are the records' own properties; a label per atom is a property with as many numbers as the
    record has atoms, between spaces or line breaks.
    """

    form: Literal["sdf"] = "sdf"
    member: MemberName | None = None
    """Which file of the archive."""
    title: TitlePattern | None = None
    """What a record's first line is like, `*` standing for its name; others are drops. Where null, all of it is."""
    bonds: Literal["file", "coordinates"] = "file"
    """Whether bonds are those of the record, or perceived from the coordinates of a neutral molecule."""
    labels: RecordLabels | None = None
    missing: tuple[str, ...] = MISSING
    """Texts that stand for a missing label in the records' properties."""

    @property
    def companions(self) -> tuple[str, ...]:
        """Names of the companion files that this reader needs."""
        return () if self.labels is None or self.labels.file is None else (self.labels.file,)


class MatrixLabels(Spec):
    """Labels in a matrix of a MATLAB file (version 5 to 7.2): a row per molecule, in the order of the structures."""

    file: FileName
    """A companion file of the source."""
    variable: str
    """The matrix with the labels."""
    columns: Annotated[tuple[str, ...], Field(min_length=1)]
    """What its columns are, in order."""
    coulomb: str | None = None
    """Coulomb matrices of the molecules; where given, their diagonals must be those of the structures' elements."""


class XyzReader(Spec):
    """Molecules of an XYZ file, gzip allowed, or of one in a .tar.gz or .zip archive.

    Blank lines may stand between molecules. Bonds are perceived from the coordinates (in angstrom) of a neutral
    molecule.
    """

    form: Literal["xyz"] = "xyz"
    member: MemberName | None = None
    """Which file of the archive."""
    comment: tuple[str, ...] = ()
    """What the numbers on each molecule's comment line are, in order."""
    matrix: MatrixLabels | None = None
    missing: tuple[str, ...] = MISSING
    """Texts that stand for a missing label on the comment line."""

    @model_validator(mode="after")
    def _is_consistent(self) -> Self:
        names = self.label_columns
        if bool(self.comment) == (self.matrix is not None):
            raise ValueError("labels are either on the comment line (`comment`) or in a `matrix`")
        if len(set(names)) < len(names):
            raise ValueError("names of columns repeat")
        return self

    @property
    def label_columns(self) -> tuple[str, ...]:
        """The columns that tasks can be."""
        return self.comment if self.matrix is None else self.matrix.columns

    @property
    def companions(self) -> tuple[str, ...]:
        """Names of the companion files that this reader needs."""
        return () if self.matrix is None else (self.matrix.file,)


class GeneratedReader(Spec):
    """Molecules and labels computed on this machine by a generator of ours; nothing is downloaded."""

    form: Literal["generated"] = "generated"
    generator: Literal["minimix"] = "minimix"
    num_molecules: Annotated[int, Field(ge=1, le=100_000)]
    seed: int = 0

    @property
    def companions(self) -> tuple[str, ...]:
        """None."""
        return ()


Reader = TableReader | GctxReader | SdfReader | XyzReader | GeneratedReader
