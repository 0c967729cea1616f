"""The pictures of the dashboards: drawn from the answers of a real Prometheus, and shown to operators."""

import re
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from scripts.dashboard_pictures import NAMES, Watched, ask, watched
from scripts.panels import KINDS, Panel, draw
from tests.deploy.queries import dashboards, panels
from tests.needs import need
from tests.server import ROOT

IMAGES = ROOT / "docs" / "images"
MAX_BYTES = 100_000
# One process runs them all, so that the traffic is sent once.
pytestmark = pytest.mark.xdist_group("dashboards")
FEW = {
    "service": ("Replicas", "Requests by status", "Distribution of durations", "Workers"),
    "model": ("Undecided", "Digits read", "Ink up to a bound, less the baseline"),
}


def check(path: Path) -> None:
    """Check that a picture has a white background, something drawn on it, and few bytes."""
    with Image.open(path) as picture:
        pixels = np.asarray(picture.convert("L"))
    assert pixels[0, 0] == 255
    assert pixels.std() > 10
    assert path.stat().st_size <= MAX_BYTES


@pytest.fixture(scope="module")
def found() -> Iterator[Watched]:
    """Prometheus after a few seconds of traffic."""
    need("prometheus")
    with watched(5) as result:
        yield result


def few(name: str) -> list[Panel]:
    """Return some of a dashboard's panels."""
    return [panel for panel in panels(dashboards()[name]) if panel["title"] in FEW[name]]


def test_panels_are_drawn_from_what_was_sent(found: Watched, tmp_path: Path) -> None:
    """Panels of every kind have series, with their legends filled in, and are drawn."""
    drawn = set()
    for name in NAMES:
        answers = [(panel, ask(found, panel)) for panel in few(name)]
        assert [panel["title"] for panel, series in answers if not series] == []
        assert not any("{{" in line.legend for _, series in answers for line in series)
        draw(dashboards()[name], answers, tmp_path / f"{name}.png")
        check(tmp_path / f"{name}.png")
        drawn |= {panel["type"] for panel, _ in answers}
    assert drawn == set(KINDS)


def test_traffic_is_mixed(found: Watched) -> None:
    """Some requests are answered, some refused, some abstained on, and a worker ends meanwhile."""
    series = {panel["title"]: ask(found, panel) for name in NAMES for panel in few(name)}
    legends = {line.legend for line in series["Requests by status"]}
    assert {"/predict 200", "/predict 400", "/predict 415", "/predict 422"} <= legends
    assert series["Undecided"][0].values[-1] > 0
    [ended] = [line for line in series["Workers"] if line.legend.endswith("ended")]
    assert ended.values[-1] > 0


def test_pictures_are_committed_and_shown() -> None:
    """docs/operations.md shows each picture that the command writes, and names the command."""
    page = (ROOT / "docs" / "operations.md").read_text(encoding="utf-8")
    shown = re.findall(r"\]\(images/([\w-]+\.png)\)", page)
    assert shown == [f"dashboard-{name}.png" for name in NAMES]
    assert "python -m scripts.dashboard_pictures" in page
    for name in shown:
        check(IMAGES / name)
