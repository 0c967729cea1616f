"""API keys and rate limits, tested within the app."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from service.app import create_app
from service.settings import Settings, SettingsError

KEY, OTHER = "a-key-of-some-length", "another-key-as-long"
Post = Callable[..., TestResponse]


def post_to(client: FlaskClient, png: bytes) -> Post:
    """Return a function that posts an image to /predict from an address, with headers."""

    def post(address: str = "192.0.2.1", **headers: str) -> TestResponse:
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        origin = {"REMOTE_ADDR": address}
        return client.post("/predict", data=png, content_type="image/png", headers=named, environ_base=origin)

    return post


@pytest.fixture
def limited(seven: bytes) -> Callable[..., Post]:
    """A function that makes a service with a burst of two requests, then one in a thousand seconds."""

    def make(**settings: object) -> Post:
        limits = {"rate_limit": 0.001, "rate_burst": 2, **settings}
        return post_to(create_app(Settings(**limits)).test_client(), seven)  # type: ignore[arg-type]  # any of them

    return make


def test_a_key_is_required_where_one_is_set(seven: bytes) -> None:
    """With keys set, predictions and the model require one, in either header; health and the page do not."""
    client = create_app(Settings(api_key=f"{KEY}, sésame")).test_client()
    post, right = post_to(client, seven), "sésame".encode().decode("latin-1")
    for headers, status in [
        ({}, 401),
        ({"X_API_Key": "wrong"}, 401),
        ({"X_API_Key": ""}, 401),
        ({"X_API_Key": f"{KEY}, {right}"}, 401),
        ({"Authorization": f"Basic {KEY}"}, 401),
        ({"Authorization": KEY}, 401),
        ({"X_API_Key": right}, 200),
        ({"X_API_Key": KEY}, 200),
        ({"Authorization": f"Bearer {right}"}, 200),
        ({"Authorization": f"bearer  {KEY}"}, 200),
    ]:
        answer = post(**headers)
        assert answer.status_code == status, headers
        assert ("WWW-Authenticate" in answer.headers) == (status == 401)
    assert client.get("/model").status_code == client.get("/v2/models/digits").status_code == 401
    for path in ("/readyz", "/healthz", "/metrics", "/", "/v2/health/ready"):
        assert client.get(path).status_code == 200, path


def test_a_key_may_come_from_a_file(tmp_path: Path, seven: bytes) -> None:
    """With DIGITS_API_KEY_FILE alone a key is required, and the page asks for it."""
    path = tmp_path / "keys"
    path.write_text(f"{KEY}\n{OTHER}\n")
    client = create_app(Settings(api_key_file=path)).test_client()
    post = post_to(client, seven)
    assert [post(X_API_Key=key).status_code for key in (KEY, OTHER, "")] == [200, 200, 401]
    assert 'data-key="needed"' in client.get("/").text


def test_no_app_without_its_file_of_keys(tmp_path: Path) -> None:
    """A missing file of keys is an error when the app is made, instead of an open service."""
    with pytest.raises(SettingsError, match="can't be read"):
        create_app(Settings(api_key_file=tmp_path / "keys"))


def test_a_client_without_tokens_is_told_when_to_retry(limited: Callable[..., Post]) -> None:
    """429 is a problem document with Retry-After; every response has the rate-limit headers."""
    post = limited()
    answers = [post() for _ in range(3)]
    assert [answer.status_code for answer in answers] == [200, 200, 429]
    assert [answer.headers["RateLimit"][:13] for answer in answers] == [
        f'"default";r={left}' for left in (1, 0, 0)
    ]
    assert {answer.headers["RateLimit-Policy"] for answer in answers} == {'"default";q=2;w=2000'}
    document = answers[2].get_json()
    assert document["type"] == "urn:digits:problem:too-many-requests"
    assert answers[2].content_type == "application/problem+json"
    assert 990 <= int(answers[2].headers["Retry-After"]) <= 1000
    assert f"after {answers[2].headers['Retry-After']} s" in document["detail"]


def test_a_429_under_v2_has_the_protocols_form() -> None:
    """Under /v2 the error is {"error": "…"}, with the same headers."""
    client = create_app(Settings(rate_limit=0.001)).test_client()
    client.get("/v2/models/digits")
    answer = client.get("/v2/models/digits")
    assert (answer.status_code, list(answer.get_json())) == (429, ["error"])
    assert "Retry-After" in answer.headers


def test_each_address_has_its_own_bucket(limited: Callable[..., Post]) -> None:
    """A different address is not refused; a different address of the same IPv6 network is."""
    post = limited()
    addresses = ["192.0.2.1"] * 3 + ["192.0.2.2"] + [f"2001:db8::{last}" for last in range(3)]
    assert [post(address).status_code for address in addresses] == [200, 200, 429, 200, 200, 200, 429]


def test_each_key_has_its_own_bucket(limited: Callable[..., Post]) -> None:
    """A valid key has one bucket, from whatever address it is used."""
    post = limited(api_key=f"{KEY} {OTHER}")
    asked = [post(f"192.0.2.{last}", X_API_Key=KEY).status_code for last in range(3)]
    assert asked == [200, 200, 429]
    assert post(X_API_Key=OTHER).status_code == 200


def test_guessing_a_key_is_slow(limited: Callable[..., Post]) -> None:
    """Wrong keys take tokens of their address until they get 429; a valid key keeps its own tokens."""
    post = limited(api_key=KEY)
    guesses = [post(X_API_Key=f"guess {number}").status_code for number in range(4)]
    assert guesses == [401, 401, 429, 429]
    assert post(X_API_Key=KEY).status_code == 200


def test_a_key_has_no_bucket_where_none_is_required(limited: Callable[..., Post]) -> None:
    """Where no key is required, a client gets no further bucket by sending one."""
    post = limited()
    assert [post(X_API_Key=str(number)).status_code for number in range(3)] == [200, 200, 429]


def test_no_client_makes_up_its_address(limited: Callable[..., Post]) -> None:
    """X-Forwarded-For of an untrusted peer is ignored; of a trusted proxy, its own entry counts."""
    post = limited(trusted_proxies="10.0.0.0/8")
    spoofed = [post(X_Forwarded_For=f"203.0.113.{last}").status_code for last in range(3)]
    assert spoofed == [200, 200, 429]
    through = [
        post("10.0.0.1", X_Forwarded_For=f"198.51.100.{last}, 203.0.113.7").status_code for last in range(3)
    ]
    assert through == [200, 200, 429]
    assert post("10.0.0.1", X_Forwarded_For="203.0.113.8").status_code == 200


def test_probes_metrics_and_the_page_take_no_token() -> None:
    """Probes, /metrics, the page's files and OPTIONS are never rate-limited; an unknown path is."""
    client = create_app(Settings(rate_limit=0.001)).test_client()
    for path in ("/healthz", "/readyz", "/metrics", "/", "/web/main.js", "/v2/health/live"):
        for _ in range(5):
            answer = client.get(path)
            assert answer.status_code == 200
            assert "RateLimit" not in answer.headers
    assert [client.options("/predict").status_code for _ in range(3)] == [200] * 3
    assert [client.get("/nothing").status_code for _ in range(2)] == [404, 429]


def test_the_log_says_who_was_refused_and_no_key(
    limited: Callable[..., Post], capfd: pytest.CaptureFixture[str]
) -> None:
    """The log line of a refused request has the client's address, that of an answered request does not."""
    post = limited(api_key=KEY)
    capfd.readouterr()
    for key in ("guess", KEY, KEY, KEY):
        post(X_API_Key=key)
    text = capfd.readouterr().out
    assert [json.loads(line).get("client") for line in text.splitlines()] == [
        "192.0.2.1",
        None,
        None,
        "a key",
    ]
    assert KEY not in text
    assert "guess" not in text


def test_metrics_may_need_a_key_of_their_own() -> None:
    """DIGITS_METRICS_KEY is valid for /metrics only; wrong keys take tokens, scrapes do not."""
    settings = Settings(metrics_key=OTHER, api_key=KEY, rate_limit=0.001, rate_burst=3)
    client = create_app(settings).test_client()

    def get(path: str, key: str) -> int:
        return client.get(path, headers={"Authorization": f"Bearer {key}"}).status_code

    assert [get("/metrics", OTHER) for _ in range(5)] == [200] * 5
    assert [get("/metrics", KEY), get("/metrics", ""), get("/model", OTHER)] == [401] * 3
    assert get("/metrics", "guess") == 429
    assert get("/model", KEY) == 200


def test_keys_are_in_no_description_of_the_settings() -> None:
    """The representation of the settings, as in a traceback or a log, shows no key."""
    text = repr(Settings(api_key=KEY, metrics_key=OTHER))
    assert KEY not in text
    assert OTHER not in text
