"""Connections that are kept open, and retries: bodies out, responses in.

A prediction changes nothing, so it is safe to repeat. A request is repeated after 429, 502, 503 and 504, when
Retry-After allows it, and after a connection that was refused or broke. Each wait is longer than the last and
partly random, so that many clients do not retry at the same moment. A request that timed out is not repeated:
the service may still be working on it.
"""

from collections import deque
from contextlib import suppress
from http.client import HTTPConnection, HTTPException, HTTPSConnection
from random import uniform
from time import sleep
from typing import Any
from urllib.parse import urlsplit

from service.client.responses import Response, UnreachableError

RETRY_STATUSES = frozenset({429, 502, 503, 504})
CONNECTION_ERRORS = (ConnectionError, HTTPException)
FIRST_WAIT_SECONDS = 0.1
# If Retry-After is longer than this, the refusal is raised at once.
MOST_WAIT_SECONDS = 60.0


class Transport:
    """Posts to /predict of a service; each call uses a connection of its own until it returns."""

    def __init__(self, url: str, api_key: str | None, timeout_seconds: float, attempts: int) -> None:
        """Check the URL; connections are opened on demand. Raises ValueError if it is not http or https."""
        parts = urlsplit(url)
        if parts.scheme not in {"http", "https"} or not parts.hostname:
            raise ValueError(f"the URL must be like http://localhost:8080, not {url!r}")
        self.url, self.timeout_seconds, self.attempts = url, timeout_seconds, attempts
        self.kind = HTTPSConnection if parts.scheme == "https" else HTTPConnection
        self.host, self.port, self.path = parts.hostname, parts.port, f"{parts.path.rstrip('/')}/predict"
        self.headers: dict[str, Any] = {"User-Agent": "digits-client"}
        if api_key is not None:
            self.headers["Authorization"] = f"Bearer {api_key}".encode()
        # Idle connections; append and pop are thread-safe.
        self.idle: deque[HTTPConnection] = deque()

    def close(self) -> None:
        """Close the idle connections."""
        with suppress(IndexError):
            while True:
                self.idle.pop().close()

    def post(self, body: bytes, content_type: str) -> Response:
        """Send a body until the response is final, or `attempts` times.

        Raises UnreachableError if there is no response.
        """
        attempt = 1
        while True:
            wait = FIRST_WAIT_SECONDS * 2 ** (attempt - 1)
            try:
                response = self._exchange(body, content_type)
            except (OSError, HTTPException) as error:
                if attempt >= self.attempts or not isinstance(error, CONNECTION_ERRORS):
                    raise UnreachableError(f"no response from {self.url}: {error}") from error
            else:
                wait = max(wait, response.retry_after_seconds())
                if (
                    response.status not in RETRY_STATUSES
                    or attempt >= self.attempts
                    or wait > MOST_WAIT_SECONDS
                ):
                    return response
            sleep(wait * uniform(1, 1.5))  # noqa: S311 - no secret  # nosec B311
            attempt += 1

    def _exchange(self, body: bytes, content_type: str) -> Response:
        """Send a body once; twice if the service has meanwhile closed the idle connection that was used."""
        headers = self.headers | {"Content-Type": content_type}
        try:
            return self._send(self.idle.pop(), body, headers)
        except IndexError:
            pass
        except CONNECTION_ERRORS:
            # The service has probably closed the other idle connections, too.
            self.close()
        return self._send(self.kind(self.host, self.port, timeout=self.timeout_seconds), body, headers)

    def _send(self, connection: HTTPConnection, body: bytes, headers: dict[str, Any]) -> Response:
        try:
            # The service may have refused the request before it received all of it.
            with suppress(BrokenPipeError):
                connection.request("POST", self.path, body, headers)
            received = connection.getresponse()
            response = Response(self.url, received.status, received.headers, received.read())
        except BaseException:
            connection.close()
            raise
        self.idle.append(connection)
        return response
