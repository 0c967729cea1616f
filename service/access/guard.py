"""Who may ask, and how often. Nothing of this stands before a request where no setting asks for it.

    door     /metrics on a port of its own, and nothing else there but whether the service lives
    key      the right one, where one is needed
    rate     a token for each request: from its key's bucket, or its address's where there is no right key

A wrong key takes a token of its address, so that guessing is as slow as anything else. What is open without
a key takes none: probes, the page's files, OPTIONS.
"""

from math import ceil

from flask import Flask, abort, request

from service.access.client_address import networks, origin
from service.access.keys import Keys
from service.access.rates import NS_PER_SECOND, Buckets, Taken
from service.observability.request_log import ENTRY
from service.problems import Problem
from service.settings import Settings

# A probe or a scraper has no key, and learns nothing that needs one; the page asks its reader for it.
OPEN_ENDPOINTS = frozenset(
    {"health.healthz", "health.readyz", "exposition", "page.index", "page.file"}
    | {"openapi.document", "openapi.docs"}
    | {f"open_inference.{name}" for name in ("server", "live", "ready", "model_ready")}
)
METRICS = "/metrics"
PROBES = frozenset({"/healthz", "/readyz"})
# Where, in its environ, what a request's bucket says of itself waits for the answer.
RATE_HEADERS = "digits.rate"


def register(app: Flask, settings: Settings) -> None:
    """Let the app check each request before it is answered, as far as the settings ask for it.

    Raises SettingsError for a file of keys that can't be used.
    """
    if settings.metrics_port is not None:
        app.before_request(Door(settings.metrics_port).check)
    if settings.needs_key or settings.metrics_key or settings.rate_limit:
        app.before_request(Guard(settings).check)


class Door:
    """Keeps /metrics, and all else, to the port that is theirs."""

    def __init__(self, metrics_port: int) -> None:
        """Know which port is for metrics alone."""
        self.metrics_port = str(metrics_port)

    def check(self) -> None:
        """Answer 404 to what is not behind this door."""
        inside = request.environ["SERVER_PORT"] == self.metrics_port
        if request.path not in PROBES and inside != (request.path == METRICS):
            abort(404)


class Guard:
    """Asks for keys and tokens."""

    def __init__(self, settings: Settings) -> None:
        """Raise SettingsError for a file of keys that can't be used."""
        self.keys = Keys(settings.api_key, settings.api_key_file) if settings.needs_key else None
        self.metrics_keys = Keys(settings.metrics_key) if settings.metrics_key else None
        self.buckets = Buckets(settings.rate_limit, settings.burst) if settings.rate_limit else None
        self.trusted = networks(settings.trusted_proxies)

    def check(self) -> None:
        """Let a request in, or raise the Problem that it is."""
        endpoint = request.endpoint
        keys = self.metrics_keys if endpoint == "exposition" else self.keys
        if request.method == "OPTIONS" or (
            endpoint in OPEN_ENDPOINTS and not (endpoint == "exposition" and keys)
        ):
            return
        owner = keys.owner(_given()) if keys else None
        if endpoint == "exposition" and owner:
            return
        if self.buckets:
            self._meter(self.buckets, owner)
        if keys and not owner:
            self._note(owner)
            raise Problem("unauthorized", "Send the key as `Authorization: Bearer KEY` or `X-API-Key: KEY`.")

    def _meter(self, buckets: Buckets, owner: bytes | None) -> None:
        """Take a token; raises Problem too_many_requests when there is none."""
        taken = buckets.take(owner or self._address().encode())
        request.environ[RATE_HEADERS] = _headers(buckets, taken)
        if taken.wait_ns:
            self._note(owner)
            seconds = _seconds(taken.wait_ns)
            detail = f"Too many requests: the next one is answered after {seconds} s, as in Retry-After."
            raise Problem("too_many_requests", detail, seconds)

    def _address(self) -> str:
        environ = request.environ
        return origin(environ.get("REMOTE_ADDR", ""), environ.get("HTTP_X_FORWARDED_FOR", ""), self.trusted)

    def _note(self, owner: bytes | None) -> None:
        """Say in the log who was refused: the address, so that it can be blocked; never a key."""
        request.environ[ENTRY]["client"] = "a key" if owner else self._address()


def _given() -> str:
    """Return the key that came with the request."""
    environ = request.environ
    scheme, _, token = environ.get("HTTP_AUTHORIZATION", "").partition(" ")
    given: str = environ.get("HTTP_X_API_KEY", token.strip() if scheme.lower() == "bearer" else "")
    return given


def _headers(buckets: Buckets, taken: Taken) -> list[tuple[str, str]]:
    """Say what is left (draft-ietf-httpapi-ratelimit-headers-10)."""
    window = _seconds(buckets.depth_ns)
    return [
        ("RateLimit-Policy", f'"default";q={buckets.burst};w={window}'),
        ("RateLimit", f'"default";r={taken.left};t={_seconds(taken.full_ns)}'),
    ]


def _seconds(ns: int) -> int:
    return ceil(ns / NS_PER_SECOND)
