"""Publishing a mix to a Hub, so that its main branch is at every instant the old or the new complete version.

Large files are uploaded first, ahead of any commit; a commit on a staging branch names them; every file is read back
from there and compared with the manifest; only then does one commit, locked on its parent, move main to the same
files. The tag comes last. Whatever happens between two steps, the same command finds out what is done and goes on.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from molmix_bench.errors import HubError
from molmix_bench.hub.contents import LocalFile, batches, local_files, stale_files
from molmix_bench.hub.move import Move, move_branch
from molmix_bench.hub.remote import MAIN, Remote, RemoteFile, addition
from molmix_bench.hub.valid import open_valid, warn_of_card
from molmix_bench.hub.verify import RemoteSource, read_manifest, wrong_bytes
from molmix_bench.talk import say
from molmix_bench.vocab import MANIFEST_FILE


@dataclass(frozen=True, slots=True)
class Publication:
    """What publishing does, or would do.

    Attributes:
        repo: the repository.
        tag: the version's tag.
        parent: the commit that main is at; None where the repository does not exist.
        changed: files that main does not have, or has with other bytes.
        replaced: those of the changed that main has with other bytes.
        stale: files of main that go.
        commit: the commit that bears the version; None as long as there is none.
        tagged: whether the tag is at that commit.
    """

    repo: str
    tag: str
    parent: str | None
    changed: tuple[LocalFile, ...]
    replaced: tuple[str, ...]
    stale: tuple[str, ...]
    commit: str | None
    tagged: bool


def publish(
    path: Path, repo: str, *, version: str | None = None, private: bool = False, yes: bool = False, workers: int = 1
) -> Publication:
    """Publishes a mix and returns what was done; without `yes`, changes nothing and returns what would be.

    Args:
        path: the directory of the mix.
        repo: `namespace/name`.
        version: the version that the mix must have; whatever it has when not given.
        private: make the repository private, where it is made.
        yes: whether to do it.
        workers: processes of the validation.

    Raises:
        UsageError: the name is no repository's, or the mix has another version.
        MixError, HubError: the mix is none or not valid; the Hub cannot be reached, refuses, or holds something else.
    """
    # What is wrong with names and tokens is said at once; validation takes its time.
    remote = Remote(repo)
    user = remote.user()
    mix = open_valid(path, version=version, workers=workers)
    warn_of_card(mix, repo)
    wanted = local_files(mix)
    tag = f"v{mix.version}"
    plan = _plan(remote, wanted, tag, name=mix.name)
    if not yes:
        return plan
    if plan.tagged:
        _clear_staging(remote, tag)
        return plan
    if plan.parent is None:
        remote.create(private=private)
        plan = _plan(remote, wanted, tag, name=mix.name)
    say(f"{remote.where}: {len(plan.changed)} files to publish as {tag}, {len(plan.stale)} to delete, as {user}")
    commit = plan.commit or _move_main(remote, wanted, plan)
    if commit == plan.commit:
        # Main has it, from an attempt that was broken off, or from another tool that verified nothing.
        _verify_remote(remote, wanted, commit)
    remote.create_tag(tag, commit)
    _clear_staging(remote, tag)
    return _plan(remote, wanted, tag, name=mix.name)


def _staging(tag: str) -> str:
    return f"publish-{tag}"


def _clear_staging(remote: Remote, tag: str) -> None:
    if _staging(tag) in remote.refs()[0]:
        remote.delete_branch(_staging(tag))


def _plan(remote: Remote, wanted: Mapping[str, LocalFile], tag: str, *, name: str) -> Publication:
    """Returns what is left to be done."""
    if remote.find() is None:
        _refuse_other_kind(remote)
        return Publication(remote.repo, tag, None, tuple(wanted.values()), (), (), None, tagged=False)
    branches, tags = remote.refs()
    if tag in tags:
        _refuse_other_content(remote, wanted, tag, tags[tag])
        return Publication(remote.repo, tag, branches[MAIN], (), (), (), tags[tag], tagged=True)
    parent = branches[MAIN]
    tree = remote.tree(parent)
    changed, stale = _difference(tree, wanted, _named_files(remote, parent, tree, name=name))
    done = parent if not changed and not stale else None
    replaced = tuple(file.path for file in changed if file.path in tree)
    return Publication(remote.repo, tag, parent, tuple(changed), replaced, tuple(stale), done, tagged=False)


def _difference(
    tree: Mapping[str, RemoteFile], wanted: Mapping[str, LocalFile], before: frozenset[str]
) -> tuple[list[LocalFile], list[str]]:
    changed = [file for path, file in wanted.items() if not file.matches(tree.get(path))]
    return changed, stale_files(tree, wanted, before)


def _refuse_other_kind(remote: Remote) -> None:
    kind = remote.other_kind()
    if kind is not None:
        raise HubError(
            remote.where,
            found=f"a {kind} of the name {remote.repo}",
            expected="a dataset repository, or none",
            fix="choose another --repo",
        )


def _refuse_other_content(remote: Remote, wanted: Mapping[str, LocalFile], tag: str, commit: str) -> None:
    tree = remote.tree(commit)
    different = [path for path, file in wanted.items() if not file.matches(tree.get(path))]
    if different:
        raise HubError(
            f"{remote.where}, tag {tag}",
            found=f"the version is published with other content ({', '.join(different[:3])}, {len(different)} in all)",
            expected="the same files, or no such tag",
            fix="a published version never changes: build with another one, --set version=...",
        )


def _named_files(remote: Remote, commit: str, tree: Mapping[str, RemoteFile], *, name: str) -> frozenset[str]:
    """Returns the files that the manifest on main names; refuses to overwrite what is no version of this mix."""
    if MANIFEST_FILE in tree:
        manifest = read_manifest(RemoteSource(remote, commit))
        if manifest.name != name:
            raise HubError(
                remote.where, found=f"the mix {manifest.name}", expected=f"the mix {name}", fix="choose another --repo"
            )
        return frozenset({MANIFEST_FILE, *(file.path for file in manifest.files)})
    if stale_files(tree, {}, frozenset()):
        raise HubError(
            remote.where,
            found=f"a dataset that is no mix ({', '.join(sorted(tree)[:3])}, ...)",
            expected="a mix, or an empty repository",
            fix="choose another --repo, or delete its files first",
        )
    return frozenset()


def _move_main(remote: Remote, wanted: Mapping[str, LocalFile], plan: Publication) -> str:
    """Uploads, stages, verifies, and then moves main; returns its commit."""
    parent = str(plan.parent)
    _upload(remote, list(plan.changed))
    staged = _stage(remote, wanted, plan)
    _verify_remote(remote, wanted, staged)
    move = Move(MAIN, parent, plan.changed, plan.stale, message=f"Publish {plan.tag}")
    return move_branch(remote, move, wanted)


def _upload(remote: Remote, files: list[LocalFile]) -> None:
    done = 0
    for batch in batches(files):
        remote.upload([addition(file.path, file.source) for file in batch], revision=MAIN)
        done += len(batch)
        say(f"{remote.where}: {done} of {len(files)} files are there")


def _stage(remote: Remote, wanted: Mapping[str, LocalFile], plan: Publication) -> str:
    """Makes the staging branch hold the new version, from wherever an earlier attempt left it; returns its commit."""
    branch = _staging(plan.tag)
    remote.create_branch(branch, str(plan.parent))
    parent = remote.head(branch)
    tree = remote.tree(parent)
    before = frozenset(plan.stale)
    changed, stale = _difference(tree, wanted, before)
    if not changed and not stale:
        return parent
    return move_branch(remote, Move(branch, parent, tuple(changed), tuple(stale), message=f"Stage {plan.tag}"), wanted)


def _verify_remote(remote: Remote, wanted: Mapping[str, LocalFile], commit: str) -> None:
    """Reads every file back; what the Hub keeps with other bytes is uploaded once more.

    Raises:
        HubError: a file came back with other bytes again.
    """
    source = RemoteSource(remote, commit)
    say(f"{remote.where}: reading {len(wanted)} files back")
    wrong = [file for file in wanted.values() if wrong_bytes(source, file.path, file.sha256)]
    # What was spoilt on its way comes right the second time.
    wrong = [file for file in wrong if wrong_bytes(source, file.path, file.sha256)]
    if not wrong:
        return
    say(f"{remote.where}: the Hub keeps other bytes of {', '.join(file.path for file in wrong)}; uploading again")
    remote.forget_objects({file.sha256 for file in wrong})
    _upload(remote, wrong)
    still = [file.path for file in wrong if wrong_bytes(source, file.path, file.sha256)]
    if still:
        raise HubError(
            f"{remote.where} at {commit}",
            found=f"other bytes than were uploaded of {', '.join(still)}",
            expected="the bytes of the manifest",
            fix="nothing was moved or tagged; run the same command again, and tell the Hub if it stays so",
        )
