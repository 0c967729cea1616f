"""The walk-through's plots and links: each leads to something that is there, and worth the look."""

import importlib
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
from PIL import Image

from scripts.walkthrough_plots import FIGURES

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"
WALKTHROUGH = (DOCS / "walkthrough.md").read_text(encoding="utf-8")
PROSE = re.sub(r"^```.+?^```$", "", WALKTHROUGH, flags=re.MULTILINE | re.DOTALL)
REFERENCED = re.findall(r"\]\(images/(\w+\.png)\)", PROSE)
MAX_BYTES = 80_000


def check_picture(path: Path) -> None:
    """Hold a PNG to what a reader needs: opaque white behind it, something drawn on it, quick to load."""
    picture = Image.open(path)
    assert not picture.has_transparency_data
    pixels = np.asarray(picture.convert("L"))
    assert pixels[0, 0] == 255
    assert pixels.shape[1] >= 1000
    assert pixels.std() > 10
    assert path.stat().st_size <= MAX_BYTES


def test_script_draws_every_plot_of_the_walkthrough(tmp_path: Path) -> None:
    """`python -m scripts.walkthrough_plots DIR` writes exactly the referenced images, none blank."""
    command = [sys.executable, "-W", "error", "-m", "scripts.walkthrough_plots", str(tmp_path / "new")]
    subprocess.run(command, cwd=ROOT, check=True, timeout=300)
    written = sorted((tmp_path / "new").iterdir())
    assert [path.name for path in written] == sorted(REFERENCED)
    for path in written:
        check_picture(path)


def test_every_referenced_plot_is_committed() -> None:
    """Each image that the walk-through or another page shows lies in docs/images, and nothing else does."""
    assert len(REFERENCED) == len(set(REFERENCED)) == len(FIGURES)
    pages = [*DOCS.glob("*.md"), DOCS.parent / "README.md"]
    shown = {name for page in pages for name in re.findall(r"images/([\w-]+\.png)", page.read_text("utf-8"))}
    assert {path.name for path in (DOCS / "images").iterdir()} == shown
    for name in REFERENCED:
        check_picture(DOCS / "images" / name)


def test_links_to_sections_lead_to_headings() -> None:
    """Each `#anchor` is the one that GitHub gives to a heading, and the contents list every section."""
    headings = re.findall(r"^(#{2,3}) (.+)$", PROSE, re.MULTILINE)
    anchors = [_anchor(text) for _, text in headings]
    linked = re.findall(r"\]\(#([^)]+)\)", PROSE)
    assert len(anchors) == len(set(anchors))
    assert set(linked) <= set(anchors)
    sections = [_anchor(text) for level, text in headings if level == "##" and text != "Contents"]
    assert re.findall(r"^\d+\. \[.+\]\(#(.+)\)$", PROSE, re.MULTILINE) == sections


def _anchor(heading: str) -> str:
    return re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-")


def test_links_to_files_lead_to_files() -> None:
    """Each relative link leads to a file of the project."""
    linked = {target for target in re.findall(r"\]\(([^)#]+)\)", PROSE) if "://" not in target}
    assert [target for target in sorted(linked) if not (DOCS / target).exists()] == []


def test_table_of_concepts_names_what_the_code_has() -> None:
    """Each function in the closing table exists in the file beside it."""
    rows = re.findall(r"^\|[^|]+\| \[([\w/]+)\.py\]\([^)]+\) \| (.+) \|$", PROSE, re.MULTILINE)
    assert len(rows) > 15
    for module, names in rows:
        found = importlib.import_module(module.replace("/", "."))
        missing = [name for name in re.findall(r"`(\w+)`", names) if not hasattr(found, name)]
        assert missing == [], module
