"""The architecture, read from the imports: training → models ← service, and nothing else."""

import ast
import re
import sys
from collections.abc import Iterator
from graphlib import TopologicalSorter
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
# The rooms of each wing, and which others each may import, lowest first. A file that lies in no folder
# belongs to the room that TOP names for it.
ROOMS: dict[str, dict[str, set[str]]] = {
    "training": {
        "data": set(),
        "engine": {"data"},
        "lecture": {"data", "engine"},
        "evaluation": {"data", "lecture"},
        "cli": {"data", "lecture", "evaluation"},
    },
    "service": {
        "shared_memory": set(),
        "server": {"shared_memory"},
        "images": set(),
        "basics": {"shared_memory"},
        "observability": {"basics", "images", "shared_memory"},
        "access": {"basics", "observability", "shared_memory"},
        "api": {"access", "basics", "images", "observability", "shared_memory"},
        "command": {"access", "basics", "images"},
        "client": set(),
        "assembly": {"access", "api", "basics", "command", "observability", "server", "shared_memory"},
    },
}
BASICS = ("__init__", "settings", "problems", "pending_response")
ASSEMBLY = ("app", "worker", "early_responses", "gunicorn.conf", "__main__")
TOP = {
    "training": {"__main__": "cli"},
    "service": dict.fromkeys(BASICS, "basics") | dict.fromkeys(ASSEMBLY, "assembly"),
}
# The packages beside the standard library that these rooms need, and no others.
PACKAGES = {
    "service/images": {"numpy", "PIL"},
    "service/server": {"gunicorn"},
    "service/shared_memory": {"prometheus_client"},
    "service/client": set(),
    "service/access": {"flask", "werkzeug"},
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
    """Return the room of a wing that a module, named with dots, belongs to."""
    wing, _, inside = module.partition(".")
    first = inside.split(".")[0] if inside != "gunicorn.conf" else inside
    return first if first in ROOMS[wing] else TOP[wing].get(first or "__init__", "lecture")


def module_of(path: Path) -> str:
    """Return a file's module, named with dots."""
    return ".".join(path.relative_to(ROOT).with_suffix("").parts)


def inner_imports(path: Path) -> Iterator[str]:
    """Yield the full name of every module of its own wing that a file imports."""
    wing = path.relative_to(ROOT).parts[0]
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.ImportFrom) and (node.module or "").split(".")[0] == wing:
            for alias in node.names:
                whole = f"{node.module}.{alias.name}"
                is_module = (ROOT / whole.replace(".", "/")).with_suffix(".py").exists()
                yield whole if is_module else str(node.module)
        elif isinstance(node, ast.Import):
            assert not any(alias.name.startswith(wing) for alias in node.names), path


@pytest.mark.parametrize("wing", ROOMS)
def test_rooms_know_only_those_below(wing: str) -> None:
    """Each room imports only the rooms of its list, and those lists form no circle."""
    rooms = ROOMS[wing]
    tuple(TopologicalSorter(rooms).static_order())
    files = sorted((ROOT / wing).rglob("*.py"))
    assert {room_of(module_of(path)) for path in files} == set(rooms)
    for path in files:
        room = room_of(module_of(path))
        for module in inner_imports(path):
            assert room_of(module) in rooms[room] | {room}, f"{path} imports {module}"


@pytest.mark.parametrize("wing", ROOMS)
def test_modules_form_no_circle(wing: str) -> None:
    """Within a room, too, no two modules import each other, directly or through others."""
    graph = {module_of(path): set(inner_imports(path)) for path in (ROOT / wing).rglob("*.py")}
    tuple(TopologicalSorter(graph).static_order())


@pytest.mark.parametrize("room", PACKAGES)
def test_a_room_needs_few_packages(room: str) -> None:
    """`images` knows nothing of Flask; `server` knows nothing of NumPy, Flask, settings or metrics."""
    for path in (ROOT / room).rglob("*.py"):
        found = {name for name in imports(path) if name not in sys.stdlib_module_names}
        assert found <= PACKAGES[room] | {"service"}, path


@pytest.mark.parametrize(
    "wing", ["models", "training", "service", "tests/training", "tests/models", "tests/service"]
)
def test_no_room_is_crowded(wing: str) -> None:
    """A folder has at most 14 modules; each package says what it may import and where to start reading."""
    for folder in {path.parent for path in (ROOT / wing).rglob("*.py")}:
        assert len(list(folder.glob("*.py"))) <= MOST_MODULES, folder
        if not wing.startswith("tests"):
            text = ast.get_docstring(ast.parse((folder / "__init__.py").read_text())) or ""
            assert re.search(r"imports?\b", text), folder
            assert re.search(r"\bstart\b", text, re.IGNORECASE), folder
