"""Decides before each request whether it may proceed; a check that no setting asks for is not installed.

    metrics port    /metrics only on its own port, and nothing there but /metrics and the probes
    API key         a valid key, where one is required
    rate limit      one token a request, from the bucket of the key or, without a valid key, of the address

A request with a wrong key also takes a token of its address, so that guessing keys is rate-limited. Endpoints
that need no key take no token: the probes, the pages and their files, OPTIONS.
"""

from functools import partial
from math import ceil

from flask import Flask, Response, abort, after_this_request, request

from service.access.client_address import client_address, parse_networks
from service.access.keys import Keys
from service.access.rates import NS_PER_SECOND, Buckets, Taken
from service.observability.request_log import ENTRY
from service.problems import Problem
from service.settings import Settings

METRICS_ENDPOINT, METRICS_PATH = "exposition", "/metrics"
# Probes and scrapers have no API key; the pages ask their reader for it.
OPEN_ENDPOINTS = frozenset(
    {"health.healthz", "health.readyz", METRICS_ENDPOINT, "page.index", "page.file"}
    | {"openapi.document", "openapi.docs"}
    | {f"open_inference.{name}" for name in ("server", "live", "ready", "model_ready")}
)
PROBE_PATHS = frozenset({"/healthz", "/readyz"})


def register(app: Flask, settings: Settings) -> None:
    """Install the checks that the settings ask for.

    Raises SettingsError for a file of keys that can't be used.
    """
    if settings.metrics_port is not None:
        app.before_request(partial(_check_port, settings.metrics_port))
    if settings.needs_key or settings.metrics_key or settings.rate_limit:
        app.before_request(Guard(settings).check)


def _check_port(metrics_port: int) -> None:
    """Abort with 404 if the path is not served on the port of the request.

    /metrics is on its own port only; nothing else is there but the probes.
    """
    on_metrics_port = request.environ["SERVER_PORT"] == str(metrics_port)
    if request.path not in PROBE_PATHS and on_metrics_port != (request.path == METRICS_PATH):
        abort(404)


class Guard:
    """Checks API keys and rate limits."""

    def __init__(self, settings: Settings) -> None:
        """Read the keys; raises SettingsError for a file of keys that can't be used."""
        self.keys = Keys(settings.api_key, settings.api_key_file) if settings.needs_key else None
        self.metrics_keys = Keys(settings.metrics_key) if settings.metrics_key else None
        self.buckets = Buckets(settings.rate_limit, settings.burst) if settings.rate_limit else None
        self.trusted = parse_networks(settings.trusted_proxies)

    def check(self) -> None:
        """Raise Problem unauthorized or too_many_requests unless the request may proceed."""
        for_metrics = request.endpoint == METRICS_ENDPOINT
        keys = self.metrics_keys if for_metrics else self.keys
        is_open = request.endpoint in OPEN_ENDPOINTS and not (for_metrics and keys)
        if is_open or request.method == "OPTIONS":
            return
        owner = keys.owner(_key_sent()) if keys else None
        if for_metrics and owner:
            return
        if self.buckets:
            self._take_token(self.buckets, owner)
        if keys and not owner:
            self._log_client(owner)
            detail = "An API key is required: send it as `Authorization: Bearer KEY` or `X-API-Key: KEY`."
            raise Problem("unauthorized", detail)

    def _take_token(self, buckets: Buckets, owner: bytes | None) -> None:
        """Take a token; raises Problem too_many_requests if there is none."""
        taken = buckets.take(owner or self._client_address().encode())
        after_this_request(partial(_add_rate_headers, buckets, taken))
        if taken.wait_ns:
            self._log_client(owner)
            seconds = _seconds(taken.wait_ns)
            detail = f"The rate limit is exceeded: retry after {seconds} s, as Retry-After says."
            raise Problem("too_many_requests", detail, seconds)

    def _client_address(self) -> str:
        forwarded_for = request.headers.get("X-Forwarded-For", "")
        return client_address(request.remote_addr or "", forwarded_for, self.trusted)

    def _log_client(self, owner: bytes | None) -> None:
        """Add the refused client to the log: its address, so that an operator can block it; never a key."""
        request.environ[ENTRY]["client"] = "a key" if owner else self._client_address()


def _key_sent() -> str:
    """Return the key in the request's headers, or an empty string."""
    scheme, _, token = request.headers.get("Authorization", "").partition(" ")
    return request.headers.get("X-API-Key", token.strip() if scheme.lower() == "bearer" else "")


def _add_rate_headers(buckets: Buckets, taken: Taken, response: Response) -> Response:
    """Describe the client's bucket to it (draft-ietf-httpapi-ratelimit-headers-10)."""
    window, full = _seconds(buckets.depth_ns), _seconds(taken.full_ns)
    response.headers["RateLimit-Policy"] = f'"default";q={buckets.burst};w={window}'
    response.headers["RateLimit"] = f'"default";r={taken.left};t={full}'
    return response


def _seconds(ns: int) -> int:
    return ceil(ns / NS_PER_SECOND)
