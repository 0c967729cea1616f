"""The pictures of the page in the documentation: reproducible and small."""

from pathlib import Path

import pytest

from scripts.page_pictures import SHOTS, draw
from tests.needs import need
from tests.server import ROOT

pytestmark = pytest.mark.xdist_group("browser")

MOST_BYTES = 100_000


def test_the_pictures_can_be_taken_anew(tmp_path: Path) -> None:
    """The command writes every picture, each with less than 100 kB."""
    need("chromium")
    need("chromedriver")
    paths = draw(tmp_path)
    assert [path.stem for path in paths] == list(SHOTS)
    assert all(path.stat().st_size < MOST_BYTES for path in paths)


def test_the_pictures_that_are_kept_are_small() -> None:
    """The committed pictures exist, each with less than 100 kB."""
    sizes = [(ROOT / "docs" / "images" / f"{name}.png").stat().st_size for name in SHOTS]
    assert max(sizes) < MOST_BYTES
