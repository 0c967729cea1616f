"""Security headers on every response, and CORS for allowed origins only."""

import pytest
from flask.testing import FlaskClient

from service.access.security_headers import HEADERS
from service.app import create_app
from service.settings import Settings

HERE, THERE = "https://app.example", "https://evil.example"
PREFLIGHT = {"Access-Control-Request-Method": "POST", "Access-Control-Request-Headers": "x-api-key"}


def client(origins: str, key: str = "") -> FlaskClient:
    """Return a client of an app whose responses pages of these origins may read."""
    return create_app(Settings(cors_origins=origins, api_key=key)).test_client()


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("POST", "/predict", 200),
        ("GET", "/healthz", 200),
        ("GET", "/model", 200),
        ("GET", "/metrics", 200),
        ("GET", "/v2", 200),
        ("OPTIONS", "/predict", 200),
        ("GET", "/predict", 405),
        ("GET", "/nothing", 404),
        ("GET", "/web/nothing", 404),
    ],
)
def test_every_answer_of_the_api_is_safe_with_browsers(
    client: FlaskClient, seven: bytes, method: str, path: str, status: int
) -> None:
    """Each security header is there once, on errors, too; without the setting there is no CORS header."""
    data = seven if method == "POST" else None
    answer = client.open(path, method=method, data=data, content_type="image/png" if data else None)
    assert answer.status_code == status
    for name, value in HEADERS:
        assert answer.headers.getlist(name) == [value]
    assert "Access-Control-Allow-Origin" not in answer.headers


def test_the_page_has_a_policy_of_its_own(client: FlaskClient) -> None:
    """The page and its files have one Content-Security-Policy, which allows their own scripts."""
    for path in ("/", "/web/base.css"):
        answer = client.get(path)
        assert answer.status_code == 200
        (policy,) = answer.headers.getlist("Content-Security-Policy")
        assert "script-src 'self'" in policy
        assert answer.headers.getlist("Cache-Control") == ["no-cache"]
        assert answer.headers.getlist("X-Content-Type-Options") == ["nosniff"]


def test_nobody_reads_from_elsewhere_unless_allowed(seven: bytes) -> None:
    """With no origin set, neither a response nor a preflight has a CORS header."""
    for answer in (
        client("").post("/predict", data=seven, headers={"Origin": HERE}),
        client("").options("/predict", headers={"Origin": HERE, **PREFLIGHT}),
    ):
        assert not [name for name, _ in answer.headers if name.startswith(("Access-Control", "Vary"))]


def test_an_allowed_origin_reads_answers_and_errors(seven: bytes) -> None:
    """Responses and errors allow that origin and no other; all have Vary: Origin for caches."""
    app = client(f"{HERE}, https://other.example")
    for data in (seven, b"no picture"):
        answer = app.post("/predict", data=data, content_type="image/png", headers={"Origin": HERE})
        assert answer.headers.getlist("Access-Control-Allow-Origin") == [HERE]
        assert answer.headers["Vary"] == "Origin"
        exposed = answer.headers["Access-Control-Expose-Headers"].split(", ")
        assert {"X-Request-Id", "Retry-After", "Server-Timing", "RateLimit"} <= set(exposed)
    for origin in (THERE, f"{HERE}.evil.example", HERE.upper(), "null", f"{HERE}:8443", ""):
        answer = app.get("/healthz", headers={"Origin": origin})
        assert "Access-Control-Allow-Origin" not in answer.headers
        assert answer.headers["Vary"] == "Origin"


def test_a_preflight_names_the_routes_own_methods() -> None:
    """A preflight needs no key; its response has the methods, the headers and how long to cache them."""
    app = client(HERE, key="a-key-of-some-length")
    answer = app.options("/predict", headers={"Origin": HERE, **PREFLIGHT})
    assert answer.status_code == 200
    assert set(answer.headers["Access-Control-Allow-Methods"].split(", ")) == {"OPTIONS", "POST"}
    assert {"X-API-Key", "Authorization", "Content-Type"} <= set(
        answer.headers["Access-Control-Allow-Headers"].split(", ")
    )
    assert answer.headers["Access-Control-Max-Age"] == "7200"
    refused = app.options("/predict", headers={"Origin": THERE, **PREFLIGHT})
    assert not [name for name, _ in refused.headers if name.startswith("Access-Control")]


def test_any_origin_never_with_credentials(seven: bytes) -> None:
    """Neither `*` nor a named origin allows credentials."""
    for origins in ("*", HERE):
        app = client(origins)
        for answer in (
            app.post("/predict", data=seven, content_type="image/png", headers={"Origin": HERE}),
            app.options("/predict", headers={"Origin": HERE, **PREFLIGHT}),
        ):
            assert answer.headers["Access-Control-Allow-Origin"] == origins
            assert "Access-Control-Allow-Credentials" not in answer.headers
