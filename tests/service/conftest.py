"""Apps and servers for the service's tests."""

import io
from collections.abc import Iterator

import numpy as np
import numpy.typing as npt
import pytest
from flask import Flask
from flask.testing import FlaskClient
from PIL import Image

from service.app import create_app
from service.settings import Settings
from tests.server import Server, running


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


def png(pixels: npt.NDArray[np.uint8]) -> bytes:
    """Encode pixels as a PNG."""
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, "PNG")
    return file.getvalue()


@pytest.fixture
def blank() -> bytes:
    """A PNG with nothing on it."""
    return png(np.full((40, 40), 255, np.uint8))
