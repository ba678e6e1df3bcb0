"""Tests of a written card: true to its files, accepted by `datasets`, the same every time, whole after a crash."""

from __future__ import annotations

import json
import shutil

import datasets
import pytest

from molmix_bench.cards import write
from molmix_bench.cards.check import check_card, read_front
from molmix_bench.cards.document import one_line
from molmix_bench.cards.write import write_card
from molmix_bench.errors import MixError, SpecError, UsageError
from molmix_bench.mix import Mix
from molmix_bench.validate.findings import Severity
from molmix_bench.validate.run import validate
from tests.build.tiny import ALKANES, build_tiny, numbered, table_source
from tests.cards.conftest import NASTY

datasets.disable_progress_bars()


def _bytes(path):
    return {file.relative_to(path).as_posix(): file.read_bytes() for file in path.rglob("*") if file.is_file()}


def test_front_matter_is_what_datasets_finds(carded, tmp_path):
    """Columns, rows and bytes of every config are those that `datasets` counts by itself."""
    front = read_front(carded.path / "README.md")
    assert [config.config_name for config in front.configs] == ["mix", "one", "bin", "many", "classes", "tasks"]
    for info in front.dataset_info:
        loaded = datasets.load_dataset(str(carded.path), info.config_name, cache_dir=str(tmp_path))
        found = {
            name: (rows.info.splits[name].num_bytes, len(rows), rows.features._to_yaml_list())
            for name, rows in loaded.items()
        }
        assert found == {
            split.name: (split.num_bytes, split.num_examples, list(info.features)) for split in info.splits
        }


def test_features_are_those_of_the_files(carded):
    """Without a card, `datasets` finds the same columns in the files."""
    for info in read_front(carded.path / "README.md").dataset_info:
        name = "tasks.parquet" if info.config_name == "tasks" else f"{info.config_name}/train-*.parquet"
        plain = datasets.load_dataset("parquet", data_files=[str(p) for p in carded.path.glob(name)], split="train")
        assert plain.features._to_yaml_list() == list(info.features)


def test_a_wrong_count_breaks_loading(carded, tmp_path):
    """Our own check refuses what `datasets` refuses, and two default configs, which `datasets` takes."""
    copy = shutil.copytree(carded.path, tmp_path / "mix")
    card = copy / "README.md"
    text = card.read_text()
    rows = f"num_examples: {carded.splits['train']}"
    assert rows in text
    for wrong in (
        text.replace(rows, "num_examples: 1", 1),
        text.replace("- config_name: one\n", "- config_name: one\n  default: true\n", 1),
        text.replace("path: one/train-*", "path: one/*", 1),
        text.replace("  default: true\n", "", 1),
    ):
        assert wrong != text
        card.write_text(wrong)
        with pytest.raises(MixError):
            check_card(_unchecked(copy))
    card.write_text(text.replace("pretty_name:", "prety_name:", 1))
    with pytest.raises(SpecError, match="pretty_name"):
        check_card(_unchecked(copy))


def _unchecked(path):
    """Returns a mix of which README.md has been changed."""
    data = json.loads((path / "manifest.json").read_text())
    for file in data["files"]:
        file["num_bytes"] = (path / file["path"]).stat().st_size
    (path / "manifest.json").write_text(json.dumps(data))
    return Mix(path)


def test_torch_lines_do_what_they_say(carded, tmp_path):
    """The card's casts give float32 with and without missing labels, and keep the digits of float64."""
    torch = pytest.importorskip("torch")
    from datasets import Features, Value

    rows = datasets.load_dataset(str(carded.path), "bin", split="train", cache_dir=str(tmp_path))
    line = next(piece for piece in (carded.path / "README.md").read_text().split("`") if piece.startswith("rows = "))
    scope = {"rows": rows, "Features": Features, "Value": Value}
    assert rows.with_format("torch")[:]["b-1"].dtype == torch.int64
    exec(line, scope)  # noqa: S102 - the card's own line is what is tested
    cast = scope["rows"].with_format("torch")[:]
    assert cast["b-1"].dtype == cast["b-2"].dtype == torch.float32
    rows = datasets.load_dataset(str(carded.path), "one", split="train", cache_dir=str(tmp_path))
    assert rows.with_format("torch", dtype=torch.float64)[0]["t0"].dtype == torch.float64


def test_same_bytes_every_time(carded, built, tmp_path):
    """Another card of the same build is the same bytes; the next test has a card of a mix that has one."""
    copy = shutil.copytree(built, tmp_path / "mix")
    write_card(copy)
    assert _bytes(copy) == _bytes(carded.path)


def test_validate_accepts_a_card(carded):
    """A mix with card, figures and Croissant has no file that the manifest does not name, and no error."""
    findings = validate(carded.path)
    assert not [item for item in findings if item.check == "files" or item.severity is Severity.ERROR]


@pytest.fixture
def plain_figures(monkeypatch):
    """Puts two figures of a few bytes in place of the drawn ones, which take seconds."""
    figures = dict.fromkeys(("density", "sizes"), (b"light", b"dark"))
    monkeypatch.setattr(write, "_draw", lambda *_: figures)


@pytest.mark.parametrize("writes", range(8))
def test_a_crash_leaves_a_mix_that_opens(built, tmp_path, monkeypatch, writes, plain_figures):
    """Wherever writing stops, the mix opens, and the same command gives the same bytes."""
    whole = _bytes(write_card(shutil.copytree(built, tmp_path / "whole")).path)
    # A card of before, with another figure, is the harder case.
    copy = shutil.copytree(tmp_path / "whole", tmp_path / "mix")
    with monkeypatch.context() as patch:
        patch.setattr(write, "_draw", lambda *_: {"density": (b"other", b"other"), "space": (b"1", b"2")})
        write_card(copy)
    with monkeypatch.context() as patch:
        done = []

        def _stop(function):
            def _write(*args):
                if len(done) == writes:
                    raise KeyboardInterrupt
                done.append(args)
                return function(*args)

            return _write

        patch.setattr(write, "written_whole", _stop(write.written_whole))
        patch.setattr(write, "write_text", _stop(write.write_text))
        with pytest.raises(KeyboardInterrupt):
            write_card(copy)
    assert Mix(copy).name == "tiny"
    write_card(copy)
    assert _bytes(copy) == whole


def test_names_that_are_markup(nasty, tmp_path):
    """Titles, tasks and citations that are YAML, markdown and HTML change neither front matter nor configs."""
    front = read_front(nasty.path / "README.md")
    assert front.pretty_name == one_line(f"{NASTY} --- - x: y")
    assert front.license == "other"
    assert [config.config_name for config in front.configs] == ["mix", "one", "tasks"]
    loaded = datasets.load_dataset(str(nasty.path), "one", split="train", cache_dir=str(tmp_path))
    assert NASTY.replace("/", "") in loaded.column_names
    body = (nasty.path / "README.md").read_text().split("\n---\n", 1)[1]
    assert "<img src=x" not in body.split("```")[0]


def test_one_dataset_has_nothing_in_common(nasty):
    """A mix of one dataset says so, and has no figure of overlaps."""
    assert "has one dataset" in (nasty.path / "README.md").read_text()
    assert not (nasty.path / "figures/overlap.png").exists()
    assert (nasty.path / "figures/leakage.png").exists()


def test_many_tasks_are_a_few_rows(carded):
    """130 tasks are eight rows and a sentence."""
    text = (carded.path / "README.md").read_text()
    assert "122 more tasks" in text
    assert "| `s7` |" in text
    assert "| `s8` |" not in text


def test_nothing_held_out(tmp_path):
    """A mix that is all train has no leakage, and a card."""
    mix = build_tiny(tmp_path, table_source("one", numbered(ALKANES), tmp_path), validation=0, test=0)
    text = (write_card(mix.path).path / "README.md").read_text()
    assert "Nothing is held out" in text
    assert not (mix.path / "figures/leakage.png").exists()


def test_dataset_without_a_split(tmp_path):
    """A dataset of three rows has no test split here: a dash in the table, a sentence among the issues."""
    small = table_source("small", numbered(ALKANES[:3]), tmp_path)
    mix = build_tiny(tmp_path, table_source("one", numbered(ALKANES), tmp_path), small, method="paper")
    assert list(mix.datasets["small"].splits) == ["train"]
    text = (write_card(mix.path).path / "README.md").read_text()
    assert "small has no labels in validation, test" in text
    assert "| `small` | 100% | - | - |" in text


@pytest.mark.parametrize(
    ("change", "error", "says"),
    [
        (shutil.rmtree, MixError, "no such directory"),
        (lambda path: (path / "manifest.json").unlink(), MixError, "no manifest.json"),
        (
            lambda path: (path / "manifest.json").write_text(
                (path / "manifest.json").read_text().replace('"molmix-1"', '"molmix-2"')
            ),
            MixError,
            "molmix-2",
        ),
    ],
)
def test_no_mix(built, tmp_path, change, error, says):
    """A missing directory, an unfinished one and one of a newer format are refused by name."""
    copy = shutil.copytree(built, tmp_path / "mix")
    change(copy)
    with pytest.raises(error, match=says):
        write_card(copy)


@pytest.mark.parametrize("options", [{"repository": 'a/b"); import os; ("'}, {"published": "2024-13-01"}])
def test_bad_arguments(built, options):
    """A repository that is no name and a day that is none are usage errors; nothing is written."""
    before = _bytes(built)
    with pytest.raises(UsageError):
        write_card(built, **options)
    assert _bytes(built) == before


def test_missing_extra(built, monkeypatch):
    """Without matplotlib the error says what to install."""
    from molmix_bench import extras
    from molmix_bench.errors import MissingExtraError

    monkeypatch.setattr(extras, "find_spec", lambda _: None)
    with pytest.raises(MissingExtraError, match="molmix-bench\\[cards\\]"):
        write_card(built)
