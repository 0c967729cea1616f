"""GET / and the files under /web/: headers, caching, content, and paths that must not exist."""

import json
import re

import numpy as np
import pytest
from flask.testing import FlaskClient

from service.api.page import FILES, FOLDER, HEADERS, INDEX
from service.app import create_app
from service.images.codec import decode
from service.settings import Settings
from tests.server import ROOT
from training.data import Examples

MOST_BYTES = 150_000
PATHS = ["/", *(f"/web/{name}" for name in FILES)]


def source(suffix: str) -> dict[str, str]:
    """Return the text of the page's files with a suffix, by name."""
    return {path.name: path.read_text() for path in FOLDER.glob(f"*{suffix}")}


@pytest.mark.parametrize("path", PATHS)
def test_each_file_has_the_security_headers_and_an_etag(client: FlaskClient, path: str) -> None:
    """Each response has the security headers, and 304 answers a request with the current ETag."""
    answer = client.get(path)
    assert answer.status_code == 200
    assert {name: answer.headers[name] for name in HEADERS} == HEADERS
    # The server adds it, once (RFC 9110, 6.6.1).
    assert "Date" not in answer.headers
    again = client.get(path, headers={"If-None-Match": answer.headers["ETag"]})
    assert (again.status_code, again.data) == (304, b"")
    assert again.headers["Content-Security-Policy"] == HEADERS["Content-Security-Policy"]


def test_the_policy_allows_only_this_origin() -> None:
    """By default nothing is allowed; scripts and styles must be files of this origin; no framing."""
    policy = dict(part.strip().split(" ", 1) for part in HEADERS["Content-Security-Policy"].split(";"))
    assert policy["default-src"] == "'none'"
    assert policy["script-src"] == policy["style-src"] == policy["connect-src"] == "'self'"
    assert policy["base-uri"] == policy["form-action"] == policy["frame-ancestors"] == "'none'"


@pytest.mark.parametrize(
    "path",
    [
        "/web/",
        "/web/page.py",
        "/web/../page.py",
        "/web/%2e%2e/page.py",
        "/web/..%2fpage.py",
        "/web/index.html",
    ],
)
def test_no_path_reaches_other_files(client: FlaskClient, path: str) -> None:
    """Any path that is not a file of the page is 404."""
    answer = client.get(path)
    assert (answer.status_code, answer.content_type) == (404, "application/problem+json")


def test_the_page_is_small() -> None:
    """All files together have less than 150 kB, uncompressed."""
    assert sum(path.stat().st_size for path in FOLDER.iterdir() if path.is_file()) < MOST_BYTES


def test_it_needs_no_other_host_and_nothing_inline() -> None:
    """There is no URL except the SVG namespace, and no inline style, handler or script."""
    for text in (*source(".js").values(), *source(".css").values(), *source(".html").values()):
        assert set(re.findall(r"https?://[\w./]+", text)) <= {"http://www.w3.org/2000/svg"}
    html = source(".html")[INDEX]
    assert not re.search(r"\s(style|on\w+)=", html)
    assert all("src=" in tag for tag in re.findall(r"<script[^>]*>", html))


def test_every_file_exists_and_is_used() -> None:
    """The files that pages and modules refer to are exactly the files that are served."""
    docs = (FOLDER.parent / "api" / "docs.html").read_text(encoding="utf-8")
    named = set(re.findall(r'"/web/([^"]+)"', source(".html")[INDEX] + docs))
    for text in source(".js").values():
        named |= set(re.findall(r'from "\./([^"]+)"', text))
    assert named == set(FILES)


def test_the_examples_are_mnist_images(mnist_500: Examples) -> None:
    """Each of the eight examples equals the image of mnist_500.npz whose index is in its name."""
    names = [name for name in FILES if name.startswith("example-")]
    assert len(names) == 8
    for name in names:
        grey = decode(FILES[name], 28 * 28)
        index = int(name.removeprefix("example-").removesuffix(".png"))
        np.testing.assert_array_equal(grey, mnist_500.images[index])


def test_the_tour_refers_to_existing_sections() -> None:
    """The anchor of each step is a heading of the walk-through."""
    headings = re.findall(r"^#+ (.+)$", (ROOT / "docs" / "walkthrough.md").read_text(), re.MULTILINE)
    anchors = {heading.lower().replace(",", "").replace(" ", "-") for heading in headings}
    steps = re.findall(r'^\s+"([a-z-]+)",?$|, "([a-z-]+)"\],$', source(".js")["tour.js"], re.MULTILINE)
    named = {one or other for one, other in steps}
    assert len(named) >= 5
    assert named <= anchors


def test_the_page_needs_no_key_and_asks_for_it() -> None:
    """The page and its files need no API key; the page is told that the service requires one."""
    client = create_app(Settings(api_key="secret")).test_client()
    assert all(client.get(path).status_code == 200 for path in PATHS)
    assert 'data-key="needed"' in client.get("/").text
    assert client.get("/model").status_code == 401


def test_an_open_service_does_not_ask_for_a_key(client: FlaskClient) -> None:
    """Without an API key, the page is not told that one is required."""
    assert "data-key" not in client.get("/").text


def test_it_is_served_without_a_model() -> None:
    """A service that could not load its weights serves the page; the API responds with 503."""
    client = create_app(Settings(model=ROOT / "none.npz")).test_client()
    assert client.get("/").status_code == 200
    assert json.loads(client.get("/model/layers").data)["status"] == 503
