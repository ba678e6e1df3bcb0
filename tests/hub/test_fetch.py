"""Tests of fetching and verifying: a wrong byte is found, by `verify` and by `mb.load`, wherever it went wrong."""

from __future__ import annotations

import shutil
import subprocess
import sys

import pytest
from huggingface_hub import HfApi

import molmix_bench as mb
from molmix_bench.devhub.faults import Fault, FaultKind, flip_byte
from molmix_bench.errors import HubError, MixError, UsageError
from molmix_bench.hub.locate import locate
from molmix_bench.hub.verify import verify
from tests.hub.published import environment, repository, run

REPO = "molmix/tiny"
SHARD = "one/train-00000-of-00001.parquet"


def test_load_by_name_and_revision(published, versions):
    """`mb.load` takes the newest version, or the one that a tag or commit names, and reads equal tables."""
    old, new = versions
    assert mb.load(REPO).version == "1.1.0"
    loaded = mb.load(REPO, revision="v1.0.0")
    assert (loaded.version, set(loaded.datasets)) == ("1.0.0", {"one", "old"})
    for name in old.datasets:
        for split in old.datasets[name].splits:
            assert loaded.scan(name, split).collect().equals(old.scan(name, split).collect())
    commit = repository(published, REPO).resolve("v1.1.0")
    assert mb.load(REPO, revision=commit).manifest == new.manifest


def test_second_load_downloads_nothing(published):
    """What was downloaded and verified is used again as it is."""
    mb.load(REPO)
    before = len(published.journal)
    mb.load(REPO)
    assert not [request for request, _ in published.journal[before:] if "/resolve/" in request and "GET" in request]


@pytest.mark.parametrize("path", [SHARD, "mix/test-00000-of-00001.parquet", "tasks.parquet", "README.md"])
def test_corruption_in_download_is_repaired(published, path, capsys):
    """One other byte of the same length in a download is found at first use, named, and fetched again."""
    published.faults.append(Fault(FaultKind.CORRUPT_DOWNLOAD, f"GET .*/{path}"))
    loaded = mb.load(REPO)
    assert len(published.faults[0].hits) == 1
    assert f"not as in the manifest ({path}); fetching" in capsys.readouterr().err
    assert verify(locate(str(loaded.path))) == []


def test_corruption_on_the_hub_is_found(published):
    """One other byte of the same length on the Hub is named by `verify` and refused by `mb.load`."""
    repo = repository(published, REPO)
    flip_byte(repo.content_path(repo.commit("main").files[SHARD]))
    assert [item.path for item in verify(locate(REPO))] == [SHARD]
    for _ in range(2):  # the second time no wrong copy in the cache is taken for right
        with pytest.raises(HubError, match=rf"differ from the manifest: {SHARD}"):
            mb.load(REPO)


def test_corruption_in_upload_is_found(hub, versions):
    """What another tool uploads and the Hub spoils is named by `verify` and refused by `mb.load`."""
    hub.faults.append(Fault(FaultKind.CORRUPT_UPLOAD, "PUT .*/whole"))
    api = HfApi(endpoint=hub.url, token="hf_molmix")
    api.create_repo(REPO, repo_type="dataset")
    api.upload_folder(repo_id=REPO, folder_path=versions[0].path, repo_type="dataset")
    [difference] = verify(locate(REPO))
    with pytest.raises(HubError, match=difference.path):
        mb.load(REPO)


def test_figures_are_no_tables(published, versions):
    """A figure of the card that differs is named like any other file, and one that is right is no trouble."""
    assert "figures/density.png" in [file.path for file in versions[1].manifest.files]
    assert verify(locate(REPO)) == []
    repo = repository(published, REPO)
    flip_byte(repo.content_path(repo.commit("main").files["figures/density.png"]))
    assert [item.path for item in verify(locate(REPO))] == ["figures/density.png"]


def test_slow_hub_that_knows_no_ranges(published):
    """A Hub that takes its time and sends whole files whatever part is asked for serves the same mix."""
    published.faults += [
        Fault(FaultKind.SLOW, "GET .*/resolve/", seconds=0.3, times=3),
        Fault(FaultKind.NO_RANGE, "GET .*/resolve/", times=-1),
    ]
    loaded = mb.load(REPO)
    assert [len(fault.hits) > 2 for fault in published.faults] == [True, True]
    assert verify(locate(str(loaded.path))) == []


def test_changed_copy_is_noticed(published):
    """A file of the cache that changes after its first use is compared again, and repaired."""
    loaded = mb.load(REPO)
    flip_byte((loaded.path / SHARD).resolve())
    assert [item.path for item in verify(locate(str(loaded.path)))] == [SHARD]
    assert verify(locate(str(mb.load(REPO).path))) == []


def test_verify_names_everything(versions, tmp_path):
    """Missing, changed and unexpected files are each named, and a content digest that the rows contradict."""
    shutil.copytree(versions[0].path, tmp_path / "mix")
    (tmp_path / "mix" / SHARD).unlink()
    flip_byte(tmp_path / "mix" / "drops.parquet")
    shutil.copy(tmp_path / "mix" / "tasks.parquet", tmp_path / "mix" / "one" / "train-00001-of-00001.parquet")
    found = {item.path: item.found for item in verify(locate(str(tmp_path / "mix")))}
    assert found.pop("drops.parquet").startswith("sha256 ")
    assert found == {
        SHARD: "no such file",
        "one/train-00001-of-00001.parquet": "a file that the manifest does not name",
    }
    text = (versions[0].path / "manifest.json").read_text()
    digest = versions[0].manifest.datasets["old"].splits["train"].digest
    shutil.copytree(versions[0].path, tmp_path / "digest")
    (tmp_path / "digest" / "manifest.json").write_text(text.replace(digest, "0" * 32))
    [item] = verify(locate(str(tmp_path / "digest")))
    assert (item.path, item.found) == ("old/train", f"content digest {digest}")


def test_missing_things(published):
    """No such repository, no such revision and no such directory are told apart."""
    with pytest.raises(HubError, match=r"molmix/none at main: HTTP 404 \(Repository not found\)"):
        mb.load("molmix/none")
    with pytest.raises(HubError, match=r"at v9: HTTP 404 \(Invalid rev id: v9\)"):
        mb.load(REPO, revision="v9")
    with pytest.raises(UsageError, match="expected a directory, an address, or namespace/name"):
        locate("nowhere")
    HfApi(token="hf_molmix", endpoint=published.url).create_repo("molmix/empty", repo_type="dataset")
    with pytest.raises((MixError, HubError), match=r"no manifest.json"):
        mb.load("molmix/empty")


def test_gated(published):
    """A gated repository is an error that says to ask for access."""
    gated = (("X-Error-Code", "GatedRepo"), ("X-Error-Message", "Access to molmix/tiny is restricted"))
    published.faults.append(Fault(FaultKind.REFUSE, "GET .*/revision/", status=403, headers=gated, times=-1))
    with pytest.raises(HubError, match=r"HTTP 403 \(Access to molmix/tiny is restricted\); ask for access"):
        mb.load(REPO)


def test_catalog_names_come_from_the_hub(hub, versions, monkeypatch, capsys):
    """A name of the catalog that the cache has not is looked for on the Hub at the catalog's version, then built."""
    asked = []
    monkeypatch.setattr("molmix_bench.build.run.build", lambda spec, *_, **__: asked.append(spec.name) or versions[0])
    mb.load("toymix")
    assert asked == ["toymix"]
    text = capsys.readouterr().err
    assert "asking the Hub for molmix/toymix" in text
    assert "not on the Hub: " in text
    revisions = [request for request, _ in hub.journal if "revision" in request]
    assert revisions == ["GET /api/datasets/molmix/toymix/revision/v1.0.0"]


def test_generated_mixes_ask_no_hub(hub, versions, monkeypatch):
    """MiniMix is built on the spot, and the network is left alone."""
    monkeypatch.setattr("molmix_bench.build.run.build", lambda *_, **__: versions[0])
    mb.load("minimix")
    assert hub.journal == []


@pytest.mark.parametrize("reached", [True, False])
def test_no_manifest_in_the_cache(published, monkeypatch, reached):
    """What `datasets` left in the cache, without a manifest, is no mix: a lost network is what is told of."""
    published.faults.clear()
    if reached:
        HfApi(endpoint=published.url).hf_hub_download(REPO, SHARD, repo_type="dataset")
    monkeypatch.setenv("HF_ENDPOINT", "http://127.0.0.1:9")
    monkeypatch.setattr("molmix_bench.hub.trouble.time.sleep", lambda _: None)
    with pytest.raises(HubError, match=r"check the network and HF_ENDPOINT"):
        mb.load(REPO)


def test_catalog_names_without_a_network(hub, versions, monkeypatch, capsys):
    """A name of the catalog is built where neither the cache nor the Hub can be had."""
    monkeypatch.setattr("molmix_bench.build.run.build", lambda *_, **__: versions[0])
    monkeypatch.setattr("molmix_bench.hub.trouble.time.sleep", lambda _: None)
    monkeypatch.setenv("HF_ENDPOINT", "http://127.0.0.1:9")
    assert mb.load("toymix").name == "tiny"
    assert "not on the Hub: " in capsys.readouterr().err


@pytest.mark.parametrize("address", ["nonsense", "huggingface.co", "ftp://host", "https://"])
def test_an_endpoint_that_is_no_address(monkeypatch, address):
    """An endpoint without a protocol is said to be none, and not asked four times."""
    monkeypatch.setenv("HF_ENDPOINT", address)
    with pytest.raises(UsageError, match=r"HF_ENDPOINT: found .* expected an address such as https://huggingface.co"):
        mb.load(REPO)


@pytest.mark.slow
def test_offline_mode_and_lost_network(published, tmp_path):
    """What was fetched once loads in offline mode and without a network; what was not says so."""
    env = environment(published, tmp_path)
    assert run("info", REPO, env=env).returncode == 0
    for change in ({"HF_HUB_OFFLINE": "1"}, {"HF_ENDPOINT": "http://127.0.0.1:9"}):
        again = run("info", REPO, env=env | change)
        assert again.returncode == 0, again.stderr
        assert "not reached; looking for it in the cache" in again.stderr
        missing = run("info", "molmix/other", env=env | change)
        assert missing.returncode == 1
        assert "Traceback" not in missing.stderr


@pytest.mark.slow
def test_full_disk(published, tmp_path):
    """A disk without room is an error that says so; with room again, the same command goes on."""
    env = environment(published, tmp_path)
    code = (
        "import resource, molmix_bench as mb; "
        "resource.setrlimit(resource.RLIMIT_FSIZE, (3000, 3000)); mb.load('molmix/tiny')"
    )
    full = subprocess.run([sys.executable, "-c", code], env=env, capture_output=True, text=True, check=False)
    assert "molmix_bench.errors.HubError" in full.stderr
    assert "make room on the disk" in full.stderr
    assert run("info", REPO, env=env).returncode == 0
