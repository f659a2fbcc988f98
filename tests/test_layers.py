"""Imports go downstream only, C++ knows no Python outside its bindings, and importing the package stays light."""

import ast
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
PACKAGE, CPP = ROOT / "python" / "linvariance", ROOT / "cpp"

# Each may import those before it. `_core` is below all.
ORDER = (
    "arrays",
    "optional",
    "progress",
    "tensors",
    "unfinished",
    "files",
    "threads",
    "tables",
    "plots",
    "groups",
    "objectives",
    "data",
    "problems",
    "optima",
    "invariance",
    "augmentation",
    "networks",
    "kernels",
    "training",
    "curvature",
    "landscape",
    "dynamics",
    "estimators",
    "selection",
    "comparison",
    "datasets",
    "experiments",
)
OUTSIDE = {"__init__", "__main__", "config"}  # the border: what is exported, started, reported
HEAVY = (
    *("sklearn", "matplotlib", "dask", "distributed", "mlxtend", "sympy", "rich", "cyclopts"),
    *("pandas", "polars", "pyarrow", "torch"),
)

MODULES = sorted(path for path in PACKAGE.rglob("*.py") if path.stem not in OUTSIDE or path.parent != PACKAGE)


def layer_of(path):
    """The module or subpackage right under the package."""
    return path.relative_to(PACKAGE).with_suffix("").parts[0]


def only_for_types(tree):
    """The nodes under `if TYPE_CHECKING:`, which are never executed."""
    return {
        child
        for node in ast.walk(tree)
        if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.dump(node.test)
        for statement in node.body
        for child in ast.walk(statement)
    }


def imports(path):
    """(full dotted names of what it imports, whether at module level)."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    package = ["linvariance", *path.relative_to(PACKAGE).with_suffix("").parts][:-1]
    skipped, top = only_for_types(tree), set(tree.body)
    for node in ast.walk(tree):
        if node in skipped:
            continue
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            base = package[: len(package) - node.level + 1] if node.level else []
            base += node.module.split(".") if node.module else []
            names = [".".join([*base, alias.name]) for alias in node.names]
        else:
            continue
        for name in names:
            yield name, node in top


@pytest.mark.parametrize("path", MODULES, ids=lambda p: str(p.relative_to(PACKAGE)))
def test_imports_go_downstream(path):
    here = layer_of(path)
    assert here in ORDER, f"{here} has no place in the order of layers yet"
    for name, _ in imports(path):
        parts = name.split(".")
        if parts[0] != "linvariance" or len(parts) == 1:
            continue
        there = parts[1]
        if there in ("_core", "__version__", here):
            continue
        if here == "experiments" and there not in ORDER:
            continue  # the experiments stand outside and use the public names, e.g. linvariance.solve
        assert there in ORDER, f"{path.name} imports {name}, which is no layer"
        assert ORDER.index(there) < ORDER.index(here), f"{path.name} imports {name}, upstream"


@pytest.mark.parametrize("path", MODULES, ids=lambda p: str(p.relative_to(PACKAGE)))
def test_heavy_packages_are_imported_where_they_are_used(path):
    if layer_of(path) in ("experiments", "plots", "estimators"):
        return
    for name, at_top in imports(path):
        assert not (at_top and name.split(".")[0] in HEAVY), f"{path.name} imports {name} at module level"


def test_importing_the_package_imports_none_of_them():
    script = "import sys, linvariance; print(*sys.modules)"
    loaded = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True).stdout.split()
    assert not {name.split(".")[0] for name in loaded} & set(HEAVY)
    assert not {"scipy.optimize", "scipy.integrate"} & set(loaded)  # a third of the time that importing would take


def includes(path):
    return re.findall(r'^\s*#\s*include\s*[<"]([^>"]+)[>"]', path.read_text(encoding="utf-8"), flags=re.MULTILINE)


SOURCES = sorted(path for path in CPP.rglob("*") if path.suffix in (".hpp", ".cpp", ".h"))


@pytest.mark.parametrize("path", SOURCES, ids=lambda p: str(p.relative_to(CPP)))
def test_cpp_knows_no_python_outside_the_bindings(path):
    if path.relative_to(CPP).parts[0] == "bindings":
        return
    for name in includes(path):
        assert not re.match(r"Python\.h|pybind11|numpy", name), f"{path.name} includes {name}"
    text = re.sub(r"//.*|/\*.*?\*/", "", path.read_text(encoding="utf-8"))
    assert not re.search(r"\bPy[A-Z]\w*|\bpybind11\b", text)
    if path.suffix == ".hpp":  # the core neither prints nor draws random numbers
        assert not re.search(r"\bstd::(cout|cerr|random_device|mt19937)\b|\bprintf\b|\brand\(", text)


def test_cpp_headers_include_no_circle():
    headers = CPP / "include"
    graph = {
        path.relative_to(headers).as_posix(): [name for name in includes(path) if name.startswith("linvariance/")]
        for path in (headers / "linvariance").rglob("*.hpp")
    }

    def visit(name, trail):
        assert name not in trail, " -> ".join([*trail, name])
        for other in graph[name]:
            visit(other, [*trail, name])

    for name in graph:
        visit(name, [])


def test_the_layers_are_the_modules_there_are():
    assert {layer_of(path) for path in MODULES} <= set(ORDER)


def only_downstream(room):
    """The modules of a room, each with the modules of the same room it imports."""
    names = {path.stem for path in room.glob("*.py")} - {"__init__"}
    package = ["linvariance", *room.relative_to(PACKAGE).parts]
    for path in room.glob("*.py"):
        if path.stem in names:
            found = (name.split(".") for name, _ in imports(path))
            yield path.stem, {parts[len(package)] for parts in found if parts[: len(package)] == package} & names


ROOMS = sorted({path.parent for path in MODULES} - {PACKAGE})


@pytest.mark.parametrize("room", ROOMS, ids=lambda p: str(p.relative_to(PACKAGE)))
def test_modules_of_a_room_import_no_circle(room):
    graph = dict(only_downstream(room))

    def visit(name, trail):
        assert name not in trail, " -> ".join([*trail, name])
        for other in graph[name]:
            visit(other, [*trail, name])

    for name in graph:
        visit(name, [])
