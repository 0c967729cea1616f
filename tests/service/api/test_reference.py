"""openapi.yaml is valid, describes exactly the app's routes, and is what the service serves."""

import json
import re
from collections.abc import Iterator
from http import HTTPStatus
from typing import Any

import pytest
from flask.testing import FlaskClient
from openapi_spec_validator import validate

from scripts.openapi import API, FOLDER, generated
from service import __version__
from service.api.page import HEADERS
from service.api.reference import EXAMPLE_HOST
from service.app import create_app
from service.early_responses import STATUSES
from service.images.codec import LONGEST_SIDE
from service.problems import REASONS
from service.settings import Settings
from tests.server import ROOT

TEXT = (FOLDER / "openapi.yaml").read_text(encoding="utf-8")
METHODS = {"get", "put", "post", "delete", "options", "head", "patch", "trace"}
# What the app has and the file describes only in prose.
LEFT_OUT = {
    "HEAD": "part of HTTP: the response of GET without the body",
    "OPTIONS": "part of HTTP: the methods of a path, in Allow",
    "/web/{name}": "the page's own files, which change with it",
}
# Under /v2 errors have no type: these reasons are only labels of metrics.
WITHOUT_URN = {"unread_type", "bad_inference"}


def operations() -> Iterator[tuple[str, str, dict[str, Any]]]:
    """Yield each operation's path, method and description."""
    for path, item in API["paths"].items():
        for method in METHODS & item.keys():
            yield path, method, item[method]


def test_it_is_openapi_3_1() -> None:
    """The official validator accepts the document, which has its own version and that of the service."""
    validate(API)
    assert API["openapi"].startswith("3.1.")
    assert API["info"]["version"] == __version__


def test_the_served_files_are_made_from_the_yaml() -> None:
    """openapi.json and docs.html are up to date with openapi.yaml: `make openapi` would change nothing."""
    for name, text in generated().items():
        assert (FOLDER / name).read_text(encoding="utf-8") == text
    assert json.loads(generated()["openapi.json"]) == API


def test_it_names_every_route_and_no_other() -> None:
    """The document has the app's rules and methods, and no others."""
    found = set()
    for rule in create_app(Settings(feedback="yes")).url_map.iter_rules():
        path = re.sub(r"<(?:\w+:)?(\w+)>", r"{\1}", rule.rule)
        found |= {(path, method) for method in rule.methods or () if not {path, method} & LEFT_OUT.keys()}
    assert found == {(path, method.upper()) for path, method, _ in operations()}


def test_it_needs_a_key_where_the_app_does() -> None:
    """An operation requires a key in the app exactly if the document says so, and lists 401 and 429 then."""
    client = create_app(Settings(api_key="secret", metrics_key="other", feedback="yes")).test_client()
    for path, method, operation in operations():
        address = path.replace("{layer}", "0").replace("{neuron}", "0").replace("{name}", "digits")
        answer = client.open(address.replace("{version}", "1.3.1"), method=method.upper())
        needed = operation.get("security", API["security"]) != []
        assert (answer.status_code == 401) == needed, path
        assert ("401" in operation["responses"]) == ("429" in operation["responses"]) == needed, path


def urns(node: object) -> Iterator[str]:
    """Yield every problem's type in the file."""
    if isinstance(node, str):
        yield from re.findall(r"urn:digits:problem:[-a-z]+", node)
    elif isinstance(node, dict | list):
        for part in node.values() if isinstance(node, dict) else node:
            yield from urns(part)


def test_it_names_every_reason() -> None:
    """The types of problems are those of service/problems.py, and each has an example."""
    wanted = {f"urn:digits:problem:{name.replace('_', '-')}" for name in REASONS.keys() - WITHOUT_URN}
    assert set(API["components"]["schemas"]["Problem"]["properties"]["type"]["enum"]) == wanted | {
        "about:blank"
    }
    assert set(urns(API["paths"])) | set(urns(API["components"]["responses"])) == wanted


def test_each_example_has_the_status_of_its_reason() -> None:
    """An example of a problem has the status that service/problems.py gives its reason."""

    def examples(node: object) -> Iterator[dict[str, Any]]:
        if isinstance(node, dict):
            if str(node.get("type", "")).startswith("urn:"):
                yield node
            for part in node.values():
                yield from examples(part)

    seen = [*examples(API["paths"]), *examples(API["components"]["responses"])]
    assert len(seen) > 10
    for problem in seen:
        reason = problem["type"].removeprefix("urn:digits:problem:").replace("-", "_")
        assert problem["status"] == REASONS[reason]


def test_it_names_the_limits_as_they_are() -> None:
    """Each limit in the description is the default of the setting named beside it."""
    named = re.findall(r"(\d+) \w+ \(`DIGITS_(\w+)`\)", API["info"]["description"])
    assert len(named) == 3
    for number, name in named:
        assert getattr(Settings(), name.lower()) == int(number)
    assert f"and {LONGEST_SIDE} in a row or column" in API["info"]["description"]


def test_it_names_what_a_worker_refuses() -> None:
    """The statuses of unparsable requests are those of service/early_responses.py."""
    _, _, listed = API["info"]["description"].partition("can't be parsed")
    named = {int(status) for status in re.findall(r"^- (\d+):", listed, re.MULTILINE)}
    assert named == {HTTPStatus.BAD_REQUEST, *STATUSES.values()}


def test_all_that_is_defined_is_used() -> None:
    """Every component is referenced."""
    for kind, components in API["components"].items():
        for name in components:
            used = f"#/components/{kind}/{name}'" in TEXT or f"\n  - {name}: []\n" in TEXT
            assert used, f"{kind}/{name}"


def test_it_is_served_as_it_is(client: FlaskClient) -> None:
    """GET /openapi.json returns the document, and 304 for a current ETag."""
    answer = client.get("/openapi.json")
    assert (answer.status_code, answer.content_type) == (200, "application/json")
    assert json.loads(answer.data) == API
    again = client.get("/openapi.json", headers={"If-None-Match": answer.headers["ETag"]})
    assert (again.status_code, again.data) == (304, b"")


def test_the_page_shows_all_of_it(client: FlaskClient) -> None:
    """GET /docs shows each operation, parameter, status, schema and curl command, with the page's headers."""
    answer = client.get("/docs")
    assert (answer.status_code, answer.content_type) == (200, "text/html; charset=utf-8")
    assert {name: answer.headers[name] for name in HEADERS} == HEADERS
    for path, _, operation in operations():
        section = re.search(rf'<article id="{operation["operationId"]}".*?</article>', answer.text, re.DOTALL)
        assert section, path
        assert f"<code>{path}</code>" in section[0]
        statuses = re.findall(r'class="status s\d">(\d+)<', section[0])
        assert statuses == list(operation["responses"])
        assert section[0].count("curl") >= len(operation["x-codeSamples"])
        for parameter in operation.get("parameters", []):
            assert "$ref" in parameter or f"<code>{parameter['name']}</code>" in section[0]
    for name in API["components"]["schemas"]:
        assert f'id="schema-{name}"' in answer.text


def test_the_page_needs_no_script_and_no_other_host(client: FlaskClient) -> None:
    """The page has one script, for the theme, and nothing inline; each of its links has a target."""
    html = client.get("/docs").text
    assert re.findall(r"<script[^>]*>", html) == ['<script src="/web/theme.js">']
    assert not re.search(r"\s(style|on\w+)=\"", html)
    targets = set(re.findall(r'(?:href|src)="([^"]+)"', html))
    ids = re.findall(r'\sid="([^"]+)"', html)
    assert len(ids) == len(set(ids))
    for target in targets:
        if target.startswith("#"):
            assert target[1:] in ids
        else:
            assert client.get(target).status_code == 200, target


@pytest.mark.parametrize("host", ["digits.example:81", 'a"><script>alert(1)</script>'])
def test_its_curl_commands_have_the_host_of_the_request(client: FlaskClient, host: str) -> None:
    """The Host header of the request is in the commands, escaped."""
    html = client.get("/docs", headers={"Host": host}).text
    assert EXAMPLE_HOST not in html
    assert "<script>alert" not in html
    assert ("http://digits.example:81/predict" in html) == (host == "digits.example:81")


def test_both_are_linked(client: FlaskClient) -> None:
    """The drawing page links to the reference, which links back and to openapi.json."""
    assert 'href="/docs"' in client.get("/").text
    html = client.get("/docs").text
    assert 'href="/"' in html
    assert 'href="/openapi.json"' in html


def test_they_are_there_without_a_model_and_without_a_key() -> None:
    """Without a model, or without the required key, the reference is still served."""
    client = create_app(Settings(model=ROOT / "none.npz", api_key="secret")).test_client()
    assert [client.get(path).status_code for path in ("/docs", "/openapi.json")] == [200, 200]
