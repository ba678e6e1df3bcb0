"""Tests of finding raw files in the user's folders."""

from __future__ import annotations

import pytest

from molmix_bench.errors import DownloadError, UsageError
from molmix_bench.sources.locate import locate_files
from molmix_bench.specs.base import validate_spec
from molmix_bench.specs.source import SourceSpec
from tests.build.tiny import table_source


@pytest.fixture
def source(tmp_path):
    """Returns a source `one` of the file `one.csv`, which has no address."""
    return validate_spec(SourceSpec, table_source("one", "smiles,a\nC,1\n", tmp_path / "spec"), where="test")


@pytest.mark.parametrize("place", ["one/one.csv", "one.csv", "other/one.csv", "other/one.csv.gz", "one/one.csv.gz"])
def test_places(tmp_path, source, place):
    """A file is found in the folder of its source, in the folder itself, and in another subfolder; packed too."""
    path = tmp_path / "raw" / place
    path.parent.mkdir(parents=True)
    path.write_bytes(b"x")
    (found,) = locate_files(source, [tmp_path / "raw"])
    assert found.path == path


def test_nearest_place_wins(tmp_path, source):
    """The folder of the source's own name comes first, then the folder itself."""
    for place in ("other/one.csv", "one.csv", "one/one.csv"):
        path = tmp_path / "raw" / place
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(place)
        (found,) = locate_files(source, [tmp_path / "raw"])
        assert found.path == path


def test_two_of_one_name(tmp_path, source):
    """Two files that could be meant are an error that names both."""
    for place in ("a/one.csv", "b/one.csv.gz"):
        path = tmp_path / "raw" / place
        path.parent.mkdir(parents=True)
        path.write_text(place)
    with pytest.raises(UsageError, match=r"one.csv more than once \(.*a/one.csv, .*b/one.csv.gz\)"):
        locate_files(source, [tmp_path / "raw"])


def test_first_folder_wins(tmp_path, source):
    """Folders are searched in the order given."""
    for folder in ("first", "second"):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "one.csv").write_text(folder)
    (found,) = locate_files(source, [tmp_path / "second", tmp_path / "first"])
    assert found.path == tmp_path / "second" / "one.csv"


def test_nowhere(tmp_path, source, monkeypatch):
    """A file that has no address and is in none of the folders is asked for by hand."""
    monkeypatch.setenv("MOLMIX_CACHE", str(tmp_path / "cache"))
    (tmp_path / "raw").mkdir()
    with pytest.raises(DownloadError, match=r"its spec gives no address; .*point --raw at its folder"):
        locate_files(source, [tmp_path / "raw"])
