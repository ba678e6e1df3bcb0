"""The section that says how to load a mix, in lines that can be copied."""

from __future__ import annotations

from molmix_bench.cards.document import Block, Bullets, Code, Heading, Listing, Paragraph, Text
from molmix_bench.mix import Dataset, Mix
from molmix_bench.specs.catalog import mix_names
from molmix_bench.vocab import DType, Kind, Level

_REPOSITORY_LINE = "REPOSITORY, REVISION = "


def default_repository(name: str) -> str:
    """Returns the Hub repository that a card names when it is told none: the project's for a mix of the catalog.

    >>> default_repository("toymix"), default_repository("mine")
    ('molmix/toymix', 'OWNER/mine')
    """
    return f"{'molmix' if name in mix_names() else 'OWNER'}/{name}"


def revision_of(version: str) -> str:
    """Returns the tag under which a version is published.

    >>> revision_of("1.0.0")
    'v1.0.0'
    """
    return f"v{version}"


def load_lines(repository: str, version: str, first: str, split: str) -> str:
    """Returns the lines that load the mix table, one dataset and the tasks, of one fixed version."""
    revision = revision_of(version)
    return "\n".join(
        [
            "from datasets import load_dataset",
            "",
            f'{_REPOSITORY_LINE}"{repository}", "{revision}"  # or the path of a built directory',
            "# One row per molecule, with the labels of all datasets:",
            "mix = load_dataset(REPOSITORY, revision=REVISION)",
            "# One dataset, one split:",
            f'rows = load_dataset(REPOSITORY, "{first}", split="{split}", revision=REVISION)',
            "# Names, units and statistics of the tasks:",
            'tasks = load_dataset(REPOSITORY, "tasks", split="full", revision=REVISION)',
        ]
    )


def names_repository(card: str, repository: str) -> bool:
    """Whether a card tells its readers to load this repository.

    >>> names_repository(load_lines("molmix/toymix", "1.0.0", "qm9", "train"), "molmix/toymix")
    True
    """
    return f'{_REPOSITORY_LINE}"{repository}"' in card


def load_section(mix: Mix, repository: str) -> list[Block]:
    """Returns how to load a built mix, and what its labels need to become tensors."""
    first = next(iter(mix.datasets.values()))
    split = str(next(iter(first.splits)))
    return [
        Heading(2, "Load it"),
        Listing("python", load_lines(repository, mix.version, first.name, split)),
        Paragraph(
            "A label that is missing is null, and NaN in arrays and tensors; a list is never null, and empty where a "
            "molecule has no labels of a dataset. For PyTorch:"
        ),
        Bullets(_tensor_notes(mix)),
    ]


def _tensor_notes(mix: Mix) -> list[Text]:
    wide = [item for item in mix.datasets.values() if not item.is_sparse and item.level is Level.GRAPH]
    classes = [item for item in wide if item.kind is not Kind.REGRESSION]
    doubles = [item for item in mix.datasets.values() if _has_doubles(item)]
    notes: list[Text] = []
    if classes:
        notes.append(
            (
                f"Classes ({_names(classes)}) come as int64 where a batch has all labels, float32 where it lacks one; ",
                "this makes them float32 always: ",
                Code(
                    'rows = rows.cast(Features({n: Value("float32") if getattr(f, "dtype", "") == "int8" else f '
                    "for n, f in rows.features.items()}))"
                ),
                ", with ",
                Code("from datasets import Features, Value"),
                ".",
            )
        )
    if doubles:
        notes.append(
            (
                f"Some tasks of {_names(doubles)} have more digits than float32 holds, which is what ",
                Code('with_format("torch")'),
                " makes of them; this keeps them: ",
                Code('rows.with_format("torch", dtype=torch.float64)'),
                ".",
            )
        )
    if sparse := [item for item in mix.datasets.values() if item.is_sparse]:
        notes.append(
            (
                f"{_names(sparse)}: ",
                Code("task_idx"),
                " has the positions of the tasks for which a molecule has a label, ",
                Code("label"),
                " the labels beside them; no cast is needed, since nothing in them is missing.",
            )
        )
    if nodes := [item for item in mix.datasets.values() if item.level is Level.NODE]:
        notes.append(
            f"{_names(nodes)}: a list per task, one value per atom in the order of the atoms in smiles, or empty; "
            "hydrogens that smiles does not write have none."
        )
    return notes or [("Labels are float32 and need no cast: ", Code('rows.with_format("torch")'), ".")]


def _has_doubles(dataset: Dataset) -> bool:
    return any(dataset.spec.task_dtype(task) is DType.FLOAT64 for task in dataset.spec.tasks)


def _names(datasets: list[Dataset]) -> str:
    return ", ".join(item.name for item in datasets)
