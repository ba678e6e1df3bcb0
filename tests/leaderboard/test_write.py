"""Tests of writing a site: the old one or the new one, and nothing that is not ours is touched."""

from __future__ import annotations

import pytest

from leaderboard.site import write
from leaderboard.site.write import write_site
from molmix_bench.errors import UsageError
from tests.leaderboard.conftest import texts

MARK = {"site.json": '{"format": "molmix-site-1"}\n'}


def test_a_new_site_replaces_the_old_one(tmp_path, monkeypatch):
    """With the system's exchange of names, and by two renames where there is none."""
    out = tmp_path / "site"
    write_site(out, {"old.html": b"old"})
    write_site(out, {"a/b.html": "é\n".encode()})
    assert texts(out) == {"a/b.html": "é\n"} | MARK
    monkeypatch.setattr(write, "_exchange", lambda *_: False)
    write_site(out, {"c.html": b"c"})
    assert texts(out) == {"c.html": "c"} | MARK
    assert [path.name for path in tmp_path.iterdir()] == ["site"]


@pytest.mark.parametrize("exchange", [True, False])
def test_a_failure_leaves_the_old_site(tmp_path, monkeypatch, exchange):
    """Where a file cannot be written, and where the names cannot be changed."""
    out = tmp_path / "site"
    write_site(out, {"old.html": b"old"})
    with pytest.raises(OSError, match="x"):
        write_site(out, {"new.html": b"new", "x" * 300: b"a name that no file system takes"})
    if not exchange:
        monkeypatch.setattr(write, "_exchange", lambda *_: False)
        rename, calls = write.Path.rename, []

        def fail_second(self, target):
            calls.append(target)
            if len(calls) == 2:
                raise OSError("x")
            return rename(self, target)

        monkeypatch.setattr(write.Path, "rename", fail_second)
        with pytest.raises(OSError, match="x"):
            write_site(out, {"new.html": b"new"})
        assert len(calls) == 3
    assert texts(out) == {"old.html": "old"} | MARK
    assert [path.name for path in tmp_path.iterdir()] == ["site"]


def test_what_is_no_site_is_not_replaced(tmp_path):
    """A folder of other files, a file, a link; an empty folder is."""
    (tmp_path / "work").mkdir()
    (tmp_path / "work" / "thesis.tex").write_text("years", encoding="utf-8")
    (tmp_path / "link").symlink_to(tmp_path / "work")
    for name in ("work", "work/thesis.tex", "link"):
        with pytest.raises(UsageError):
            write_site(tmp_path / name, {})
    assert (tmp_path / "work" / "thesis.tex").read_text(encoding="utf-8") == "years"
    (tmp_path / "empty").mkdir()
    write_site(tmp_path / "empty", {})
    assert texts(tmp_path / "empty") == MARK
