"""Take the pictures of the page that docs/images/ has: `python -m docs.page [FOLDER]`.

They are of the real page on the real service, in a browser without a screen. Needs chromium and chromedriver.
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

FOLDER = Path(__file__).parent / "images"
COLOURS, ROUNDS = 240, 3
# What moves on the page has come to rest after that.
REST_SECONDS = 0.8


class Shot(NamedTuple):
    """A picture: how wide and high the screen is, which theme, and what is done before it is taken."""

    width: int
    height: int
    scale: float
    theme: str
    prepare: Callable[[Page], None]


def drawn(page: Page) -> None:
    """Draw a three and ask why it is no eight."""
    page.draw_digit(3)
    page.click("#explain-digit button:nth-child(9)")
    page.run("scrollTo(0, 0)")


def inside(page: Page) -> None:
    """Draw a five and look at one of the first layer's most active neurons."""
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
    """Return a picture as PNG."""
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
    """Write every picture to the folder, in few colours, and return the files."""
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
    parser = argparse.ArgumentParser("python -m docs.page", description="Take the pictures of the page.")
    parser.add_argument("folder", nargs="?", type=Path, default=FOLDER, metavar="OUT_DIR")
    draw(parser.parse_args(arguments).folder)


if __name__ == "__main__":
    main()
