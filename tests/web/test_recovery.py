"""The page reports an unreachable service, a missing key or a missing model, and recovers by itself."""

import pytest
from selenium.webdriver import Chrome

from tests.server import running
from tests.web.browser import Page

pytestmark = pytest.mark.xdist_group("browser")

KEY = "clé"


def test_it_reports_an_unreachable_service_and_recovers(driver: Chrome) -> None:
    """While the service is stopped, the drawing is kept; after a restart, it is read without user action."""
    with running() as server:
        page = Page(driver, server.port).open()
        page.draw_digit(3)
        assert server.stop() == 0
        page.draw([[[90, 90], [91, 91]]])
        page.wait_for_state("unreachable")
        assert "does not respond" in page.text("#alert")
        page.click("#undo")
        port = str(server.port)
    with running({"DIGITS_PORT": port}):
        page.wait_for_state("answered")
        assert page.run("return document.getElementById('alert').hidden")
        assert page.text("#digit") == "3"
    page.driver.get("about:blank")
    assert all("ERR_CONNECTION" in line for line in page.complaints()), "only messages of the browser itself"


def test_it_asks_for_the_api_key_and_sends_it(driver: Chrome) -> None:
    """The form is shown at once; a wrong key is reported; the right key, in any script, fills all panels."""
    with running({"DIGITS_API_KEY": KEY}) as server:
        page = Page(driver, server.port).open()
        assert page.find("#key-form").is_displayed()
        page.find("#key").send_keys("wrong")
        page.click("#key-form button")
        page.click("#examples button")
        page.wait_for_state("failed")
        assert "rejected this API key" in page.text("#alert")
        page.find("#key").send_keys(KEY)
        page.click("#key-form button")
        page.wait_for_state("answered")
        page.wait_until("return document.getElementById('neuron').dataset.neuron")
        assert not page.find("#key-form").is_displayed()
    page.driver.get("about:blank")
    assert all("401" in line for line in page.complaints()), "only messages of the browser itself"


def test_a_service_without_a_model_says_why(driver: Chrome, tmp_path: "pytest.TempPathFactory") -> None:
    """The alert shows the service's reason."""
    with running({"DIGITS_MODEL": f"{tmp_path}/none.npz"}) as server:
        page = Page(driver, server.port).open()
        page.click("#examples button")
        page.wait_for_state("failed")
        assert "none.npz" in page.text("#alert")
    page.driver.get("about:blank")
    assert all("503" in line for line in page.complaints()), "only messages of the browser itself"
