"""The reference baselines that ship with the package, by name or by path."""

from __future__ import annotations

from collections.abc import Iterable
from importlib.resources import files
from pathlib import Path

from molmix_bench.errors import UsageError
from molmix_bench.specs.base import apply_overrides, nearest, read_yaml, spec_problems, validate_changed, validate_spec
from molmix_bench.specs.run import RunSpec

_NO_BASELINES = ("results/", "studies/")
"""What is kept of runs lies there, their specs among it; and studies, which are of many runs."""
_CHECKOUT = Path(__file__).parents[2] / "baselines"


def baselines_dir() -> Path:
    """Returns the folder of baselines: in an installed wheel package data, in a checkout the folder `baselines`."""
    packaged = Path(str(files("molmix_bench"))) / "_baselines"
    return packaged if packaged.is_dir() else _CHECKOUT


def baseline_names() -> tuple[str, ...]:
    """Returns the names of the baselines, such as `gine` and `toymix/gine`, sorted."""
    folder = baselines_dir()
    names = (path.relative_to(folder).with_suffix("").as_posix() for path in folder.rglob("*.yaml"))
    return tuple(sorted(name for name in names if not name.startswith(_NO_BASELINES)))


def find_baseline(name: str | Path) -> Path:
    """Returns the YAML file of a run: a path as it is, else the baseline of that name.

    `baselines/gine.yaml` and `gine` both find the baseline where no such file is at hand.

    Raises:
        UsageError: there is neither a file nor a baseline of that name.
    """
    if Path(name).is_file():
        return Path(name)
    known = baseline_names()
    wanted = Path(name).with_suffix("").as_posix() if Path(name).suffix == ".yaml" else str(name)
    wanted = wanted.removeprefix("baselines/")
    if wanted not in known:
        found = f"no such file, and no baseline of that name{nearest(wanted, known)}"
        raise UsageError(str(name), found=found, expected=f"a YAML file or one of {', '.join(known)}")
    return baselines_dir() / f"{wanted}.yaml"


def find_baselines(name: str | Path) -> tuple[Path, ...]:
    """Returns the YAML files of a folder, which may be one of baselines such as `toymix`; else as `find_baseline`.

    Raises:
        UsageError: there is nothing of that name, or the folder has no YAML file.
    """
    for folder in (Path(name), baselines_dir() / str(name).removeprefix("baselines/")):
        if folder.is_dir():
            if found := tuple(sorted(folder.glob("*.yaml"))):
                return found
            raise UsageError(str(folder), found="a folder without YAML files", expected="one file for each run")
    return (find_baseline(name),)


def load_run_spec(name: str | Path, settings: Iterable[str] = ()) -> RunSpec:
    """Returns the run of a YAML file or baseline, with `a.b=value` settings applied.

    Raises:
        UsageError: as `find_baseline`; or a setting is none, or makes no run of a file that is one.
        SpecError: the file is no run.
    """
    path, given = find_baseline(name), tuple(settings)
    data = read_yaml(path)
    changed = apply_overrides(data, given, where="--set")
    if given and not spec_problems(RunSpec, data):
        return validate_changed(RunSpec, changed, where=f"{path} with --set {' '.join(given)}")
    return validate_spec(RunSpec, changed, where=str(path))
