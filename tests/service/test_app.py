"""Routes are matched once; everything else about them is werkzeug's."""

from typing import Any

import pytest
from flask.testing import FlaskClient
from werkzeug.routing.matcher import StateMachineMatcher

from service.app import create_app
from service.settings import Settings


def test_a_route_is_searched_for_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """A second request to a path without arguments is not matched again; one with arguments is."""
    client = create_app(Settings()).test_client()
    searches: list[str] = []
    match = StateMachineMatcher.match

    def counted(*args: Any) -> Any:  # noqa: ANN401 - werkzeug's own
        searches.append(args[2])
        return match(*args)

    monkeypatch.setattr(StateMachineMatcher, "match", counted)
    for path in ("/healthz", "/healthz", "/model/layers/0/neurons/1", "/model/layers/0/neurons/2"):
        assert client.get(path).status_code == 200
    assert searches == ["/healthz", "/model/layers/0/neurons/1", "/model/layers/0/neurons/2"]


@pytest.mark.parametrize("path", ["/healthz", "/predict"])
def test_other_methods_are_told_what_is_allowed(client: FlaskClient, path: str) -> None:
    """Also where the path was found before: 405 and OPTIONS name the methods."""
    right = "POST" if path == "/predict" else "GET"
    for _ in range(2):
        client.open(path, method=right)
        assert right in client.open(path, method="DELETE").headers["Allow"]
        assert right in client.open(path, method="OPTIONS").headers["Allow"]
