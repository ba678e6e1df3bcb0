"""Tests of the shape of the code: who imports whom, how long files are, where heavy libraries may appear."""

from __future__ import annotations

import ast
import itertools
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
PACKAGE = ROOT / "molmix_bench"
MAX_LINES = 400

# A package imports only from those above it; the order is the design's.
ORDER = (
    "errors",
    "vocab",
    "cache",
    "atomic",
    "talk",
    "extras",
    "parallel",
    "parquet",
    "specs",
    "catalog",
    "layout",
    "chem",
    "mix",
    "metrics",
    "sources",
    "build",
    "validate",
    "cards",
    "hub",
    "devhub",
    "resolve",
    "graphs",
    "models",
    "training",
    "transfer",
    "submissions",
    "reports",
    "studies",
    "api",
    "cli",
)
# Where a heavy library may be imported.
HOMES = {
    "rdkit": {"chem", "sources", "graphs", "reports"},
    "torch": {"graphs", "models", "training", "transfer"},
    "torch_geometric": {"graphs", "models", "training"},
    "lightning_fabric": {"training", "transfer"},
    "safetensors": {"training"},
    "huggingface_hub": {"hub"},
}
MODULES = sorted(PACKAGE.rglob("*.py"))


def _name(path):
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def _imports(path):
    """Returns every absolute module name that a file imports, wherever in it."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: relative import"
            found |= {f"{node.module}.{alias.name}" for alias in node.names}
    return found


def _part(module):
    """Returns the part of the package that a module belongs to; '' for the top."""
    pieces = module.split(".")
    return pieces[1] if len(pieces) > 1 and pieces[0] == "molmix_bench" else ""


@pytest.mark.parametrize("path", MODULES, ids=_name)
def test_imports_point_downward(path):
    """A file imports only from parts that stand above its own in the design's list."""
    part = _part(_name(path))
    if not part:
        return  # the top re-exports lazily
    assert part in ORDER, f"{part} is no part of the design"
    known = {_name(module) for module in MODULES}
    for module in _imports(path):
        other = _part(module) if module.startswith("molmix_bench.") else ""
        if other in ORDER:
            assert ORDER.index(other) <= ORDER.index(part), f"{_name(path)} imports {module}"
        elif module.startswith("molmix_bench"):
            assert module.startswith("molmix_bench.__version__") or module in known, f"{_name(path)} imports {module}"


def test_no_import_cycles():
    """No module reaches itself by imports, inside parts either."""
    known = {_name(path): path for path in MODULES}
    graph = {}
    for name, path in known.items():
        targets = set()
        for module in _imports(path):
            # `from package.module import thing` names the thing last.
            targets.add(module if module in known else module.rpartition(".")[0])
        graph[name] = targets & set(known) - {name, "molmix_bench"}
    done, active = set(), []

    def visit(name):
        assert name not in active, " -> ".join([*active[active.index(name) :], name])
        if name in done:
            return
        active.append(name)
        for target in sorted(graph[name]):
            visit(target)
        active.pop()
        done.add(name)

    for name in graph:
        visit(name)


@pytest.mark.parametrize("path", MODULES, ids=_name)
def test_heavy_libraries_stay_at_home(path):
    """RDKit, torch and the Hub's client are imported only where the design says."""
    part = _part(_name(path))
    for module in _imports(path):
        library = module.split(".")[0]
        assert part in HOMES.get(library, {part}), f"{_name(path)} imports {library}"


@pytest.mark.parametrize(
    "path",
    sorted(
        itertools.chain(PACKAGE.rglob("*.py"), (ROOT / "tests").rglob("*.py"), (ROOT / "leaderboard").rglob("*.py"))
    ),
    ids=lambda path: str(path.relative_to(ROOT)),
)
def test_files_are_short(path):
    """No file is longer than 400 lines."""
    assert len(path.read_text(encoding="utf-8").splitlines()) <= MAX_LINES


def test_leaderboard_is_not_imported():
    """The package never imports the application built on it, which imports no library for training or chemistry."""
    for path in MODULES:
        assert not any(module.split(".")[0] == "leaderboard" for module in _imports(path)), path
    files = sorted((ROOT / "leaderboard").rglob("*.py"))
    assert files
    trained = {"molmix_bench.models", "molmix_bench.training"}
    for path in files:
        for module in _imports(path):
            assert module.split(".")[0] not in HOMES, f"{path} imports {module}"
            assert ".".join(module.split(".")[:2]) not in trained, f"{path} imports {module}"


def test_leaderboard_loads_no_torch():
    """Importing the application loads no torch by way of anything else."""
    import subprocess
    import sys

    parts = "leaderboard.cli, leaderboard.service.serve, leaderboard.worker.work, leaderboard.worker.rescore"
    code = f"import sys, {parts}; print('torch' in sys.modules)"
    result = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert result.stdout.strip() == "False"


def test_base_import_is_light():
    """Importing the package loads no torch, no RDKit and no Hub client."""
    import subprocess
    import sys

    heavy = ["torch", "rdkit", "huggingface_hub", "polars"]
    code = f"import sys, molmix_bench; print([name for name in {heavy} if name in sys.modules])"
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert result.stdout.strip() == "[]"
