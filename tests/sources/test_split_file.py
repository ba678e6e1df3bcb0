"""Tests of published split files: what torch writes is read, what is not row numbers is refused."""

from __future__ import annotations

import os
import pickle
import zipfile

import numpy as np
import pytest
import torch

from molmix_bench.errors import SourceError
from molmix_bench.sources.split_file import read_split_file, split_codes
from molmix_bench.vocab import Split


def _save(path, data):
    torch.save(data, path)
    return path


@pytest.mark.parametrize(
    "convert", [list, np.array, lambda rows: np.array(rows, np.int32), lambda rows: [int(r) for r in rows]]
)
def test_what_torch_saves(tmp_path, convert):
    """Lists and integer arrays, as upstream's files hold them, are read without torch."""
    data = {"train": convert([3, 1]), "val": convert([0]), "test": convert([2]), "test_seen": convert([5])}
    splits = read_split_file(_save(tmp_path / "s.pt", data))
    assert {str(split): rows.tolist() for split, rows in splits.items()} == {
        "train": [3, 1],
        "validation": [0],
        "test": [2],
        "test_seen": [5],
    }


def test_codes(tmp_path):
    """Rows that the file does not name have no split."""
    path = _save(tmp_path / "s.pt", {"train": [0, 2], "val": [3], "test": [4]})
    names = list(Split)
    assert [names[code] if code >= 0 else None for code in split_codes(path, 6)] == [
        "train",
        None,
        "train",
        "validation",
        "test",
        None,
    ]
    with pytest.raises(SourceError, match="row 4 in test; expected 0 to 3"):
        split_codes(path, 4)


class _Evil:
    """Runs a command where it is unpickled carelessly."""

    def __reduce__(self):
        return os.system, ("touch pwned",)


class _Huge:
    """Asks for an array of a terabyte."""

    def __reduce__(self):
        return np.ndarray, ((10**12,),)


@pytest.mark.parametrize(
    ("data", "what"),
    [
        ({"train": _Evil()}, "it asks for posix.system"),
        ({"train": _Huge()}, "not callable"),
        ({"train": torch.tensor([1])}, "tensor"),
        ({"train": [1.5]}, "expected a list or array of row numbers"),
        ({"train": [True]}, "expected a list or array of row numbers"),
        ({"train": np.array([1.5])}, "'f8'"),
        ({"train": np.array([{}], dtype=object)}, "'O8'"),
        ({"train": np.array([[1]])}, "expected a list or array of row numbers"),
        ({"training": [1]}, "keys 'training'"),
        ([1, 2], "found keys"),
        ({"train": [1, 1]}, "a row in two splits, or twice in one"),
        ({"train": [1], "test": [1]}, "a row in two splits, or twice in one"),
    ],
)
def test_anything_else_is_refused(tmp_path, monkeypatch, data, what):
    """Code, tensors, floats, objects, wrong keys and repeated rows are refused with their reason; nothing runs."""
    monkeypatch.chdir(tmp_path)
    path = tmp_path / "s.pt"
    with zipfile.ZipFile(path, "w") as archive:
        if "tensor" in what:
            torch.save(data, path.with_suffix(".real"))
        archive.writestr("s/data.pkl", pickle.dumps(data) if "tensor" not in what else b"")
    if "tensor" in what:
        path = path.with_suffix(".real")
    with pytest.raises(SourceError) as error:
        read_split_file(path)
    assert what in str(error.value)
    assert not (tmp_path / "pwned").exists()


@pytest.mark.parametrize("content", [b"", b"PK\x03\x04 no", pickle.dumps({"train": [1]})])
def test_not_an_archive(tmp_path, content):
    """Anything but torch's archive is refused."""
    path = tmp_path / "s.pt"
    path.write_bytes(content)
    with pytest.raises(SourceError, match="no zip archive"):
        read_split_file(path)


def test_cut_archive(tmp_path):
    """A truncated file is refused."""
    path = _save(tmp_path / "s.pt", {"train": list(range(1_000))})
    path.write_bytes(path.read_bytes()[:-100])
    with pytest.raises(SourceError):
        read_split_file(path)
