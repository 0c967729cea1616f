"""What all tests share: real digits, and the service, in this process and as people run it."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from flask import Flask
from flask.testing import FlaskClient
from prometheus_client import REGISTRY

from service.app import create_app
from service.settings import Settings
from service.shared_memory.counters import COLLECTOR
from tests.server import Server, running
from training.data.mnist import Examples

DATA = Path(__file__).parent / "data"
# So that tests can ask prometheus_client for what was counted in this process.
REGISTRY.register(COLLECTOR)


@pytest.fixture(scope="session")
def mnist_500() -> Examples:
    """500 images of the MNIST test set, read-only."""
    with np.load(DATA / "mnist_500.npz") as archive:
        examples = Examples(archive["images"], archive["labels"])
    for array in examples:
        array.setflags(write=False)
    return examples


@pytest.fixture(scope="session")
def seven() -> bytes:
    """A PNG of a handwritten 7."""
    return (DATA / "7.png").read_bytes()


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
