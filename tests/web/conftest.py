"""What the page's tests share: an app to ask, a server, a browser, and a page that must not complain."""

from collections.abc import Iterator

import pytest
from flask import Flask
from flask.testing import FlaskClient
from selenium.webdriver import Chrome

from service.app import create_app
from service.settings import Settings
from tests.needs import need
from tests.server import Server, running
from tests.web.browser import Page, chrome


@pytest.fixture(scope="session")
def app() -> Flask:
    """The app with the weights that ship."""
    return create_app(Settings())


@pytest.fixture
def client(app: Flask) -> FlaskClient:
    """A client of the app, in this process."""
    return app.test_client()


@pytest.fixture(scope="session")
def server() -> Iterator[Server]:
    """The real service, two workers."""
    with running() as running_server:
        yield running_server


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
