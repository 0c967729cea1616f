"""Security headers for browsers, and CORS: which pages of other origins may read a response.

Every response has the headers in `HEADERS` (OWASP's REST security cheat sheet), except one with its own
Content-Security-Policy, such as the page's. Two headers of that sheet are left out: HSTS is set by the TLS
proxy, and frame-ancestors replaces X-Frame-Options.

A page of another origin may read responses only if its origin is allowed (CORS, the Fetch standard).
Credentials are never allowed: the service has no cookies, and an API key is a header that the page must know.
"""

import re
from collections.abc import Mapping
from typing import Any

from flask import Flask, Response, request
from werkzeug.datastructures import Headers

from service.settings import SettingsError

POLICY = "Content-Security-Policy"
HEADERS = (
    ("X-Content-Type-Options", "nosniff"),
    ("Cache-Control", "no-store"),
    (POLICY, "default-src 'none'; frame-ancestors 'none'"),
)
ANY = "*"
ORIGIN = re.compile(r"https?://(?:[a-z0-9.-]+|\[[0-9a-f:.]+\])(?::[0-9]{1,5})?", re.ASCII)
# Headers that a page of another origin may send and read, beyond those that the Fetch standard always allows.
REQUEST_HEADERS = (
    "Authorization, Content-Type, Inference-Header-Content-Length, Traceparent, X-API-Key, X-Request-Id"
)
RESPONSE_HEADERS = (
    "Inference-Header-Content-Length, RateLimit, RateLimit-Policy, Retry-After, Server-Timing, X-Request-Id"
)
# Chromium caches a preflight response for two hours at most.
PREFLIGHT_SECONDS = 7200


def parse_origins(text: str) -> frozenset[str]:
    """Parse origins, separated by commas or spaces, or `*`; raises SettingsError for anything else.

    >>> sorted(parse_origins("https://a.example http://localhost:3000"))
    ['http://localhost:3000', 'https://a.example']
    """
    found = frozenset(text.replace(",", " ").split())
    if found != {ANY} and not all(map(ORIGIN.fullmatch, found)):
        expected = "* or origins such as https://example.org, separated by commas or spaces"
        raise SettingsError(f"DIGITS_CORS_ORIGINS must be {expected}, not {text!r}")
    return found


class SecurityHeaders:
    """Adds security headers and CORS to responses."""

    def __init__(self, allowed: str) -> None:
        """Parse the origins whose pages may read responses; raises SettingsError for anything else."""
        self.allowed = parse_origins(allowed)

    def register(self, app: Flask) -> None:
        """Add the headers to every response of the app that has no Content-Security-Policy of its own."""
        app.after_request(self._add)

    def _add(self, response: Response) -> Response:
        headers = response.headers
        # `in` takes ten times as long where the header is missing, as it is in nearly every response.
        if not any(name == POLICY for name, _ in headers):
            headers.extend([*HEADERS, *self.cors(request.environ, headers).items()])
        return response

    def cors(
        self, environ: Mapping[str, Any], response_headers: Mapping[str, str] | Headers
    ) -> dict[str, str]:
        """Return the CORS headers of a response; a preflight gets its methods from the Allow header."""
        if not self.allowed:
            return {}
        allows_any = self.allowed == {ANY}
        origin = ANY if allows_any else environ.get("HTTP_ORIGIN", "")
        # A cache must not serve the response of one origin to another one.
        headers = {} if allows_any else {"Vary": "Origin"}
        if origin not in self.allowed:
            return headers
        headers["Access-Control-Allow-Origin"] = origin
        headers["Access-Control-Expose-Headers"] = RESPONSE_HEADERS
        if environ.get("REQUEST_METHOD") == "OPTIONS" and "HTTP_ACCESS_CONTROL_REQUEST_METHOD" in environ:
            headers["Access-Control-Allow-Methods"] = response_headers.get("Allow", "")
            headers["Access-Control-Allow-Headers"] = REQUEST_HEADERS
            headers["Access-Control-Max-Age"] = str(PREFLIGHT_SECONDS)
        return headers
