"""The service runs on its five packages, and on two folders of this project, alone."""

import re
import shutil
import subprocess
import venv
from importlib.metadata import distribution
from pathlib import Path

import pytest
from packaging.requirements import Requirement

from tests.server import ROOT, post_png, running

SEVEN = str(ROOT / "tests" / "data" / "7.png")
LIST = "import importlib.metadata as m; print(*(d.name for d in m.distributions()))"
CLIENT = "import sys, service.client as c; print(c.DigitsClient(sys.argv[1]).predict(sys.argv[2]).digit)"
FIVE = {"numpy", "flask", "gunicorn", "pillow", "prometheus-client"}


def locked() -> set[str]:
    """Return what requirements.txt pins for this Python: the five packages and what they stand on."""
    lines = (ROOT / "requirements.txt").read_text().splitlines()
    pinned = [Requirement(line.removesuffix(" \\")) for line in lines if re.match(r"\w", line)]
    return {entry.name for entry in pinned if entry.marker is None or entry.marker.evaluate()}


def copy_package(name: str, target: Path) -> None:
    """Copy an installed package's files, as its own record lists them."""
    package = distribution(name)
    for file in package.files or ():
        if ".." not in file.parts and "__pycache__" not in file.parts:
            (target / file).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(str(package.locate_file(file)), target / file)


@pytest.fixture
def bare_python(tmp_path: Path) -> str:
    """An environment that holds the locked packages and nothing else, not even pip."""
    environment = tmp_path / "environment"
    venv.create(environment, with_pip=False, symlinks=True)
    packages = next(environment.glob("lib/python*/site-packages"))
    for name in locked():
        copy_package(name, packages)
    return str(environment / "bin" / "python")


def run(python: str, folder: Path, *arguments: str) -> str:
    """Run Python in a folder, and return what it prints."""
    return subprocess.run([python, *arguments], cwd=folder, capture_output=True, text=True, check=True).stdout


def test_the_service_needs_five_packages(tmp_path: Path, bare_python: str, seven: bytes) -> None:
    """With models/ and service/ copied beside nothing else, in that environment, it answers.

    So do its client and its command line.
    """
    assert locked() >= FIVE
    house = tmp_path / "house"
    for folder in ("models", "service"):
        shutil.copytree(ROOT / folder, house / folder, ignore=shutil.ignore_patterns("__pycache__"))
    listed = run(bare_python, house, "-c", LIST)
    assert {name.lower().replace("_", "-") for name in listed.split()} == locked()
    with running(python=bare_python, root=house) as server:
        connection = server.connect()
        status, document = post_png(connection, seven)
        connection.close()
        asked = run(bare_python, house, "-c", CLIENT, f"http://127.0.0.1:{server.port}", SEVEN)
    assert (status, document["digit"]) == (200, 7)
    assert asked == "7\n"
    assert run(bare_python, house, "-m", "service", "predict", SEVEN).split()[5:7] == [SEVEN, "7"]
