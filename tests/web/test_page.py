"""GET / and its files: what is served, how it is kept, and what is not there."""

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
    """Return the text of the page's files of that kind, by name."""
    return {path.name: path.read_text() for path in FOLDER.glob(f"*{suffix}")}


@pytest.mark.parametrize("path", PATHS)
def test_each_file_is_guarded_and_kept(client: FlaskClient, path: str) -> None:
    """Every answer has the policy and nosniff, and is 304 for whoever has it."""
    answer = client.get(path)
    assert answer.status_code == 200
    assert {name: answer.headers[name] for name in HEADERS} == HEADERS
    # The server writes it, and once (RFC 9110, 6.6.1).
    assert "Date" not in answer.headers
    again = client.get(path, headers={"If-None-Match": answer.headers["ETag"]})
    assert (again.status_code, again.data) == (304, b"")
    assert again.headers["Content-Security-Policy"] == HEADERS["Content-Security-Policy"]


def test_the_policy_lets_in_nothing_foreign() -> None:
    """Nothing by default; scripts and styles from here alone, none of them inline; no frame around it."""
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
def test_no_path_leads_anywhere_else(client: FlaskClient, path: str) -> None:
    """What is not in the table is not there."""
    answer = client.get(path)
    assert (answer.status_code, answer.content_type) == (404, "application/problem+json")


def test_all_of_it_is_small() -> None:
    """Under 150 KB together, nothing compressed."""
    assert sum(path.stat().st_size for path in FOLDER.iterdir() if path.is_file()) < MOST_BYTES


def test_it_needs_no_other_host_and_nothing_inline() -> None:
    """No address but that of SVG's namespace; no style, handler or script in the HTML itself."""
    for text in (*source(".js").values(), *source(".css").values(), *source(".html").values()):
        assert set(re.findall(r"https?://[\w./]+", text)) <= {"http://www.w3.org/2000/svg"}
    html = source(".html")[INDEX]
    assert not re.search(r"\s(style|on\w+)=", html)
    assert all("src=" in tag for tag in re.findall(r"<script[^>]*>", html))


def test_what_it_names_is_there() -> None:
    """Each file that a page or a module asks for is in the table, and each in the table is asked for."""
    docs = (FOLDER.parent / "templates" / "docs.html").read_text()
    named = set(re.findall(r'"/web/([^"]+)"', source(".html")[INDEX] + docs))
    for text in source(".js").values():
        named |= set(re.findall(r'from "\./([^"]+)"', text))
    assert named == set(FILES)


def test_the_examples_are_mnists(mnist_500: Examples) -> None:
    """Each is, pixel by pixel, the image of tests/data/mnist_500.npz that its name says; eight of them."""
    names = [name for name in FILES if name.startswith("example-")]
    assert len(names) == 8
    for name in names:
        grey = decode(FILES[name], 28 * 28)
        index = int(name.removeprefix("example-").removesuffix(".png"))
        np.testing.assert_array_equal(grey, mnist_500.images[index])


def test_the_tour_leads_to_places_that_are_there() -> None:
    """Each step's anchor is a heading of the walk-through."""
    headings = re.findall(r"^#+ (.+)$", (ROOT / "docs" / "walkthrough.md").read_text(), re.MULTILINE)
    anchors = {heading.lower().replace(",", "").replace(" ", "-") for heading in headings}
    steps = re.findall(r'^\s+"([a-z-]+)",?$|, "([a-z-]+)"\],$', source(".js")["tour.js"], re.MULTILINE)
    named = {one or other for one, other in steps}
    assert len(named) >= 5
    assert named <= anchors


def test_with_a_key_the_page_is_open_and_asks_for_it() -> None:
    """The page and its files need no key; the page says that the service does."""
    client = create_app(Settings(api_key="secret")).test_client()
    assert all(client.get(path).status_code == 200 for path in PATHS)
    assert 'data-key="needed"' in client.get("/").text
    assert client.get("/model").status_code == 401


def test_without_a_key_none_is_asked_for(client: FlaskClient) -> None:
    """The page of an open service does not speak of one."""
    assert "data-key" not in client.get("/").text


def test_it_is_served_without_a_model() -> None:
    """A service whose weights were refused still shows the page, which says what is wrong."""
    client = create_app(Settings(model=ROOT / "none.npz")).test_client()
    assert client.get("/").status_code == 200
    assert json.loads(client.get("/model/layers").data)["status"] == 503
