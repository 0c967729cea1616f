"""The walkthrough's plots and tables: each plot is drawn, committed and shown, and each table is complete."""

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
    """Check that a PNG has an opaque white background, something drawn on it, and few bytes."""
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
    """docs/images holds the images that the walkthrough and the other pages show, and nothing else."""
    assert len(REFERENCED) == len(set(REFERENCED)) == len(FIGURES)
    pages = [*DOCS.glob("*.md"), DOCS.parent / "README.md"]
    shown = {name for page in pages for name in re.findall(r"images/([\w-]+\.png)", page.read_text("utf-8"))}
    assert {path.name for path in (DOCS / "images").iterdir()} == shown
    for name in REFERENCED:
        check_picture(DOCS / "images" / name)


def test_contents_list_every_section() -> None:
    """The contents name each section once, in its order."""
    sections = re.findall(r"^## (.+)$", PROSE, re.MULTILINE)
    assert re.findall(r"^\d+\. \[(.+)\]\(#.+\)$", PROSE, re.MULTILINE) == [
        section for section in sections if section != "Contents"
    ]


def test_table_of_concepts_names_what_the_code_has() -> None:
    """Each function in the closing table exists in the file that is named beside it."""
    rows = re.findall(r"^\|[^|]+\| \[([\w/]+)\.py\]\([^)]+\) \| (.+) \|$", PROSE, re.MULTILINE)
    assert len(rows) > 15
    for module, names in rows:
        found = importlib.import_module(module.replace("/", "."))
        missing = [name for name in re.findall(r"`(\w+)`", names) if not hasattr(found, name)]
        assert missing == [], module
