"""Fixtures for the page: a browser, and a page that must not log errors."""

from collections.abc import Iterator

import pytest
from selenium.webdriver import Chrome

from tests.needs import need
from tests.server import Server
from tests.web.browser import Page, chrome


@pytest.fixture(scope="session")
def driver() -> Iterator[Chrome]:
    """A headless browser."""
    with chrome(need("chromium"), need("chromedriver")) as browser:
        yield browser


@pytest.fixture
def page(driver: Chrome, server: Server) -> Iterator[Page]:
    """The page, just opened. At the end of the test, its console must be free of warnings and errors."""
    opened = Page(driver, server.port).open()
    yield opened
    assert opened.complaints() == []


@pytest.fixture
def media(driver: Chrome) -> Iterator[Chrome]:
    """The browser; its screen size and media preferences are restored afterwards."""
    yield driver
    driver.execute_cdp_cmd("Emulation.clearDeviceMetricsOverride", {})
    driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": []})
