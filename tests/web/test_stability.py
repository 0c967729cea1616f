"""Nothing moves the sheet under the pen, and no error is shown while the pen is down."""

import base64
from typing import Any

import pytest
from selenium.webdriver import Chrome
from selenium.webdriver.support.wait import WebDriverWait

from tests.server import running
from tests.web.browser import STROKES, WAIT_SECONDS, Page
from tests.web.test_access import resize
from tests.web.test_drawing import INK
from tests.web.test_pictures import BLANK, hand_over

pytestmark = pytest.mark.xdist_group("browser")

KEY = "secret"
DELAYS_MS = [0, 50, 300, 2000]
SCREENS = [(1440, 900), (1024, 2400), (390, 844)]
HOLD_SECONDS = 0.5
SLOW_MS = 60

# Record, in each frame, where the sheet is, and each layout shift since the page began to load.
OBSERVE = """
const observed = (window.observed = { tops: new Set(), shifts: [] });
const sheet = document.querySelector(".sheet");
(function frame() {
  observed.tops.add(sheet.getBoundingClientRect().top);
  requestAnimationFrame(frame);
})();
new PerformanceObserver((list) => {
  for (const { value, sources } of list.getEntries()) {
    observed.shifts.push([value, sources.map(({ node, previousRect: from, currentRect: to }) =>
      [node?.outerHTML?.slice(0, 60) ?? node?.textContent, from.x, from.y, to.x, to.y])]);
  }
}).observe({ type: "layout-shift", buffered: true });
"""
# Hand on the service's own answers, but later.
DELAY = """
const [delay, fetchNow] = [arguments[0], window.fetch];
window.fetch = async (...request) => {
  const response = await fetchNow(...request);
  await new Promise((resolve) => setTimeout(resolve, delay));
  return response;
};
"""
# Post a blank image in place of the first image, so that the service refuses it; count the answers, and
# record whether an error was ever shown.
REFUSE_FIRST = """
const [content, delay, fetchNow] = [...arguments, window.fetch];
const blank = Uint8Array.from(atob(content), (letter) => letter.charCodeAt(0));
const counted = (window.counted = { answers: [], alerts: 0 });
window.fetch = async (path, options) => {
  const body = counted.answers.length ? options?.body : blank;
  counted.answers.push(0);
  const place = counted.answers.length - 1;
  const response = await fetchNow(path, options?.body ? { ...options, body } : options);
  await new Promise((resolve) => setTimeout(resolve, delay));
  counted.answers[place] = response.status;
  return response;
};
const alertBox = document.getElementById("alert");
new MutationObserver(() => { counted.alerts += alertBox.hidden ? 0 : 1; })
  .observe(alertBox, { attributes: true, childList: true });
"""


@pytest.fixture(params=SCREENS, ids=lambda size: "x".join(map(str, size)))
def screen(media: Chrome, request: pytest.FixtureRequest) -> Chrome:
    """A browser with a wide screen, with a high one that shows all panels, and with a phone's."""
    resize(media, *request.param)
    return media


def observe(page: Page) -> Page:
    """Open the page anew and observe it, with all of the sheet in view."""
    page.open()
    page.run("document.getElementById('pad').scrollIntoView({ block: 'center', behavior: 'instant' })")
    page.run(OBSERVE)
    return page


def check_that_nothing_moved(page: Page) -> None:
    """The top of the sheet had one value, and the browser reports no layout shift."""
    observed: dict[str, Any] = page.run(
        "await new Promise((resolve) => requestAnimationFrame(() => setTimeout(resolve, 50)));"
        "return { tops: [...observed.tops], shifts: observed.shifts }"
    )
    assert observed["shifts"] == []
    assert len(observed["tops"]) == 1, observed["tops"]


def wait_for_every_panel(page: Page) -> None:
    """Wait until the answer and its neuron are shown."""
    page.wait_for_state("read")
    page.wait_until("return document.getElementById('neuron').dataset.neuron")


@pytest.mark.parametrize("delay", DELAYS_MS)
def test_a_pen_that_is_held_still_draws_a_straight_stroke(page: Page, delay: int) -> None:
    """Pressed, held still for half a second, then moved slowly: the sheet stays, and the seven is read."""
    observe(page).run(DELAY, delay)
    page.draw(STROKES["7"], hold_seconds=HOLD_SECONDS, move_ms=SLOW_MS)
    wait_for_every_panel(page)
    assert page.text("#digit") == "7"
    check_that_nothing_moved(page)


@pytest.mark.parametrize("delay", DELAYS_MS)
def test_a_tap_is_a_dot(page: Page, delay: int) -> None:
    """A tap leaves ink, which is read, and moves nothing."""
    observe(page).run(DELAY, delay)
    page.draw([[[50, 50]]])
    assert page.run(INK) > 0
    wait_for_every_panel(page)
    assert page.run("return document.getElementById('alert').hidden")
    check_that_nothing_moved(page)


def test_a_pen_that_is_pressed_paints_a_dot(page: Page) -> None:
    """Ink is there before the pen moves, and the service can read it."""
    page.press(50, 50)
    assert page.run(INK) > 0
    page.wait_until("return document.getElementById('digit').textContent !== '?'")
    page.lift()


def test_no_state_moves_anything(screen: Chrome) -> None:
    """Empty, drawing, answered, abstained, refused, service away, back: no layout shift in any of them."""
    with running() as server:
        page = observe(Page(screen, server.port))
        page.press(50, 20)
        page.wait_until("return document.getElementById('digit').textContent !== '?'")
        page.lift()
        wait_for_every_panel(page)
        assert page.run("return document.getElementById('answer').classList.contains('abstained')")
        check_that_nothing_moved(page)
        page.run("document.getElementById('clear').click()")
        page.wait_for_state("empty")
        page.draw_digit(3)
        check_that_nothing_moved(page)
        hand_over(page, "drop", "blank.png", "image/png", BLANK)
        page.wait_for_state("refused")
        check_that_nothing_moved(page)
        page.draw_digit(8)
        check_that_nothing_moved(page)
        server.stop()
        page.draw([[[90, 90]]])
        page.wait_for_state("away")
        check_that_nothing_moved(page)
        port = str(server.port)
    with running({"DIGITS_PORT": port}):
        wait_for_every_panel(page)
        check_that_nothing_moved(page)
    page.driver.get("about:blank")
    page.complaints()


def test_asking_for_the_key_moves_nothing(screen: Chrome) -> None:
    """No layout shift when the key is asked for, is wrong, or is right."""
    with running({"DIGITS_API_KEY": KEY}) as server:
        page = observe(Page(screen, server.port))
        for key in ("wrong", KEY):
            assert page.find("#key-form").is_displayed()
            page.find("#key").send_keys(key)
            page.run("document.querySelector('#key-form button').click()")
            page.draw([[[50, 20], [50, 80]]])
            page.wait_for_state("refused" if key == "wrong" else "read")
            check_that_nothing_moved(page)
        assert not page.find("#key-form").is_displayed()
    page.driver.get("about:blank")
    page.complaints()


@pytest.mark.parametrize("delay", [0, 300], ids=["while the pen is down", "after it is lifted"])
def test_a_refusal_of_an_unfinished_stroke_is_never_shown(page: Page, delay: int) -> None:
    """What was sent while the pen was down is refused; the finished drawing is read, without an alert."""
    page.run(REFUSE_FIRST, base64.b64encode(BLANK).decode(), delay)
    page.press(50, 10)
    if delay == 0:
        page.wait_until("return counted.answers[0] === 422")
    page.move(50, 90)
    page.lift()
    page.wait_for_state("read")
    page.wait_until("return counted.answers[0] === 422")
    assert page.run("return counted.alerts") == 0
    assert all("422" in line for line in page.complaints()), "the browser itself tells of the refusal"


def test_that_the_service_is_away_is_said_when_the_pen_is_lifted(driver: Chrome) -> None:
    """A service that stops during a stroke is reported when the pen is up, not before."""
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
        page.wait_for_state("away")
        assert "does not answer" in page.text("#alert")
    page.driver.get("about:blank")
    page.complaints()


def test_a_sheet_whose_ink_is_all_erased_is_empty(page: Page) -> None:
    """What the eraser leaves without ink is not sent to be refused: the page is as it was at first."""
    page.draw([[[20, 50], [80, 50]]])
    page.wait_for_state("read")
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
    page.wait_for_state("read")


def test_an_answer_that_comes_after_a_clearing_is_dropped(page: Page) -> None:
    """The digit that was drawn before the sheet was cleared is not shown over the next drawing."""
    page.run(DELAY, 500)
    page.draw(STROKES["7"])
    page.run(
        "document.getElementById('clear').click();"
        "const digit = document.getElementById('digit'); window.shown = [];"
        "new MutationObserver(() => shown.push(digit.textContent)).observe(digit, { childList: true });"
    )
    page.draw_digit(0)
    assert "7" not in page.run("return shown")
    assert page.text("#digit") == "0"
