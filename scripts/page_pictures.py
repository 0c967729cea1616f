"""Take screenshots of the page for docs/images/.

    python -m scripts.page_pictures [OUT_DIR]     takes each picture, by default into docs/images

The pictures show the real page and the real service, in a headless browser. Needs chromium and chromedriver.
"""

import argparse
import io
from collections.abc import Callable, Sequence
from pathlib import Path
from time import sleep
from typing import NamedTuple

from PIL import Image

from tests.needs import need
from tests.server import running
from tests.web.browser import Page, chrome

FOLDER = Path(__file__).parent.parent / "docs" / "images"
COLOURS, ROUNDS = 240, 3
# All animations of the page end within this time.
REST_SECONDS = 0.8


class Shot(NamedTuple):
    """A picture: the screen in CSS pixels, its scale, the theme, and the steps before the screenshot."""

    width: int
    height: int
    scale: float
    theme: str
    prepare: Callable[[Page], None]


def drawn(page: Page) -> None:
    """Draw a three and choose the explanation for the eight."""
    page.draw_digit(3)
    page.click("#explain-digit button:nth-child(9)")
    page.run("scrollTo(0, 0)")


def inside(page: Page) -> None:
    """Draw a five and select one of the most active neurons of the first layer."""
    page.draw_digit(5)
    page.click("#layers .layer:nth-of-type(2) .cell:nth-child(3)")
    page.run("document.getElementById('network').scrollIntoView({ behavior: 'instant' })")


def touched(page: Page) -> None:
    """Draw a two with a finger."""
    page.draw_digit(2, "touch")
    page.run("scrollTo(0, 0)")


SHOTS = {
    "page-light": Shot(1440, 930, 1, "light", drawn),
    "page-dark": Shot(1440, 930, 1, "dark", inside),
    "page-phone": Shot(360, 800, 1.5, "dark", touched),
}


def take(page: Page, shot: Shot) -> bytes:
    """Return a screenshot as PNG."""
    screen = {"width": shot.width, "height": shot.height, "deviceScaleFactor": shot.scale}
    theme = {"name": "prefers-color-scheme", "value": shot.theme}
    mobile = shot.width < 500
    page.driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", {**screen, "mobile": mobile})
    page.driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": [theme]})
    page.driver.execute_cdp_cmd("Emulation.setScrollbarsHidden", {"hidden": True})
    shot.prepare(page.open())
    sleep(REST_SECONDS)
    return page.driver.get_screenshot_as_png()


def draw(folder: Path) -> list[Path]:
    """Write every picture to the folder, with few colours, and return the files."""
    folder.mkdir(parents=True, exist_ok=True)
    with running() as server, chrome(need("chromium"), need("chromedriver")) as driver:
        page = Page(driver, server.port)
        return [_write(take(page, shot), folder / f"{name}.png") for name, shot in SHOTS.items()]


def _write(png: bytes, path: Path) -> Path:
    picture = (
        Image.open(io.BytesIO(png))
        .convert("RGB")
        .quantize(COLOURS, Image.Quantize.MAXCOVERAGE, kmeans=ROUNDS, dither=Image.Dither.NONE)
    )
    picture.save(path, optimize=True)
    return path


def main(arguments: Sequence[str] | None = None) -> None:
    """Take the pictures into the folder named on the command line."""
    parser = argparse.ArgumentParser(
        "python -m scripts.page_pictures", description="Take the pictures of the page."
    )
    parser.add_argument("folder", nargs="?", type=Path, default=FOLDER, metavar="OUT_DIR")
    draw(parser.parse_args(arguments).folder)


if __name__ == "__main__":
    main()
