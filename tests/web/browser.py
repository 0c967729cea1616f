"""Drives the page in a real, headless browser, with the input events of a user."""

import json
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from selenium.webdriver import Chrome, ChromeOptions, ChromeService
from selenium.webdriver.common.actions.action_builder import ActionBuilder
from selenium.webdriver.common.actions.interaction import POINTER_MOUSE
from selenium.webdriver.common.actions.pointer_input import PointerInput
from selenium.webdriver.common.by import By
from selenium.webdriver.remote.webelement import WebElement
from selenium.webdriver.support.wait import WebDriverWait

SCRIPT_SECONDS = 120
SWITCHES = (
    *("--headless=new", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"),
    *("--disable-background-networking", "--disable-component-update", "--disable-sync"),
)
WAIT_SECONDS = 30
# The strokes of each digit, in a square of 100 × 100.
STROKES: dict[str, list[list[list[float]]]] = json.loads((Path(__file__).parent / "strokes.json").read_text())
MOVE_MS = 4


@contextmanager
def chrome(chromium: str, chromedriver: str, *switches: str) -> Iterator[Chrome]:
    """Run a separate browser until the block ends."""
    options = ChromeOptions()
    options.binary_location = chromium
    for switch in (*SWITCHES, *switches):
        options.add_argument(switch)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
    driver = Chrome(options=options, service=ChromeService(chromedriver))
    # axe examines every element, while other tests use the same cores.
    driver.set_script_timeout(SCRIPT_SECONDS)
    try:
        yield driver
    finally:
        driver.quit()


class Page:
    """The page in a browser, and the actions of a user."""

    def __init__(self, driver: Chrome, port: int) -> None:
        """Remember the address; nothing is opened yet."""
        self.driver, self.address = driver, f"http://127.0.0.1:{port}/"

    def open(self) -> "Page":
        """Open the page as a first-time visitor."""
        self.complaints()  # discard those of earlier pages
        self.driver.get(self.address)
        self.driver.execute_script("localStorage.clear(); sessionStorage.clear()")
        self.driver.get(self.address)
        self.wait_until(
            "return document.body.dataset.state === 'empty' && document.readyState === 'complete'"
        )
        return self

    def run(self, script: str, *arguments: object) -> Any:  # noqa: ANN401 - whatever the script returns
        """Run a script in the page."""
        return self.driver.execute_script(script, *arguments)

    def wait_until(self, script: str, *arguments: object) -> Any:  # noqa: ANN401 - whatever the script returns
        """Wait until a script returns something true, and return it."""
        return WebDriverWait(self.driver, WAIT_SECONDS, 0.02).until(
            lambda _: self.run(script, *arguments), script
        )

    def wait_for_state(self, state: str) -> None:
        """Wait for a state: empty, reading, answered, failed or unreachable."""
        self.wait_until("return document.body.dataset.state === arguments[0]", state)

    def find(self, selector: str) -> WebElement:
        """Return the first element that matches a CSS selector."""
        return self.driver.find_element(By.CSS_SELECTOR, selector)

    def text(self, selector: str) -> str:
        """Return an element's text."""
        return str(self.run("return document.querySelector(arguments[0]).textContent", selector))

    def click(self, selector: str) -> None:
        """Scroll an element into view and click it."""
        element = self.find(selector)
        self.run("arguments[0].scrollIntoView({ block: 'center', behavior: 'instant' })", element)
        element.click()

    def draw(
        self,
        strokes: Sequence[Sequence[Sequence[float]]],
        kind: str = POINTER_MOUSE,
        hold_seconds: float = 0,
        move_ms: int = MOVE_MS,
    ) -> None:
        """Draw strokes with a mouse, a pen or a finger, which is held still at the start of each stroke."""
        with self._pointer(kind, move_ms) as (actions, place):
            for first, *points in strokes:
                actions.move_to_location(*place(*first))
                actions.pointer_down()
                actions.pause(hold_seconds)
                for point in points:
                    actions.move_to_location(*place(*point))
                actions.pointer_up()

    def press(self, x: float, y: float) -> None:
        """Press the mouse button on the drawing area, and keep it pressed."""
        with self._pointer() as (actions, place):
            actions.move_to_location(*place(x, y))
            actions.pointer_down()

    def move(self, x: float, y: float) -> None:
        """Move the mouse on the drawing area."""
        with self._pointer() as (actions, place):
            actions.move_to_location(*place(x, y))

    def lift(self) -> None:
        """Release the mouse button."""
        with self._pointer() as (actions, _):
            actions.pointer_up()

    @contextmanager
    def _pointer(
        self, kind: str = POINTER_MOUSE, move_ms: int = MOVE_MS
    ) -> Iterator[tuple[Any, Callable[[float, float], tuple[int, int]]]]:
        """Perform the pointer's actions; the function converts coordinates of 100 × 100 to pixels."""
        self.run(
            "const pad = document.getElementById('pad'), box = pad.getBoundingClientRect();"
            "if (box.top < 0 || box.bottom > innerHeight)"
            " pad.scrollIntoView({ block: 'center', behavior: 'instant' })"
        )
        box = self.run("return document.getElementById('pad').getBoundingClientRect().toJSON()")

        def place(x: float, y: float) -> tuple[int, int]:
            return (
                round(box["x"] + x * box["width"] / 100),
                round(box["y"] + y * box["height"] / 100),
            )

        pointer: Any = PointerInput(kind, kind)  # type: ignore[no-untyped-call]
        builder = ActionBuilder(self.driver, mouse=pointer, duration=move_ms)
        yield builder.pointer_action, place
        builder.perform()

    def draw_digit(self, digit: int, kind: str = POINTER_MOUSE) -> None:
        """Draw a digit and wait for its prediction."""
        self.draw(STROKES[str(digit)], kind)
        self.wait_for_state("answered")

    def example(self, index: int = 0) -> None:
        """Choose an example and wait for its prediction and its neuron."""
        self.click(f"#examples button:nth-child({index + 1})")
        self.wait_for_state("answered")
        self.wait_until("return document.getElementById('neuron').dataset.neuron")

    def complaints(self) -> list[str]:
        """Return the console's warnings and errors since the last call."""
        levels = {"WARNING", "SEVERE"}
        return [entry["message"] for entry in self.driver.get_log("browser") if entry["level"] in levels]  # type: ignore[no-untyped-call]
