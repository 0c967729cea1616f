"""Grafana's own types for dashboards, from its npm package, and the errors that TypeScript finds."""

import json
import os
import re
import shutil
import subprocess
from contextlib import suppress
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from tests.deploy.queries import DEPLOY, read_yaml
from tests.needs import need, skip

# The schema of the Grafana that the Compose file runs.
GRAFANA = read_yaml(DEPLOY / "compose.yaml")["services"]["grafana"]["image"].partition(":")[2]
TYPESCRIPT = "5.9.3"
PACKAGES = {"@grafana/schema": GRAFANA, "typescript": TYPESCRIPT}
INSTALL = (
    *("install", "--ignore-scripts", "--no-audit", "--no-fund", "--no-package-lock"),
    *("--prefer-offline", "--fetch-retries=1", "--fetch-timeout=60000"),
)
TYPES = Path(__file__).parent / "dashboard.ts"
COMPILE = ("--noEmit", "--strict", "--skipLibCheck", "--module", "nodenext", "--target", "es2022")
WAIT_SECONDS = 300


def packages() -> Path:
    """Return the folder of the packages in the user's cache; fetch them if they are not there."""
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "digits"
    folder = cache / f"grafana-schema-{GRAFANA}-typescript-{TYPESCRIPT}"
    if not folder.exists():
        cache.mkdir(parents=True, exist_ok=True)
        with TemporaryDirectory(dir=cache, prefix="grafana-schema-") as name:
            made = fetch(Path(name) / "made")
            # Another process may have created the same folder meanwhile.
            with suppress(OSError):
                made.rename(folder)
    return folder


def fetch(folder: Path) -> Path:
    """Install the packages into a new folder with npm."""
    npm = need("npm")
    folder.mkdir()
    text = json.dumps({"private": True, "dependencies": PACKAGES})
    (folder / "package.json").write_text(text, encoding="utf-8")
    done = subprocess.run(
        [npm, *INSTALL], cwd=folder, capture_output=True, text=True, check=False, timeout=WAIT_SECONDS
    )
    if done.returncode:
        skip(f"npm can't install {PACKAGES}: {done.stderr}")
    return folder


def faults(folder: Path, dashboards: dict[str, dict[str, Any]]) -> dict[str, list[str]]:
    """Return TypeScript's errors in each dashboard as a value of Grafana's type; its files go to `folder`."""
    node, modules = need("node"), packages() / "node_modules"
    (folder / "node_modules").symlink_to(modules)
    shutil.copy(TYPES, folder)
    for name, document in dashboards.items():
        text = json.dumps(document, indent=2, ensure_ascii=False)
        head = 'import type { Written } from "./dashboard.js";\nexport const dashboard: Written = '
        (folder / f"{name}.ts").write_text(f"{head}{text};\n", encoding="utf-8")
    compiler = str(modules / "typescript" / "bin" / "tsc")
    command = [node, compiler, *COMPILE, *(f"{name}.ts" for name in dashboards)]
    done = subprocess.run(
        command, cwd=folder, capture_output=True, text=True, check=False, timeout=WAIT_SECONDS
    )
    found = re.findall(r"^([\w-]+)\.ts\((.+)$", done.stdout, re.MULTILINE)
    # Without errors the compiler prints nothing, and it prints only errors in these files.
    assert bool(found) == bool(done.returncode), done.stdout + done.stderr
    assert {name for name, _ in found} <= dashboards.keys(), done.stdout
    return {name: [text for other, text in found if other == name] for name in dashboards}
