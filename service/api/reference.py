"""The API reference: GET /openapi.json for programs, GET /docs for people.

openapi.yaml is written by hand; `make openapi` writes openapi.json from it. The page is rendered from
openapi.json with `templates/docs.html`, once, when the service starts; it works without scripts.
"""

import json
import re
from collections.abc import Mapping
from functools import cache, reduce
from html import escape
from operator import getitem
from pathlib import Path
from typing import Any

from flask import Blueprint, Flask, Response, render_template, request

from service.api.page import page_response

blueprint = Blueprint("openapi", __name__)
DOCUMENT = (Path(__file__).parent / "openapi.json").read_bytes()
API: dict[str, Any] = json.loads(DOCUMENT)
# The host in the document's curl commands; the page replaces it by the host of the request.
EXAMPLE_HOST = "http://localhost:8080/"
MAX_LINE = 88


@blueprint.get("/openapi.json")
def document() -> Response:
    """Return the OpenAPI document."""
    return page_response(DOCUMENT, "application/json")


@blueprint.get("/docs")
def docs() -> Response:
    """Return the page; its curl commands have the host of the request."""
    return page_response(_page().replace(EXAMPLE_HOST, escape(request.host_url)), "text/html")


@cache
def _page() -> str:
    return render_template("docs.html", api=API)


@blueprint.app_template_filter()
def resolved(node: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return the target of a reference, or the node itself if it is not one.

    >>> resolved({"$ref": "#/components/schemas/Digit"})["maximum"]
    9
    """
    if "$ref" not in node:
        return node
    return reduce(getitem, node["$ref"].removeprefix("#/").split("/"), API)


@blueprint.app_template_filter()
def prose(text: str) -> str:
    r"""Return a description as HTML: paragraphs, lists with dashes, and code.

    >>> prose("See `a<b`.\n\n- one\n- two")
    '<p>See <code>a&lt;b</code>.</p>\n<ul><li>one</li><li>two</li></ul>'
    """
    blocks = re.split(r"\n\n+", re.sub(r"`([^`]+)`", r"<code>\1</code>", escape(text.strip())))
    return "\n".join(map(_block, blocks))


def _block(text: str) -> str:
    if not text.startswith("- "):
        return f"<p>{text}</p>"
    items = "".join(f"<li>{item.strip()}</li>" for item in text.removeprefix("- ").split("\n- "))
    return f"<ul>{items}</ul>"


@blueprint.app_template_filter()
def shown(value: object, indent: str = "") -> str:
    """Return a value as JSON; objects and lists that fit on one line stay on it.

    >>> shown({"digit": 7, "prediction_set": [7]})
    '{"digit": 7, "prediction_set": [7]}'
    """
    line = json.dumps(value, ensure_ascii=False)
    if len(line) + len(indent) <= MAX_LINE or not isinstance(value, dict | list):
        return line
    deeper = indent + "  "
    if isinstance(value, dict):
        entries = [f"{json.dumps(name)}: {shown(entry, deeper)}" for name, entry in value.items()]
    else:
        entries = [shown(entry, deeper) for entry in value]
    opening, closing = line[0], line[-1]
    return f"{opening}\n" + ",\n".join(deeper + entry for entry in entries) + f"\n{indent}{closing}"


def register(app: Flask) -> None:
    """Add the two routes to the app, and render the page before the first worker is forked."""
    app.register_blueprint(blueprint)
    with app.app_context():
        _page()
