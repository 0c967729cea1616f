"""The API reference, /docs, in a browser: axe, themes, screen sizes, the keyboard, no JavaScript."""

import pytest
from selenium.webdriver import Chrome
from selenium.webdriver.common.action_chains import ActionChains
from selenium.webdriver.common.keys import Keys

from tests.server import Server
from tests.web.browser import Page
from tests.web.test_access import WIDTHS, prefer, resize, violations

pytestmark = pytest.mark.xdist_group("browser")


@pytest.fixture
def docs(page: Page) -> Page:
    """The API reference, opened from the page, with all details expanded."""
    page.click('footer a[href="/docs"]')
    page.wait_until("return location.pathname === '/docs' && document.readyState === 'complete'")
    page.run("for (const details of document.querySelectorAll('details')) details.open = true")
    return page


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_axe_finds_nothing(docs: Page, media: Chrome, theme: str) -> None:
    """There is no violation in either theme, with everything expanded."""
    prefer(media, prefers_color_scheme=theme)
    assert violations(docs) == []


@pytest.mark.parametrize("width", WIDTHS)
def test_nothing_scrolls_sideways(docs: Page, media: Chrome, width: int) -> None:
    """Neither the page nor a panel is wider than its visible part, from phones to wide screens."""
    resize(media, width)
    assert docs.run("return document.documentElement.scrollWidth") <= width
    inner = docs.run(
        "return [...document.querySelectorAll('.panel, pre')].filter((e) => e.scrollWidth > e.clientWidth)"
    )
    assert inner == []


def test_both_pages_share_the_theme(docs: Page, media: Chrome) -> None:
    """The button changes the theme, and the choice applies to the other page too."""
    prefer(media, prefers_color_scheme="light")
    ground = "return getComputedStyle(document.body).backgroundColor"
    light = docs.run(ground)
    docs.click("#theme")
    assert docs.run(ground) != light
    docs.click('nav a[href="/"]')
    docs.wait_until("return location.pathname === '/' && document.getElementById('theme')?.textContent")
    assert docs.text("#theme") == "Theme: dark"


def test_the_keyboard_collapses_a_response(docs: Page) -> None:
    """A link of the contents leads to its section, Tab continues there, Enter collapses a response."""
    docs.find('.contents a[href="#feedback"]').send_keys(Keys.ENTER)
    assert docs.run("return location.hash") == "#feedback"
    ActionChains(docs.driver).send_keys(Keys.TAB).perform()
    outlined = "return getComputedStyle(document.activeElement).outlineStyle"
    assert docs.run("return document.activeElement.tagName") in {"SUMMARY", "A"}
    assert docs.run(outlined) != "none"
    summary = docs.find("#feedback details.response > summary")
    summary.send_keys(Keys.ENTER)
    assert docs.run("return document.querySelector('#feedback details.response').open") is False


def test_it_is_complete_without_javascript(driver: Chrome, server: Server) -> None:
    """Without JavaScript, the reference is shown, and the theme button is hidden."""
    driver.execute_cdp_cmd("Emulation.setScriptExecutionDisabled", {"value": True})
    try:
        driver.get(f"http://127.0.0.1:{server.port}/docs")
        assert driver.find_element("id", "predict").is_displayed()
        assert not driver.find_element("id", "theme").is_displayed()
    finally:
        driver.execute_cdp_cmd("Emulation.setScriptExecutionDisabled", {"value": False})
