"""Sizes as published, for mixes whose raw files are too large to build everywhere: each number with its source."""

from __future__ import annotations

from dataclasses import dataclass

from molmix_bench.vocab import Split

PAPER = "Beaini et al., ICLR 2024, arXiv 2310.04292"
SCRIPTS = "the split sizes that the authors' own preparation scripts printed"
ROWS = "the rows of the published file"


@dataclass(frozen=True, slots=True)
class PublishedSize:
    """How much of something there is, by whom.

    Attributes:
        rows: rows of the raw file, duplicates included; a molecule may have several.
        splits: rows of each split; none where not published.
    """

    rows: int
    source: str
    splits: tuple[tuple[Split, int], ...] = ()


@dataclass(frozen=True, slots=True)
class PublishedMix:
    """A mix as published.

    Attributes:
        molecules: of the mix, as stated.
        source: of that number.
        rounded: whether the source rounds it.
        tasks: by the paper, of the datasets whose tasks the spec leaves to the columns of the file.
        sizes: per source of the mix.
        notes: further published numbers, each with its source.
    """

    molecules: int
    source: str
    sizes: dict[str, PublishedSize]
    notes: tuple[str, ...] = ()
    rounded: bool = False
    tasks: tuple[tuple[str, int], ...] = ()


def _splits(train: int, validation: int, test: int, test_seen: int | None = None) -> tuple[tuple[Split, int], ...]:
    named = ((Split.TRAIN, train), (Split.VALIDATION, validation), (Split.TEST, test))
    return (*named, (Split.TEST_SEEN, test_seen)) if test_seen is not None else named


_ULTRALARGE = PublishedSize(83_746_835, SCRIPTS, _splits(82_071_899, 837_468, 837_468))

PUBLISHED: dict[str, PublishedMix] = {
    "toymix": PublishedMix(
        154_000,
        PAPER,
        {
            "qm9": PublishedSize(133_885, ROWS),
            "tox21": PublishedSize(7_831, ROWS),
            "zinc12k": PublishedSize(12_000, ROWS),
        },
        rounded=True,
    ),
    "largemix": PublishedMix(
        5_400_000,
        PAPER,
        {
            "l1000_vcap": PublishedSize(15_220, SCRIPTS, _splits(13_316, 578, 578, 748)),
            "l1000_mcf7": PublishedSize(11_622, SCRIPTS, _splits(9_713, 422, 422, 1_065)),
            "pcba_1328": PublishedSize(1_563_664, SCRIPTS, _splits(1_386_580, 60_286, 60_286, 56_512)),
            "pcqm4m_g25_n4": PublishedSize(3_810_323, SCRIPTS, _splits(3_512_805, 148_759, 148_759)),
        },
        (f"PCBA_1328 has about 224 million labels ({PAPER}).",),
        rounded=True,
        tasks=(("l1000_vcap", 978), ("l1000_mcf7", 978), ("pcba_1328", 1_328)),
    ),
    "ultralarge": PublishedMix(
        83_000_000,
        PAPER,
        {"pm6_83m": _ULTRALARGE},
        (f"69 tasks ({PAPER}), and 13 billion labels in UltraLarge, LargeMix and ToyMix together.",),
        rounded=True,
        tasks=(("pm6_83m_n7", 7),),
    ),
    "zinc250k": PublishedMix(249_455, ROWS, {"zinc250k": PublishedSize(249_455, ROWS)}),
    "qm7b": PublishedMix(
        7_211,
        "Montavon et al., New J. Phys. 2013, 15, 095003",
        {"qm7b": PublishedSize(7_211, "Montavon et al., New J. Phys. 2013, 15, 095003")},
    ),
}
"""By the name of the catalog's mix."""
