"""The app's routes and methods."""

import pytest
from flask.testing import FlaskClient


@pytest.mark.parametrize("path", ["/healthz", "/predict"])
def test_other_methods_are_told_what_is_allowed(client: FlaskClient, path: str) -> None:
    """405 and OPTIONS name the methods of the path."""
    right = "POST" if path == "/predict" else "GET"
    for _ in range(2):
        client.open(path, method=right)
        assert right in client.open(path, method="DELETE").headers["Allow"]
        assert right in client.open(path, method="OPTIONS").headers["Allow"]
