"""What the page's tests share: a browser, and a page that must not complain."""

from collections.abc import Iterator

import pytest
from selenium.webdriver import Chrome

from tests.needs import need
from tests.server import Server
from tests.web.browser import Page, chrome


@pytest.fixture(scope="session")
def driver() -> Iterator[Chrome]:
    """A browser without a screen."""
    with chrome(need("chromium"), need("chromedriver")) as browser:
        yield browser


@pytest.fixture
def page(driver: Chrome, server: Server) -> Iterator[Page]:
    """The page, as a reader finds it; when the test ends, the console must have said nothing."""
    opened = Page(driver, server.port).open()
    yield opened
    assert opened.complaints() == []


@pytest.fixture
def media(driver: Chrome) -> Iterator[Chrome]:
    """The browser, whose screen and preferences are its own again afterwards."""
    yield driver
    driver.execute_cdp_cmd("Emulation.clearDeviceMetricsOverride", {})
    driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": []})
