"""The server alone, for the tests of a module."""

from collections.abc import Iterator

import pytest

from tests.server import Server
from tests.service.server.raw_http import plain_server


@pytest.fixture(scope="module")
def plain() -> Iterator[Server]:
    """The server with plain_app.py."""
    with plain_server() as server:
        yield server
