"""The architecture, read from the imports: training → models ← service, and nothing else."""

import ast
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
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
