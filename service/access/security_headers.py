"""What browsers may do with an answer: not guess its type, not keep, run or frame it; and who may read it.

The first three are headers that every answer has (OWASP's REST security cheat sheet), but for those with a
policy of their own: the page's. Of that sheet's, HSTS is for whoever speaks TLS, a proxy, and X-Frame-Options
is what frame-ancestors replaces.

A page from elsewhere may read answers only if its origin is allowed (CORS, the Fetch standard). Credentials,
such as cookies, are never allowed: there are none here, and a key is a header that the page must know.
"""

import re
from collections.abc import Mapping
from typing import Any

Headers = list[tuple[str, str]]
Origins = frozenset[str]

POLICY = "Content-Security-Policy"
HEADERS = (
    ("X-Content-Type-Options", "nosniff"),
    ("Cache-Control", "no-store"),
    (POLICY, "default-src 'none'; frame-ancestors 'none'"),
)
ANY = "*"
ORIGIN = re.compile(r"https?://(?:[a-z0-9.-]+|\[[0-9a-f:.]+\])(?::[0-9]{1,5})?", re.ASCII)
# What a page may send, and read, beyond what any page may.
SENT = "Authorization, Content-Type, Inference-Header-Content-Length, Traceparent, X-API-Key, X-Request-Id"
READ = (
    "Inference-Header-Content-Length, RateLimit, RateLimit-Policy, Retry-After, Server-Timing, X-Request-Id"
)
# Browsers keep a preflight's answer for two hours at most.
KEPT_SECONDS = 7200


def origins(text: str) -> Origins:
    """Read origins, separated by commas or spaces, or `*`; raises ValueError for anything else.

    >>> sorted(origins("https://a.example http://localhost:3000"))
    ['http://localhost:3000', 'https://a.example']
    """
    found = frozenset(text.replace(",", " ").split())
    if found != {ANY} and not all(ORIGIN.fullmatch(each) for each in found):
        raise ValueError(text)
    return found


class Browsers:
    """Adds to an answer's headers what browsers must know."""

    def __init__(self, allowed: str) -> None:
        """Allow pages of these origins to read answers; raises ValueError for what is none (`origins`)."""
        self.allowed = origins(allowed)

    def add(self, headers: Headers, environ: Mapping[str, Any]) -> None:
        """Add to the headers of an answer to a request, unless they hold a policy of their own."""
        for name, _ in headers:
            if name == POLICY:
                return
        headers += HEADERS
        if self.allowed:
            headers += self.sharing(environ, headers)

    def sharing(self, environ: Mapping[str, Any], headers: Headers) -> Headers:
        """Return the headers of CORS; those of the answer name the methods that a route has."""
        origin = environ.get("HTTP_ORIGIN", "")
        if self.allowed == {ANY}:
            found = [("Access-Control-Allow-Origin", ANY)]
        elif origin in self.allowed:
            found = [("Access-Control-Allow-Origin", origin), ("Vary", "Origin")]
        else:
            # A cache must not give this answer to a page that may read it.
            return [("Vary", "Origin")] if self.allowed else []
        if environ.get("REQUEST_METHOD") == "OPTIONS" and "HTTP_ACCESS_CONTROL_REQUEST_METHOD" in environ:
            methods = next((value for name, value in headers if name == "Allow"), "")
            found += [
                ("Access-Control-Allow-Methods", methods),
                ("Access-Control-Allow-Headers", SENT),
                ("Access-Control-Max-Age", str(KEPT_SECONDS)),
            ]
        return [*found, ("Access-Control-Expose-Headers", READ)]
