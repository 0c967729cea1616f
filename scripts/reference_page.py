"""The page of /docs: HTML from the OpenAPI document and templates/reference.html.

`python -m scripts.openapi` writes it beside openapi.json, so that the service only has to serve it.
"""

import json
import re
from collections.abc import Mapping
from functools import reduce
from html import escape
from operator import getitem
from pathlib import Path
from typing import Any

import jinja2

TEMPLATES = Path(__file__).parent / "templates"
MAX_LINE = 88


def page(api: Mapping[str, Any]) -> str:
    """Return the page for an OpenAPI document."""
    environment = jinja2.Environment(loader=jinja2.FileSystemLoader(TEMPLATES), autoescape=True)
    environment.filters |= {"prose": prose, "shown": shown, "resolved": lambda node: resolved(node, api)}
    return environment.get_template("reference.html").render(api=api) + "\n"


def resolved(node: Mapping[str, Any], api: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return the target of a reference, or the node itself if it is not one.

    >>> resolved({"$ref": "#/schemas/Digit"}, {"schemas": {"Digit": {"maximum": 9}}})
    {'maximum': 9}
    """
    if "$ref" not in node:
        return node
    return reduce(getitem, node["$ref"].removeprefix("#/").split("/"), api)


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
