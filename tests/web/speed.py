"""Measure the page's latency in a real browser with the real service: `python -m tests.web.speed`.

lift to answer    time from lifting the pen until the prediction is painted, over several drawings
long tasks        tasks of more than 50 ms in the page during drawing (PerformanceObserver)
"""

import argparse
from collections.abc import Iterator
from itertools import islice
from statistics import median

from tests.needs import need
from tests.server import running
from tests.web.browser import STROKES, Page, chrome

# One frame after the state becomes `answered`, the prediction has been painted.
WATCH = """
const measured = (window.measured = { lifts: [], tasks: [] });
let lifted = 0;
document.addEventListener("pointerup", () => { lifted = performance.now(); }, true);
new MutationObserver(() => {
  if (!lifted || document.body.dataset.state !== "answered") return;
  const began = lifted;
  lifted = 0;
  requestAnimationFrame(() => setTimeout(() => measured.lifts.push(performance.now() - began)));
}).observe(document.body, { attributeFilter: ["data-state"] });
new PerformanceObserver((list) => {
  for (const { duration } of list.getEntries()) measured.tasks.push(duration);
}).observe({ type: "longtask" });
"""


def lifts(page: Page) -> Iterator[float]:
    """Draw digits, and yield the milliseconds from lifting the pen to the painted prediction."""
    while True:
        for strokes in STROKES.values():
            page.click("#clear") if page.run("return document.body.dataset.state !== 'empty'") else None
            page.run("window.measured.lifts.length = 0")
            page.draw(strokes)
            page.wait_for_state("answered")
            page.wait_until("return window.measured.lifts.length")
            yield float(page.run("return window.measured.lifts.at(-1)"))


def main() -> None:
    """Draw, measure, and print."""
    parser = argparse.ArgumentParser("python -m tests.web.speed", description="Time the page in a browser.")
    parser.add_argument("--drawings", type=int, default=30, help="digits to draw (default: %(default)s)")
    number = parser.parse_args().drawings
    with running() as server, chrome(need("chromium"), need("chromedriver")) as driver:
        page = Page(driver, server.port).open()
        page.draw_digit(0)  # load everything that is loaded only once
        page.run(WATCH)
        found = sorted(islice(lifts(page), number))
        tasks = page.run("return window.measured.tasks")
    print(f"lift to answer, {number} drawings: median {median(found):.0f} ms, longest {found[-1]:.0f} ms")  # noqa: T201 - what the command is for
    print(f"tasks over 50 ms while drawing: {len(tasks)}, longest {max(tasks, default=0):.0f} ms")  # noqa: T201


if __name__ == "__main__":
    main()
