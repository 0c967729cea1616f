"""The architecture, read from the imports: training → models ← service, and nothing else."""

import ast
import re
import sys
from collections.abc import Iterator
from graphlib import TopologicalSorter
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
# The rooms of training/, and which others each may import; the files at its top are the lecture.
TRAINING_ROOMS: dict[str, set[str]] = {
    "data": set(),
    "engine": {"data"},
    "lecture": {"data", "engine"},
    "evaluation": {"data", "lecture"},
    "cli": {"data", "lecture", "evaluation"},
}
MOST_MODULES = 14
ALLOWED = {
    "models": {"models", "numpy"},
    # werkzeug is what flask stands on; opentelemetry need not be installed.
    "service": {
        *("models", "service", "numpy", "flask", "werkzeug", "gunicorn", "PIL", "prometheus_client"),
        "opentelemetry",
    },
    "training": {"models", "training", "numpy", "click", "matplotlib", "pooch", "requests", "tqdm"},
}


def imports(path: Path) -> Iterator[str]:
    """Yield the top-level name of everything that a file imports, anywhere in it."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name.split(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert not node.level, f"{path} imports relatively"
            yield (node.module or "").split(".")[0]


@pytest.mark.parametrize("folder", ALLOWED)
def test_each_folder_imports_what_it_may(folder: str) -> None:
    """No file imports anything beyond the standard library and its folder's list."""
    files = sorted((ROOT / folder).rglob("*.py"))
    assert files
    for path in files:
        found = {name for name in imports(path) if name not in sys.stdlib_module_names}
        assert found <= ALLOWED[folder], f"{path}: {found - ALLOWED[folder]}"


@pytest.mark.parametrize(("package", "file"), [("PIL", "codec.py"), ("opentelemetry", "tracing.py")])
def test_one_place_knows_a_package(package: str, file: str) -> None:
    """One place opens images, and one makes spans."""
    users = [path.name for path in (ROOT / "service").rglob("*.py") if package in imports(path)]
    assert users == [file]


def room_of(module: str) -> str:
    """Return the room of training/ that a module, named with dots, belongs to."""
    if module == "training.__main__":
        return "cli"
    part = module.split(".")[1]
    return part if part in TRAINING_ROOMS else "lecture"


def training_imports(path: Path) -> Iterator[str]:
    """Yield the full name of every module of training/ that a file imports."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.ImportFrom) and (node.module or "").split(".")[0] == "training":
            for alias in node.names:
                whole = f"{node.module}.{alias.name}"
                is_module = (ROOT / whole.replace(".", "/")).with_suffix(".py").exists()
                yield whole if is_module else str(node.module)
        elif isinstance(node, ast.Import):
            assert not any(alias.name.startswith("training") for alias in node.names), path


def test_training_rooms_know_only_those_below() -> None:
    """Each room of training/ imports only the rooms of its list, and those lists form no circle."""
    tuple(TopologicalSorter(TRAINING_ROOMS).static_order())
    files = sorted((ROOT / "training").rglob("*.py"))
    assert {room_of(".".join(file.relative_to(ROOT).with_suffix("").parts)) for file in files} == set(
        TRAINING_ROOMS
    )
    for path in files:
        room = room_of(".".join(path.relative_to(ROOT).with_suffix("").parts))
        for module in training_imports(path):
            assert room_of(module) in TRAINING_ROOMS[room] | {room}, f"{path} imports {module}"


def test_training_modules_form_no_circle() -> None:
    """Within a room of training/, too, no two modules import each other, directly or through others."""
    graph = {
        ".".join(path.relative_to(ROOT).with_suffix("").parts): set(training_imports(path))
        for path in (ROOT / "training").rglob("*.py")
    }
    tuple(TopologicalSorter(graph).static_order())


@pytest.mark.parametrize("wing", ["models", "training", "tests/training", "tests/models"])
def test_no_room_is_crowded(wing: str) -> None:
    """A folder has at most 14 modules; each package says what it may import and where to start reading."""
    for folder in {path.parent for path in (ROOT / wing).rglob("*.py")}:
        assert len(list(folder.glob("*.py"))) <= MOST_MODULES, folder
        if not wing.startswith("tests"):
            text = ast.get_docstring(ast.parse((folder / "__init__.py").read_text())) or ""
            assert "may import" in text, folder
            assert re.search("start reading", text, re.IGNORECASE), folder
