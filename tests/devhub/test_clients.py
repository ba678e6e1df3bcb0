"""Tests of the dev-hub with the real, unmodified client: what is asked of the Hub is asked here."""

from __future__ import annotations

import random
from pathlib import Path

import pytest
from huggingface_hub import CommitOperationAdd, CommitOperationDelete, HfApi, HfFileSystem
from huggingface_hub.errors import (
    BadRequestError,
    EntryNotFoundError,
    HfHubHTTPError,
    RepositoryNotFoundError,
    RevisionNotFoundError,
)

DATA = {"repo_type": "dataset"}


def _add(api, path, content, **options):
    return api.create_commit(
        "ann/x", [CommitOperationAdd(path, content)], commit_message=f"add {path}", **DATA, **options
    )


def _read(api, path, **options):
    return Path(api.hf_hub_download("ann/x", path, **DATA, **options)).read_bytes()


def test_folder_comes_back(api, tmp_path):
    """A folder of small, empty, large and multipart files is uploaded and downloaded byte for byte."""
    folder = tmp_path / "folder"
    sizes = {"README.md": 10, "a/empty.txt": 0, "a/one.parquet": 1, "a/b/two.parquet": 99_999, "a/b/3.parquet": 250_001}
    contents = {path: random.Random(path).randbytes(size) for path, size in sizes.items()} | {"README.md": b"# title\n"}
    for path, content in contents.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_bytes(content)
    api.upload_folder(repo_id="ann/x", folder_path=folder, **DATA)
    found = Path(api.snapshot_download("ann/x", **DATA))
    assert {path: (found / path).read_bytes() for path in contents} == contents
    assert sorted(api.list_repo_files("ann/x", **DATA)) == sorted([*contents, ".gitattributes"])


def test_nothing_changed(api, hub, tmp_path):
    """A folder that is there already is uploaded again without an upload and without a commit."""
    for path, content in {"README.md": b"# title\n", "a/one.parquet": b"x" * 1000, "b.txt": b"y"}.items():
        (tmp_path / "folder" / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "folder" / path).write_bytes(content)
    first = api.upload_folder(repo_id="ann/x", folder_path=tmp_path / "folder", **DATA).oid
    before = len(hub.journal)
    again = api.upload_folder(repo_id="ann/x", folder_path=tmp_path / "folder", **DATA).oid
    asked = [request for request, _ in hub.journal[before:]]
    assert again == first == api.repo_info("ann/x", **DATA).sha
    assert not any(request.startswith("PUT ") or "/commit/" in request for request in asked)


def test_tree_in_pages(api):
    """A tree of more entries than a page has is listed whole: recursively, one level, one folder, expanded."""
    paths = [f"d{i}/{j}.txt" for i in range(3) for j in range(3)]
    api.create_commit("ann/x", [CommitOperationAdd(path, b"x") for path in paths], commit_message="m", **DATA)
    listed = list(api.list_repo_tree("ann/x", recursive=True, **DATA))
    assert [item.path for item in listed if hasattr(item, "blob_id")] == [".gitattributes", *paths]
    assert [item.path for item in api.list_repo_tree("ann/x", **DATA)] == [".gitattributes", "d0", "d1", "d2"]
    inside = list(api.list_repo_tree("ann/x", "d1", expand=True, **DATA))
    assert [item.path for item in inside] == paths[3:6]
    assert inside[0].last_commit.title == "m"
    found = api.get_paths_info("ann/x", ["d1", "d1/2.txt", "nothing"], **DATA)
    assert {item.path for item in found} == {"d1", "d1/2.txt"}


def test_branches_and_tags(api):
    """A branch moves alone, a tag never; both can be named with slashes, and deleted."""
    api.create_branch("ann/x", branch="dev/one", **DATA)
    _add(api, "z.txt", b"branch", revision="dev/one")
    api.create_tag("ann/x", tag="v1.0.0", revision="dev/one", **DATA)
    _add(api, "z.txt", b"later", revision="dev/one")
    assert _read(api, "z.txt", revision="v1.0.0") == b"branch"
    assert _read(api, "z.txt", revision="dev/one") == b"later"
    with pytest.raises(EntryNotFoundError):
        _read(api, "z.txt")
    refs = api.list_repo_refs("ann/x", **DATA)
    assert {item.name for item in refs.branches} == {"main", "dev/one"}
    assert [item.name for item in refs.tags] == ["v1.0.0"]
    with pytest.raises(BadRequestError):
        _add(api, "z.txt", b"no", revision="v1.0.0")
    with pytest.raises(HfHubHTTPError, match="already exists"):
        api.create_tag("ann/x", tag="v1.0.0", **DATA)
    api.delete_branch("ann/x", branch="dev/one", **DATA)
    api.delete_tag("ann/x", tag="v1.0.0", **DATA)
    with pytest.raises(RevisionNotFoundError):
        api.repo_info("ann/x", revision="dev/one", **DATA)


def test_parent_commit_is_a_lock(api):
    """A commit on a parent that is not the newest is refused with 412, and changes nothing."""
    first = _add(api, "a.txt", b"1").oid
    second = _add(api, "a.txt", b"2", parent_commit=first).oid
    with pytest.raises(HfHubHTTPError) as error:
        _add(api, "a.txt", b"3", parent_commit=first)
    assert error.value.response.status_code == 412
    assert api.repo_info("ann/x", **DATA).sha == second
    assert [item.title for item in api.list_repo_commits("ann/x", **DATA)] == [
        "add a.txt",
        "add a.txt",
        "initial commit",
    ]


def test_delete_in_a_commit(api):
    """Files and folders are deleted in the commit that adds others; deleting what is not there is refused."""
    api.create_commit("ann/x", [CommitOperationAdd(f"d/{i}.txt", b"x") for i in range(2)], commit_message="m", **DATA)
    operations = [CommitOperationDelete("d/", is_folder=True), CommitOperationAdd("e.txt", b"e")]
    api.create_commit("ann/x", operations, commit_message="m", **DATA)
    assert api.list_repo_files("ann/x", **DATA) == [".gitattributes", "e.txt"]
    with pytest.raises(EntryNotFoundError):
        api.delete_file("d/0.txt", "ann/x", **DATA)


def test_pull_requests(api):
    """Anybody proposes, only the owner merges; changes of main are kept, conflicts refused."""
    base = _add(api, "a.txt", b"a").oid
    proposed = _add(api, "b.txt", b"b", create_pr=True, token="hf_bob")
    other = _add(api, "a.txt", b"other", create_pr=True, token="hf_bob")
    assert (proposed.pr_num, other.pr_num) == (1, 2)
    assert _read(api, "b.txt", revision="refs/pr/1") == b"b"
    with pytest.raises(HfHubHTTPError) as error:
        api.merge_pull_request("ann/x", 1, token="hf_bob", **DATA)
    assert error.value.response.status_code == 403
    _add(api, "a.txt", b"mine", parent_commit=base)
    api.merge_pull_request("ann/x", 1, **DATA)
    assert (_read(api, "a.txt"), _read(api, "b.txt")) == (b"mine", b"b")
    assert api.get_discussion_details("ann/x", 2, **DATA).conflicting_files == ["a.txt"]
    with pytest.raises(HfHubHTTPError, match=r"Conflicts in a\.txt"):
        api.merge_pull_request("ann/x", 2, **DATA)
    api.comment_discussion("ann/x", 2, comment="sorry", **DATA)
    api.change_discussion_status("ann/x", 2, "closed", **DATA)
    assert {item.num: item.status for item in api.get_repo_discussions("ann/x", **DATA)} == {1: "merged", 2: "closed"}


def test_streaming_reads_ranges(api, hub):
    """The client's file system reads a part of a file by Range."""
    content = random.Random(0).randbytes(300_000)
    _add(api, "big.parquet", content)
    files = HfFileSystem(endpoint=hub.url, token="hf_ann")
    with files.open("datasets/ann/x/big.parquet", block_size=1000) as stream:
        stream.seek(123_456)
        assert stream.read(10) == content[123_456:123_466]


def test_private_and_foreign_repositories(api, hub):
    """A private repository is not there for others; writing to another's is refused; kinds have their own names."""
    api.create_repo("ann/secret", private=True, **DATA)
    api.create_repo("ann/x", repo_type="model")
    stranger = HfApi(endpoint=hub.url, token="hf_bob")
    with pytest.raises(RepositoryNotFoundError):
        stranger.repo_info("ann/secret", **DATA)
    with pytest.raises(HfHubHTTPError) as error:
        stranger.create_repo("ann/theirs", **DATA)
    assert error.value.response.status_code == 403
    with pytest.raises(HfHubHTTPError) as error:
        _add(stranger, "a.txt", b"no")
    assert error.value.response.status_code == 403
    with pytest.raises(HfHubHTTPError, match="already created"):
        api.create_repo("ann/x", **DATA)
    assert {item.id for item in api.list_datasets(author="ann")} == {"ann/x", "ann/secret"}
    assert [item.id for item in stranger.list_datasets(author="ann")] == ["ann/x"]
    api.delete_repo("ann/secret", **DATA)
    with pytest.raises(RepositoryNotFoundError):
        api.repo_info("ann/secret", **DATA)


@pytest.mark.parametrize("name", ["ann", "Ann-2", "ann_lee", "ann.lee"])
def test_any_name_is_a_user(hub, name):
    """The token hf_NAME is user NAME, who can make repositories under that name."""
    client = HfApi(endpoint=hub.url, token=f"hf_{name}")
    assert client.whoami()["name"] == name
    assert client.create_repo(f"{name}/x", **DATA).repo_id == f"{name}/x"


@pytest.mark.parametrize("token", ["nonsense", "hf_", "hf_ann/../x"])
def test_wrong_tokens(hub, token):
    """A token that is no `hf_NAME` is refused."""
    with pytest.raises(HfHubHTTPError) as error:
        HfApi(endpoint=hub.url, token=token).whoami()
    assert error.value.response.status_code == 401


def test_push_to_hub_and_load_dataset(hub, tmp_path, monkeypatch):
    """`datasets` pushes a config and loads it again: plain, streaming, pinned to a commit."""
    import datasets
    from huggingface_hub import constants

    # `datasets` takes both addresses when it is imported.
    monkeypatch.setattr(datasets.config, "HF_ENDPOINT", hub.url)
    monkeypatch.setattr(constants, "ENDPOINT", hub.url)
    monkeypatch.setattr(
        constants, "HUGGINGFACE_CO_URL_TEMPLATE", f"{hub.url}/{{repo_id}}/resolve/{{revision}}/{{filename}}"
    )
    monkeypatch.setenv("HF_TOKEN", "hf_ann")
    HfFileSystem.clear_instance_cache()
    rows = {"n": list(range(100)), "text": [str(i) for i in range(100)]}
    pushed = datasets.Dataset.from_dict(rows).push_to_hub("ann/pushed", "some", split="train", num_shards=3)
    options = {"cache_dir": str(tmp_path / "datasets")}
    assert datasets.load_dataset("ann/pushed", "some", split="train", **options).to_dict() == rows
    streamed = datasets.load_dataset("ann/pushed", "some", split="train", streaming=True)
    assert [row["n"] for row in streamed] == rows["n"]
    pinned = datasets.load_dataset("ann/pushed", "some", split="train", revision=pushed.oid, **options)
    assert pinned["text"] == rows["text"]
