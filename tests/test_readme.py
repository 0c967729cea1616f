"""README.md: short enough to be read, and its request gets the answer that it shows."""

import json

import pytest

from tests.docs.pages import examples, output
from tests.needs import need
from tests.server import ROOT, Server

MOST_LINES = 150


def test_it_is_short() -> None:
    """It has at most 150 lines; everything else has a page in docs/."""
    assert len((ROOT / "README.md").read_text(encoding="utf-8").splitlines()) <= MOST_LINES


def test_the_request_gets_the_answer_shown(server: Server) -> None:
    """The curl command gets the JSON below it, whose numbers are rounded."""
    ((request, shown),) = examples("README.md", "sh", "curl ")
    need("curl")
    expected, answer = (
        json.loads(shown),
        json.loads(output(server, "bash", "-c", request.replace("curl", "curl --silent"))),
    )
    for name in ("confidence", "probabilities"):
        assert answer.pop(name) == pytest.approx(expected.pop(name), abs=1e-5)
    assert answer == expected
