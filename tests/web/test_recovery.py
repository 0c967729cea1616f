"""When the service is away, or wants its key: the page says so, and goes on when it can."""

import pytest
from selenium.webdriver import Chrome

from tests.server import running
from tests.web.browser import Page

pytestmark = pytest.mark.xdist_group("browser")

KEY = "clé"


def test_it_says_that_the_service_is_away_and_recovers(driver: Chrome) -> None:
    """Stopped, the page says so and keeps the drawing; started again on its port, it reads it by itself."""
    with running() as server:
        page = Page(driver, server.port).open()
        page.draw_digit(3)
        assert server.stop() == 0
        page.draw([[[90, 90], [91, 91]]])
        page.wait_for_state("away")
        assert "does not answer" in page.text("#alert")
        page.click("#undo")
        port = str(server.port)
    with running({"DIGITS_PORT": port}):
        page.wait_for_state("read")
        assert page.run("return document.getElementById('alert').hidden")
        assert page.text("#digit") == "3"
    page.driver.get("about:blank")
    assert all("ERR_CONNECTION" in line for line in page.complaints()), "the browser's own words"


def test_it_asks_for_the_key_and_sends_it(driver: Chrome) -> None:
    """Asked for at once; a wrong one is told from none; the right one, of any letters, opens all panels."""
    with running({"DIGITS_API_KEY": KEY}) as server:
        page = Page(driver, server.port).open()
        assert page.find("#key-form").is_displayed()
        page.find("#key").send_keys("wrong")
        page.click("#key-form button")
        page.click("#examples button")
        page.wait_for_state("refused")
        assert "That key is not the service’s" in page.text("#alert")
        page.find("#key").send_keys(KEY)
        page.click("#key-form button")
        page.wait_for_state("read")
        page.wait_until("return document.getElementById('neuron').dataset.neuron")
        assert not page.find("#key-form").is_displayed()
    page.driver.get("about:blank")
    assert all("401" in line for line in page.complaints()), "the browser's own words"


def test_a_service_without_a_model_says_why(driver: Chrome, tmp_path: "pytest.TempPathFactory") -> None:
    """The reason that the service gives stands on the page."""
    with running({"DIGITS_MODEL": f"{tmp_path}/none.npz"}) as server:
        page = Page(driver, server.port).open()
        page.click("#examples button")
        page.wait_for_state("refused")
        assert "none.npz: there is no such file" in page.text("#alert")
    page.driver.get("about:blank")
    assert all("503" in line for line in page.complaints()), "the browser's own words"
