"""Tests of publishing to a Hub: what is done, what is refused, and what a reader sees meanwhile."""

from __future__ import annotations

import shutil
import time
from email.utils import formatdate

import pytest
from huggingface_hub import CommitOperationAdd, HfApi

from molmix_bench.devhub.faults import Fault, FaultKind, flip_byte
from molmix_bench.errors import HubError, MixError, UsageError
from molmix_bench.hub import contents
from molmix_bench.hub.contents import LocalFile, batches, is_foreign
from molmix_bench.hub.publish import publish
from tests.build.tiny import ALKANES, build_tiny, numbered, table_source
from tests.hub.published import build_version, complete_version, repository, uploads

REPO = "molmix/tiny"


@pytest.fixture
def quick(monkeypatch):
    """Makes every wait a note, so that tests do not sleep; returns the notes."""
    waits = []
    monkeypatch.setattr("molmix_bench.hub.trouble.time.sleep", waits.append)
    return waits


def _api(hub, user="molmix"):
    return HfApi(endpoint=hub.url, token=f"hf_{user}")


def _add(hub, path, content=b"x", repo=REPO):
    operations = [CommitOperationAdd(path, content)]
    return _api(hub).create_commit(repo, operations, commit_message="stranger", repo_type="dataset").oid


def test_dry_run_changes_nothing(hub, versions):
    """Without `yes` the plan comes back and the Hub has not even the repository."""
    plan = publish(versions[0].path, REPO)
    assert len(plan.changed) == len(versions[0].manifest.files) + 1
    assert (plan.parent, plan.commit, plan.tagged) == (None, None, False)
    assert repository(hub, REPO) is None


def test_publish_and_update(hub, versions):
    """The first version is made, the second replaces it in one commit and uploads only what is new."""
    first = publish(versions[0].path, REPO, yes=True)
    repo = repository(hub, REPO)
    assert complete_version(repo, "main") == "1.0.0"
    second = publish(versions[1].path, REPO, yes=True)
    assert (first.tag, second.tag) == ("v1.0.0", "v1.1.0")
    assert [complete_version(repo, sha) for sha, _ in repo.log("main")] == ["1.1.0", "1.0.0", None]
    assert complete_version(repo, "v1.0.0") == "1.0.0"
    assert repo.state.refs["refs/tags/v1.1.0"] == repo.state.refs["refs/heads/main"] == second.commit
    assert set(repo.state.refs) == {"refs/heads/main", "refs/tags/v1.0.0", "refs/tags/v1.1.0"}
    assert not any(path.startswith("old/") for path in repo.commit("main").files)
    assert set(uploads(hub).values()) == {1}


def test_again_is_nothing(old_hub, versions):
    """A version that is published is left alone: no upload, no commit."""
    done = publish(versions[0].path, REPO, yes=True)
    assert done.tagged
    assert done.commit == repository(old_hub, REPO).resolve("main")
    assert not [request for request, _ in old_hub.journal if not request.startswith("GET")]


def test_private(hub, versions):
    """A repository made with `private` is hidden from others."""
    publish(versions[0].path, REPO, yes=True, private=True)
    assert repository(hub, REPO).state.private


def test_foreign_files_stay_and_stray_tables_go(old_hub, versions):
    """A licence beside the mix stays; a table that a config's pattern would match goes."""
    _add(old_hub, "LICENSE")
    _add(old_hub, "one/train-99999-of-99999.parquet")
    plan = publish(versions[1].path, REPO)
    assert "one/train-99999-of-99999.parquet" in plan.stale
    publish(versions[1].path, REPO, yes=True)
    files = repository(old_hub, REPO).commit("main").files
    assert "LICENSE" in files
    assert "one/train-99999-of-99999.parquet" not in files


def test_what_is_replaced_is_named(old_hub, versions):
    """The plan names what main has with other bytes: of a repository that somebody began by hand, its README.md."""
    replaced = publish(versions[1].path, REPO).replaced
    assert {"manifest.json", "README.md", "croissant.json"} < set(replaced)
    assert "one/train-00000-of-00001.parquet" not in replaced
    _api(old_hub).create_repo("molmix/mine", repo_type="dataset")
    _add(old_hub, "README.md", repo="molmix/mine")
    plan = publish(versions[1].path, "molmix/mine")
    assert (plan.replaced, plan.stale) == (("README.md",), ())


def test_other_content_under_a_tag_is_refused(old_hub, versions, tmp_path):
    """A version that is published with other content never changes."""
    other = build_version(tmp_path, "1.0.0", title="Other")
    with pytest.raises(HubError, match=r"published with other content.*--set version"):
        publish(other.path, REPO, yes=True)


def test_refused_directories(hub, versions, tmp_path):
    """What is no mix, is unfinished, fails validation or has another version is never published."""
    with pytest.raises(MixError, match="no such directory"):
        publish(tmp_path / "nowhere", REPO, yes=True)
    (tmp_path / "empty").mkdir()
    with pytest.raises(MixError, match=r"no manifest\.json"):
        publish(tmp_path / "empty", REPO, yes=True)
    shutil.copytree(versions[0].path, tmp_path / "broken")
    flip_byte(tmp_path / "broken" / "tasks.parquet")
    with pytest.raises(MixError, match=r"files, tasks.parquet: sha256"):
        publish(tmp_path / "broken", REPO, yes=True)
    with pytest.raises(UsageError, match=r"--version: found 2.0.0, but"):
        publish(versions[0].path, REPO, yes=True, version="2.0.0")
    assert repository(hub, REPO) is None


def test_refused_repositories(hub, versions):
    """Another kind of that name, a dataset that is no mix, another mix and a bad name are refused."""
    api = _api(hub)
    api.create_repo(REPO, repo_type="model")
    with pytest.raises(HubError, match="found a model of the name molmix/tiny; expected a dataset"):
        publish(versions[0].path, REPO, yes=True)
    api.delete_repo(REPO, repo_type="model")
    api.create_repo(REPO, repo_type="dataset")
    _add(hub, "data/train.parquet")
    with pytest.raises(HubError, match="found a dataset that is no mix"):
        publish(versions[0].path, REPO, yes=True)
    with pytest.raises(UsageError, match="expected namespace/name"):
        publish(versions[0].path, "tiny", yes=True)


def test_rights(hub, versions, monkeypatch):
    """No token, a wrong one and one without rights are told apart."""
    monkeypatch.setenv("HF_TOKEN", "hf_stranger")
    with pytest.raises(HubError, match=r"HTTP 403 .*use a token with write access"):
        publish(versions[0].path, REPO, yes=True)
    monkeypatch.setenv("HF_TOKEN", "wrong")
    with pytest.raises(HubError, match=r"HTTP 401 .*log in"):
        publish(versions[0].path, REPO, yes=True)
    monkeypatch.delenv("HF_TOKEN")
    monkeypatch.setattr("huggingface_hub.get_token", lambda: None)
    with pytest.raises(HubError, match=r"no token; log in"):
        publish(versions[0].path, REPO, yes=True)


def test_unreachable(hub, versions, monkeypatch, quick):
    """An endpoint where nobody listens is an error that names it."""
    monkeypatch.setenv("HF_ENDPOINT", "http://127.0.0.1:9")
    with pytest.raises(HubError, match=r"http://127.0.0.1:9: .*check the network and HF_ENDPOINT"):
        publish(versions[0].path, REPO, yes=True)


def test_waits_as_the_server_says(old_hub, versions, quick):
    """After 429 the next attempt comes when Retry-After says; a wait beyond all patience is an error."""
    old_hub.faults.append(Fault(FaultKind.REFUSE, "GET .*/refs", status=429, headers=(("Retry-After", "7"),)))
    publish(versions[1].path, REPO)
    assert quick == [7.0]
    old_hub.faults.append(Fault(FaultKind.REFUSE, "GET .*/refs", status=429, headers=(("Retry-After", "90000"),)))
    with pytest.raises(HubError, match=r"HTTP 429; run the same command again later"):
        publish(versions[1].path, REPO)


def test_a_moment_to_wait_for(old_hub, versions, quick):
    """Retry-After may be a moment instead of seconds; one that has passed asks for no wait."""
    for seconds in (30, -30):
        moment = formatdate(time.time() + seconds, usegmt=True)
        old_hub.faults.append(Fault(FaultKind.REFUSE, "GET .*/refs", headers=(("Retry-After", moment),)))
    publish(versions[1].path, REPO)
    assert quick == [pytest.approx(30, abs=3), 0]


def test_what_is_wrong_is_said_before_the_validation(hub, versions, monkeypatch):
    """Names, versions and tokens are looked at before a validation that may take an hour."""
    monkeypatch.setattr("molmix_bench.hub.valid.validate", lambda *_, **__: pytest.fail("validated"))
    with pytest.raises(UsageError, match="expected namespace/name"):
        publish(versions[0].path, "tiny")
    for version in ("1.0", "banana", "v1.0.0"):
        with pytest.raises(UsageError, match=rf"--version: found '{version}'; expected three numbers"):
            publish(versions[0].path, REPO, version=version)
    monkeypatch.setenv("HF_TOKEN", "wrong")
    with pytest.raises(HubError, match="HTTP 401"):
        publish(versions[0].path, REPO)


def test_warnings_of_the_card(hub, versions, tmp_path, capsys):
    """A mix without a card, and one whose card names another repository, are published with a word about it."""
    publish(versions[0].path, REPO)
    assert "README.md" not in capsys.readouterr().err
    publish(versions[0].path, "molmix/other")
    assert "load another repository than molmix/other: molmix-bench card" in capsys.readouterr().err
    bare = build_tiny(tmp_path, table_source("one", numbered(ALKANES), tmp_path))
    publish(bare.path, REPO)
    assert "README.md has no licence, counts or figures yet" in capsys.readouterr().err


@pytest.mark.parametrize("kind", [FaultKind.LOSE, FaultKind.CUT_AFTER])
def test_lost_answers(hub, versions, quick, kind):
    """A request that was carried out though its answer was lost is not carried out twice."""
    patterns = ("repos/create", "PUT", "branch/", "commit/publish", "commit/main", "tag/", "DELETE")
    hub.faults += [Fault(kind, pattern, status=504) for pattern in patterns]
    publish(versions[0].path, REPO, yes=True)
    assert [len(fault.hits) for fault in hub.faults] == [1] * len(patterns)
    repo = repository(hub, REPO)
    assert [complete_version(repo, sha) for sha, _ in repo.log("main")] == ["1.0.0", None]
    assert set(repo.state.refs) == {"refs/heads/main", "refs/tags/v1.0.0"}


@pytest.mark.parametrize(
    ("status", "pattern", "says"),
    [
        (412, "commit/main", r"HTTP 412; look at what changed"),
        (403, "commit/publish", r"branch publish-v1.1.0: HTTP 403; use a token with write access"),
        (401, "branch/", r"HTTP 401; log in"),
        (413, "preupload", r"HTTP 413; the Hub does not take files this large"),
    ],
)
def test_refusals_in_the_middle(old_hub, versions, quick, status, pattern, says):
    """A refusal at any step is an error with its reason, waits for nothing, and leaves main; the next run goes on."""
    old_hub.faults.append(Fault(FaultKind.REFUSE, f"POST .*{pattern}", status=status))
    with pytest.raises(HubError, match=says):
        publish(versions[1].path, REPO, yes=True)
    assert (complete_version(repository(old_hub, REPO), "main"), quick) == ("1.0.0", [])
    publish(versions[1].path, REPO, yes=True)
    assert complete_version(repository(old_hub, REPO), "main") == "1.1.0"
    assert set(uploads(old_hub).values()) == {1}


def test_stranger_between(old_hub, versions):
    """A commit of somebody else between the plan and the move is not overwritten; the next run goes on from it."""
    repo = repository(old_hub, REPO)

    def _commit():
        with repo.changing() as state:
            files = repo.commit("main").files | {"NOTES.md": repo.regular_entry(b"mine")}
            repo.add_commit(state, "refs/heads/main", files, title="stranger", text="", author="eve")

    old_hub.faults.append(Fault(FaultKind.CALL, "POST .*/commit/main", call=_commit))
    with pytest.raises(HubError, match=r"a commit of somebody else.*look at what changed"):
        publish(versions[1].path, REPO, yes=True)
    assert repo.commit("main").title == "stranger"
    count = len(uploads(old_hub))
    publish(versions[1].path, REPO, yes=True)
    assert complete_version(repo, "main") == "1.1.0"
    assert "NOTES.md" in repo.commit("main").files
    assert len(uploads(old_hub)) == count


def test_corruption_on_the_hub_is_repaired(hub, versions):
    """A byte that is wrong on the Hub after an upload is found before main moves, and the object uploaded again."""
    hub.faults.append(Fault(FaultKind.CORRUPT_UPLOAD, "PUT .*/whole"))
    publish(versions[0].path, REPO, yes=True)
    assert len(hub.faults[0].hits) == 1
    assert complete_version(repository(hub, REPO), "main") == "1.0.0"
    assert sorted(uploads(hub).values())[-2:] == [1, 2]


def test_what_another_tool_uploaded_is_verified_before_the_tag(hub, versions):
    """A main that has the version already, spoilt on its way there by another tool, is repaired before it is tagged."""
    api = _api(hub)
    api.create_repo(REPO, repo_type="dataset")
    hub.faults.append(Fault(FaultKind.CORRUPT_UPLOAD, "PUT .*/whole"))
    api.upload_folder(repo_id=REPO, folder_path=versions[0].path, repo_type="dataset")
    repo = repository(hub, REPO)
    assert complete_version(repo, "main") is None
    before = repo.resolve("main")
    done = publish(versions[0].path, REPO, yes=True)
    assert (done.tagged, done.commit) == (True, before)
    assert complete_version(repo, "v1.0.0") == "1.0.0"


def test_lasting_corruption_never_reaches_main(old_hub, versions):
    """Where the Hub spoils an object every time, main stays as it was, and the error names the file."""
    old_hub.faults.append(Fault(FaultKind.CORRUPT_UPLOAD, "PUT .*/whole", times=-1))
    with pytest.raises(HubError, match=r"other bytes than were uploaded of .*mix/train.*nothing was moved or tagged"):
        publish(versions[1].path, REPO, yes=True)
    assert complete_version(repository(old_hub, REPO), "main") == "1.0.0"


def test_batches_are_bounded(monkeypatch, tmp_path):
    """A batch ends before it has too many files or bytes; a file beyond the bound goes alone."""
    monkeypatch.setattr(contents, "BATCH_FILES", 3)
    monkeypatch.setattr(contents, "BATCH_BYTES", 10)
    files = [LocalFile(str(i), tmp_path, "", size) for i, size in enumerate([1, 1, 1, 1, 9, 1, 50, 2])]
    assert [[file.size for file in batch] for batch in batches(files)] == [[1, 1, 1], [1, 9], [1], [50], [2]]


@pytest.mark.parametrize(
    ("path", "foreign"),
    [("LICENSE", True), (".gitattributes", True), ("a/.hidden", True), ("x.parquet", False), ("a/README.md", False)],
)
def test_what_may_lie_beside_a_mix(path, foreign):
    """Files at the top and hidden ones may; tables and whatever lies in a folder may not."""
    assert is_foreign(path) is foreign
