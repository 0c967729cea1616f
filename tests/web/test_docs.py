"""The page of /docs in a browser: axe's rules, both themes, all widths, the keyboard, no script needed."""

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
    """The page, reached from the one to draw on, every answer unfolded."""
    page.click('footer a[href="/docs"]')
    page.wait_until("return location.pathname === '/docs' && document.readyState === 'complete'")
    page.run("for (const details of document.querySelectorAll('details')) details.open = true")
    return page


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_axe_finds_nothing(docs: Page, media: Chrome, theme: str) -> None:
    """No violation in either theme, everything shown."""
    prefer(media, prefers_color_scheme=theme)
    assert violations(docs) == []


@pytest.mark.parametrize("width", WIDTHS)
def test_nothing_scrolls_sideways(docs: Page, media: Chrome, width: int) -> None:
    """From a phone to a wide screen, the page and each of its panels are as wide as they are shown."""
    resize(media, width)
    assert docs.run("return document.documentElement.scrollWidth") <= width
    inner = docs.run(
        "return [...document.querySelectorAll('.panel, pre')].filter((e) => e.scrollWidth > e.clientWidth)"
    )
    assert inner == []


def test_a_choice_of_theme_holds_here_too(docs: Page, media: Chrome) -> None:
    """The switch changes the page, and what was chosen on it is chosen on the other."""
    prefer(media, prefers_color_scheme="light")
    ground = "return getComputedStyle(document.body).backgroundColor"
    light = docs.run(ground)
    docs.click("#theme")
    assert docs.run(ground) != light
    docs.click('nav a[href="/"]')
    docs.wait_until("return location.pathname === '/' && document.getElementById('theme')?.textContent")
    assert docs.text("#theme") == "Theme: dark"


def test_the_keyboard_unfolds_an_answer(docs: Page) -> None:
    """A link of the contents leads to its place; from there Tab goes on, outlined; Enter folds an answer."""
    docs.find('.contents a[href="#feedback"]').send_keys(Keys.ENTER)
    assert docs.run("return location.hash") == "#feedback"
    ActionChains(docs.driver).send_keys(Keys.TAB).perform()
    outlined = "return getComputedStyle(document.activeElement).outlineStyle"
    assert docs.run("return document.activeElement.tagName") in {"SUMMARY", "A"}
    assert docs.run(outlined) != "none"
    summary = docs.find("#feedback details.answer > summary")
    summary.send_keys(Keys.ENTER)
    assert docs.run("return document.querySelector('#feedback details.answer').open") is False


def test_it_is_whole_without_scripts(driver: Chrome, server: Server) -> None:
    """With scripts off, all of it is there, and no switch without use."""
    driver.execute_cdp_cmd("Emulation.setScriptExecutionDisabled", {"value": True})
    try:
        driver.get(f"http://127.0.0.1:{server.port}/docs")
        assert driver.find_element("id", "predict").is_displayed()
        assert not driver.find_element("id", "theme").is_displayed()
    finally:
        driver.execute_cdp_cmd("Emulation.setScriptExecutionDisabled", {"value": False})
