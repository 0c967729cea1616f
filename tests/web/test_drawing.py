"""Drawing in a real browser: strokes are read as digits and can be undone."""

from itertools import pairwise

import pytest
from selenium.webdriver.common.action_chains import ActionChains
from selenium.webdriver.common.actions.interaction import POINTER_MOUSE, POINTER_PEN, POINTER_TOUCH

from tests.web.browser import STROKES, Page

pytestmark = pytest.mark.xdist_group("browser")

INK = """
const pad = document.getElementById("pad");
const copy = new OffscreenCanvas(pad.width, pad.height).getContext("2d", { willReadFrequently: true });
copy.drawImage(pad, 0, 0);
const data = copy.getImageData(0, 0, pad.width, pad.height).data;
return data.filter((_, index) => index % 4 === 3 && data[index] > 0).length;
"""


def test_ten_digits_are_read_as_they_were_drawn(page: Page) -> None:
    """Of ten digits drawn stroke by stroke, at least nine are predicted correctly."""
    read = {}
    for digit in range(10):
        page.draw_digit(digit)
        read[digit] = page.text("#digit")
        page.click("#clear")
        page.wait_for_state("empty")
    assert sum(read[digit] == str(digit) for digit in read) >= 9, read


@pytest.mark.parametrize("kind", [POINTER_MOUSE, POINTER_TOUCH, POINTER_PEN])
def test_mouse_finger_and_pen_draw(page: Page, kind: str) -> None:
    """A seven drawn with a mouse, a finger or a pen is read as 7."""
    page.draw_digit(7, kind)
    assert page.text("#digit") == "7"
    assert page.text("#status").startswith("It is a 7.")


def test_it_reads_while_the_pen_is_down(page: Page) -> None:
    """A prediction is shown while the pen is down, and announced to screen readers when it is lifted."""
    pad = page.find("#pad")
    chain = ActionChains(page.driver, duration=5).move_to_element_with_offset(pad, -20, -90).click_and_hold()
    for before, after in pairwise(range(-90, 91, 30)):
        chain.move_by_offset(0, after - before)
    chain.perform()
    page.wait_until("return document.getElementById('digit').textContent !== '?'")
    assert page.run("return document.body.dataset.state") == "reading"
    assert page.text("#status") == ""
    ActionChains(page.driver).release().perform()
    page.wait_for_state("answered")
    assert page.text("#status") != ""


def test_undo_and_clear(page: Page) -> None:
    """Undo removes the last stroke or restores a cleared drawing; clear empties drawing area and panels."""
    page.draw_digit(4)
    whole = page.run(INK)
    page.click("#undo")
    page.wait_for_state("answered")
    assert 0 < page.run(INK) < whole
    page.click("#clear")
    page.wait_for_state("empty")
    assert page.run(INK) == 0
    assert page.text("#digit") == "?"
    page.click("#undo")
    page.wait_for_state("answered")
    assert page.run(INK) > 0


def test_the_eraser_takes_ink_away(page: Page) -> None:
    """The eraser removes ink; a drawing area with strokes of the eraser alone is empty."""
    page.draw_digit(1)
    before = page.run(INK)
    page.click("#eraser")
    page.draw([[[20, 50], [80, 50]]])
    page.wait_for_state("answered")
    assert page.run(INK) < before
    page.click("#undo")
    page.click("#clear")
    page.draw([[[20, 50], [80, 50]]])
    page.wait_for_state("empty")


def test_a_wider_pen_leaves_more_ink(page: Page) -> None:
    """The slider sets the width of the pen."""
    page.draw_digit(1)
    thin = page.run(INK)
    page.click("#clear")
    page.run("document.getElementById('width').value = 40")
    page.draw_digit(1)
    assert page.run(INK) > 1.5 * thin


def test_control_z_undoes(page: Page) -> None:
    """Ctrl+Z undoes the last stroke."""
    page.draw_digit(7)
    ActionChains(page.driver).key_down("\ue009").send_keys("z").key_up("\ue009").perform()
    page.wait_for_state("empty")
    assert STROKES["7"]
