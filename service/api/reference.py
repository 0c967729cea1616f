"""The API reference: GET /openapi.json for programs, GET /docs for people.

openapi.yaml is written by hand; `make openapi` writes openapi.json and docs.html from it.
"""

from html import escape
from pathlib import Path

from flask import Blueprint, Response, request

from service.api.page import page_response

blueprint = Blueprint("openapi", __name__)
DOCUMENT = (Path(__file__).parent / "openapi.json").read_bytes()
PAGE = (Path(__file__).parent / "docs.html").read_text(encoding="utf-8")
# The host in the document's curl commands; the page replaces it by the host of the request.
EXAMPLE_HOST = "http://localhost:8080/"


@blueprint.get("/openapi.json")
def document() -> Response:
    """Return the OpenAPI document."""
    return page_response(DOCUMENT, "application/json")


@blueprint.get("/docs")
def docs() -> Response:
    """Return the page; its curl commands have the host of the request."""
    return page_response(PAGE.replace(EXAMPLE_HOST, escape(request.host_url)), "text/html")
