"""The drawing area never moves, and no error is shown while the pen is down."""

import base64
from pathlib import Path
from typing import Any

import pytest
from selenium.webdriver import Chrome
from selenium.webdriver.support.wait import WebDriverWait

from tests.server import running
from tests.web.browser import STROKES, WAIT_SECONDS, Page
from tests.web.test_access import resize
from tests.web.test_drawing import INK
from tests.web.test_images import BLANK, hand_over

pytestmark = pytest.mark.xdist_group("browser")

KEY = "secret"
DELAYS_MS = [0, 50, 300, 2000]
SCREENS = [(1440, 900), (1024, 2400), (390, 844)]
HOLD_SECONDS = 0.5
SLOW_MS = 60

# Record the top of the drawing area in each frame, and each layout shift since the start of loading.
OBSERVE = """
const observed = (window.observed = { tops: new Set(), shifts: [] });
const area = document.querySelector(".drawing-area");
(function frame() {
  observed.tops.add(area.getBoundingClientRect().top);
  requestAnimationFrame(frame);
})();
new PerformanceObserver((list) => {
  for (const { value, sources } of list.getEntries()) {
    observed.shifts.push([value, sources.map(({ node, previousRect: from, currentRect: to }) =>
      [node?.outerHTML?.slice(0, 60) ?? node?.textContent, from.x, from.y, to.x, to.y])]);
  }
}).observe({ type: "layout-shift", buffered: true });
"""
# Delay the responses of the service.
DELAY = """
const [delay, fetchNow] = [arguments[0], window.fetch];
window.underWay = 0;
window.fetch = async (...request) => {
  window.underWay += 1;
  const response = await fetchNow(...request);
  await new Promise((resolve) => setTimeout(resolve, delay));
  window.underWay -= 1;
  return response;
};
"""
# Replace the first image by a blank one, which the service rejects. Record the status of each response, and
# how often the alert was shown.
REJECT_FIRST = """
const [content, delay, fetchNow] = [...arguments, window.fetch];
const blank = Uint8Array.from(atob(content), (letter) => letter.charCodeAt(0));
const recorded = (window.recorded = { statuses: [], alerts: 0 });
window.fetch = async (path, options) => {
  const body = recorded.statuses.length ? options?.body : blank;
  recorded.statuses.push(0);
  const place = recorded.statuses.length - 1;
  const response = await fetchNow(path, options?.body ? { ...options, body } : options);
  await new Promise((resolve) => setTimeout(resolve, delay));
  recorded.statuses[place] = response.status;
  return response;
};
const alertBox = document.getElementById("alert");
new MutationObserver(() => { recorded.alerts += alertBox.hidden ? 0 : 1; })
  .observe(alertBox, { attributes: true, childList: true });
"""


@pytest.fixture(params=SCREENS, ids=lambda size: "x".join(map(str, size)))
def screen(media: Chrome, request: pytest.FixtureRequest) -> Chrome:
    """A browser with a desktop screen, a tall screen that shows all panels, or a phone screen."""
    resize(media, *request.param)
    return media


def observe(page: Page) -> Page:
    """Open and observe the page, with the whole drawing area in view."""
    page.open()
    page.run("document.getElementById('pad').scrollIntoView({ block: 'center', behavior: 'instant' })")
    page.run(OBSERVE)
    return page


def check_that_nothing_moved(page: Page) -> None:
    """Assert that the drawing area did not move and that the browser reports no layout shift."""
    observed: dict[str, Any] = page.run(
        "await new Promise((resolve) => requestAnimationFrame(() => setTimeout(resolve, 50)));"
        "return { tops: [...observed.tops], shifts: observed.shifts }"
    )
    assert observed["shifts"] == []
    assert len(observed["tops"]) == 1, observed["tops"]


def wait_for_every_panel(page: Page) -> None:
    """Wait until the prediction and its neuron are shown."""
    page.wait_for_state("answered")
    page.wait_until("return document.getElementById('neuron').dataset.neuron")


@pytest.mark.parametrize("delay", DELAYS_MS)
def test_holding_the_pen_still_does_not_bend_the_stroke(page: Page, delay: int) -> None:
    """A seven drawn slowly, after holding the pen still for half a second, is read, and nothing moves."""
    observe(page).run(DELAY, delay)
    page.draw(STROKES["7"], hold_seconds=HOLD_SECONDS, move_ms=SLOW_MS)
    wait_for_every_panel(page)
    assert page.text("#digit") == "7"
    check_that_nothing_moved(page)


@pytest.mark.parametrize("delay", DELAYS_MS)
def test_a_tap_is_a_dot(page: Page, delay: int) -> None:
    """A tap leaves ink, which gets a prediction without an alert, and nothing moves."""
    observe(page).run(DELAY, delay)
    page.draw([[[50, 50]]])
    assert page.run(INK) > 0
    wait_for_every_panel(page)
    assert page.run("return document.getElementById('alert').hidden")
    check_that_nothing_moved(page)


def test_pressing_the_pen_paints_a_dot(page: Page) -> None:
    """There is ink before the pen moves, and it gets a prediction."""
    page.press(50, 50)
    assert page.run(INK) > 0
    page.wait_until("return document.getElementById('digit').textContent !== '?'")
    page.lift()


def test_no_state_shifts_the_layout(screen: Chrome) -> None:
    """Empty, drawing, answered, abstained, failed, unreachable and recovered: the layout shift is 0."""
    with running() as server:
        page = observe(Page(screen, server.port))
        page.press(50, 20)
        page.wait_until("return document.getElementById('digit').textContent !== '?'")
        page.lift()
        wait_for_every_panel(page)
        assert page.run("return document.getElementById('prediction').classList.contains('abstained')")
        check_that_nothing_moved(page)
        page.run("document.getElementById('clear').click()")
        page.wait_for_state("empty")
        page.draw_digit(3)
        check_that_nothing_moved(page)
        hand_over(page, "drop", "blank.png", "image/png", BLANK)
        page.wait_for_state("failed")
        check_that_nothing_moved(page)
        page.draw_digit(8)
        check_that_nothing_moved(page)
        server.stop()
        page.draw([[[90, 90]]])
        page.wait_for_state("unreachable")
        check_that_nothing_moved(page)
        port = str(server.port)
    with running({"DIGITS_PORT": port}):
        wait_for_every_panel(page)
        check_that_nothing_moved(page)
    page.driver.get("about:blank")
    page.complaints()


def test_asking_for_the_key_does_not_shift_the_layout(screen: Chrome) -> None:
    """The layout shift is 0 when the key is requested, rejected and accepted."""
    with running({"DIGITS_API_KEY": KEY}) as server:
        page = observe(Page(screen, server.port))
        for key in ("wrong", KEY):
            assert page.find("#key-form").is_displayed()
            page.find("#key").send_keys(key)
            page.run("document.querySelector('#key-form button').click()")
            page.draw([[[50, 20], [50, 80]]])
            page.wait_for_state("failed" if key == "wrong" else "answered")
            check_that_nothing_moved(page)
        assert not page.find("#key-form").is_displayed()
    page.driver.get("about:blank")
    page.complaints()


@pytest.mark.parametrize("delay", [0, 300], ids=["while the pen is down", "after it is lifted"])
def test_an_error_for_an_unfinished_stroke_is_never_shown(page: Page, delay: int) -> None:
    """The service rejects an image sent during the stroke; the finished drawing is read without an alert."""
    page.run(REJECT_FIRST, base64.b64encode(BLANK).decode(), delay)
    page.press(50, 10)
    if delay == 0:
        page.wait_until("return recorded.statuses[0] === 422")
    page.move(50, 90)
    page.lift()
    page.wait_for_state("answered")
    page.wait_until("return recorded.statuses[0] === 422")
    assert page.run("return recorded.alerts") == 0
    assert all("422" in line for line in page.complaints()), "the browser logs the error response"


def test_an_unreachable_service_is_reported_when_the_pen_is_lifted(driver: Chrome) -> None:
    """If the service stops during a stroke, the alert appears when the pen is lifted, not before."""
    with running() as server:
        page = Page(driver, server.port).open()
        page.press(50, 10)
        page.wait_until("return document.getElementById('digit').textContent !== '?'")
        server.stop()
        page.complaints()
        page.move(50, 50)
        WebDriverWait(driver, WAIT_SECONDS).until(lambda _: page.complaints())
        page.move(50, 90)
        assert page.run("return document.getElementById('alert').hidden")
        assert page.run("return document.body.dataset.state") == "reading"
        page.lift()
        page.wait_for_state("unreachable")
        assert "does not respond" in page.text("#alert")
    page.driver.get("about:blank")
    page.complaints()


def test_an_overload_or_missing_model_is_reported_when_the_pen_is_lifted(
    driver: Chrome, tmp_path: Path
) -> None:
    """A 503 that arrives during a stroke is not shown before the pen is lifted."""
    with running({"DIGITS_MODEL": f"{tmp_path}/none.npz"}) as server:
        page = Page(driver, server.port).open()
        page.press(50, 10)
        WebDriverWait(driver, WAIT_SECONDS).until(lambda _: page.complaints())
        page.move(50, 90)
        assert page.run("return document.getElementById('alert').hidden")
        page.lift()
        page.wait_for_state("failed")
        assert "The page will retry." in page.text("#alert")
    page.driver.get("about:blank")
    page.complaints()


def test_erasing_all_ink_is_the_empty_state(page: Page) -> None:
    """When the last ink is erased, nothing is sent, and the page returns to its initial state."""
    page.draw([[[20, 50], [80, 50]]])
    page.wait_for_state("answered")
    page.run("document.getElementById('width').value = 40")
    page.click("#eraser")
    page.press(10, 50)
    for x in (50, 85, 95):
        page.move(x, 50)
    page.wait_for_state("empty")
    assert page.text("#digit") == "?"
    page.lift()
    assert page.run("return document.body.dataset.state") == "empty"
    assert not page.find("#clear").is_enabled()
    page.click("#undo")
    page.wait_for_state("answered")


def test_a_response_for_a_cleared_drawing_is_dropped(page: Page) -> None:
    """A prediction that arrives after its drawing was cleared is not shown; the next drawing is read."""
    page.run(DELAY, 500)
    page.draw(STROKES["7"])
    assert page.run("return underWay") > 0
    page.run(
        "document.getElementById('clear').click();"
        "const digit = document.getElementById('digit'); window.shown = [];"
        "new MutationObserver(() => shown.push(digit.textContent)).observe(digit, { childList: true });"
    )
    page.wait_until("return underWay === 0")
    assert "7" not in page.run("return shown")
    page.draw_digit(0)
    assert page.text("#digit") == "0"
