"""The one way in which views answer with JSON."""

import json
from collections.abc import Mapping
from typing import Any

from flask import Response


def json_response(document: Mapping[str, Any], status: int = 200) -> Response:
    """Return a document as a response."""
    return Response(json.dumps(document), status, content_type="application/json")
