"""A whole build: from a spec and raw files to a finished mix, resumable at every piece of every step."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path

from filelock import FileLock, Timeout

from molmix_bench.atomic import write_text
from molmix_bench.build.engine import Engine, Runner
from molmix_bench.build.local import LocalEngine
from molmix_bench.build.plan import Layout, Plan
from molmix_bench.build.prepare import make_plan
from molmix_bench.build.steps import run_steps
from molmix_bench.build.whole import keep_only
from molmix_bench.errors import BuildError
from molmix_bench.mix import Mix, is_mix
from molmix_bench.specs.mix import MixSpec
from molmix_bench.talk import say
from molmix_bench.vocab import MANIFEST_FILE

_LOCK_FILE = "lock"
_PLAN_FILE = "plan.json"


def build(
    spec: MixSpec,
    out: Path,
    *,
    raw: Sequence[Path] = (),
    workers: int = 1,
    layout: Layout | None = None,
    engine: Engine | None = None,
) -> Mix:
    """Builds a mix and returns it; a finished build of the same plan is returned as it is.

    Everything happens in `<out>.building`, which becomes `out` by a rename at the very end. An interrupted build goes
    on there when it is called again.

    Args:
        spec: the mix; names of sources are looked up in the catalog.
        out: the directory to make.
        raw: folders that hold raw files; what is in none of them is downloaded.
        workers: number of processes; the output does not depend on it.
        engine: where pieces run, in place of worker processes of this machine; closed at the end.
        layout: sizes of the work's pieces, for tests and for machines with very little memory.

    Raises:
        UsageError: a source or folder does not exist.
        SourceError: raw data cannot be fetched or read.
        BuildError: `out` holds something else, or the build cannot go on.
    """
    # Absolute, since pieces may run where the current folder is another.
    work = out.with_name(out.name + ".building").absolute()
    plan = make_plan(spec, work=work, raw=[folder.absolute() for folder in raw], layout=layout or Layout())
    if out.exists():
        return _open_finished(plan, out)
    with _locked(work):
        if out.exists():  # another process finished it while this one came to the lock
            return _open_finished(plan, out)
        _prepare(plan)
        with closing(engine or LocalEngine(workers=workers)) as place:
            place.prepare(work, _raw_files(plan))
            manifest = run_steps(plan, Runner(work, place))
        keep_only(work / "mix", [*(file.path for file in manifest.files), MANIFEST_FILE])
        (work / "mix").replace(out)
        shutil.rmtree(work)
    return Mix(out)


def _raw_files(plan: Plan) -> list[Path]:
    return [item.path for item in (*plan.inputs, *plan.companions) if item.path is not None]


def _open_finished(plan: Plan, out: Path) -> Mix:
    if is_mix(out):
        mix = Mix(out)
        if mix.manifest.build_key == plan.key:
            say(f"{out} is built already, from the same spec, files and versions")
            return mix
        found = f"another build of {mix.name} {mix.version} (another spec, raw files or versions)"
    else:
        found = "something that is no finished mix"
    raise BuildError(str(out), found=found, expected="nothing there", fix="delete it, or choose another --out")


@contextmanager
def _locked(work: Path) -> Iterator[None]:
    work.mkdir(parents=True, exist_ok=True)
    lock = FileLock(work / _LOCK_FILE)
    try:
        with lock.acquire(timeout=0):
            yield
    except Timeout:
        raise BuildError(str(work), found="another process at work on the same build", fix="wait for it") from None


def _prepare(plan: Plan) -> None:
    """Makes the working folder ready: as it is for the same plan, emptied for another one."""
    record = plan.work / _PLAN_FILE
    described = plan.describe()
    others = [path for path in plan.work.iterdir() if path.name not in (_LOCK_FILE, _PLAN_FILE)]
    if record.is_file():
        if json.loads(record.read_text(encoding="utf-8")) == described:
            if others:
                say(f"going on with the unfinished build in {plan.work}")
            return
        say(f"{plan.work} holds an unfinished build of another plan; starting afresh")
        for path in others:
            shutil.rmtree(path)
    elif others:
        raise BuildError(
            str(plan.work), found="files that no build left there", fix="delete them or choose another --out"
        )
    write_text(record, json.dumps(described))
