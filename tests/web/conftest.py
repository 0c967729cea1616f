"""What the page's tests share: an app to ask, a server, a browser."""

import pytest
from flask import Flask
from flask.testing import FlaskClient

from service.app import create_app
from service.settings import Settings


@pytest.fixture(scope="session")
def app() -> Flask:
    """The app with the weights that ship."""
    return create_app(Settings())


@pytest.fixture
def client(app: Flask) -> FlaskClient:
    """A client of the app, in this process."""
    return app.test_client()
