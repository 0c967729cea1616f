"""Connections that are kept, and patience: bodies out, answers in.

A prediction changes nothing, so it is asked for again where that may help: after 429, 502, 503 and 504, but
not before Retry-After says so, and where a connection is refused or breaks. Each wait is longer than the last
and partly random, so that many clients do not come back in step. What takes too long is not asked for again:
the service may be at it still.
"""

from collections import deque
from contextlib import suppress
from http.client import HTTPConnection, HTTPException, HTTPSConnection
from random import uniform
from time import sleep
from typing import Any
from urllib.parse import urlsplit

from service.client.responses import Answer, UnreachableError

LATER = frozenset({429, 502, 503, 504})
BROKEN = (ConnectionError, HTTPException)
FIRST_WAIT_SECONDS = 0.1
# Who is told to come back later than this hears so at once.
MOST_WAIT_SECONDS = 60.0


class Transport:
    """Posts to /predict of a service; each call has a connection to itself while it takes."""

    def __init__(self, url: str, api_key: str | None, timeout_seconds: float, attempts: int) -> None:
        """Connect to nothing yet; raises ValueError for a URL that is none of http or https."""
        parts = urlsplit(url)
        if parts.scheme not in {"http", "https"} or not parts.hostname:
            raise ValueError(f"the URL must be like http://localhost:8080, not {url!r}")
        self.url, self.timeout_seconds, self.attempts = url, timeout_seconds, attempts
        self.kind = HTTPSConnection if parts.scheme == "https" else HTTPConnection
        self.host, self.port, self.path = parts.hostname, parts.port, f"{parts.path.rstrip('/')}/predict"
        self.headers: dict[str, Any] = {"User-Agent": "digits-client"}
        if api_key is not None:
            self.headers["Authorization"] = f"Bearer {api_key}".encode()
        # Connections that no call needs now; to append and to pop is safe among threads.
        self.idle: deque[HTTPConnection] = deque()

    def close(self) -> None:
        """Close the connections that no call is using."""
        with suppress(IndexError):
            while True:
                self.idle.pop().close()

    def post(self, body: bytes, content_type: str) -> Answer:
        """Send a body until the answer is another than `later`, or as often as may be.

        Raises UnreachableError when there is no answer.
        """
        attempt = 1
        while True:
            wait = FIRST_WAIT_SECONDS * 2 ** (attempt - 1)
            try:
                answer = self._exchange(body, content_type)
            except (OSError, HTTPException) as error:
                if attempt >= self.attempts or not isinstance(error, BROKEN):
                    raise UnreachableError(f"no answer from {self.url}: {error}") from error
            else:
                wait = max(wait, answer.retry_after_seconds())
                if answer.status not in LATER or attempt >= self.attempts or wait > MOST_WAIT_SECONDS:
                    return answer
            sleep(wait * uniform(1, 1.5))  # noqa: S311 - to differ is enough  # nosec B311
            attempt += 1

    def _exchange(self, body: bytes, content_type: str) -> Answer:
        """Send a body once; twice when a kept connection turns out to have been closed by the service."""
        headers = self.headers | {"Content-Type": content_type}
        try:
            return self._ask(self.idle.pop(), body, headers)
        except IndexError:
            pass
        except BROKEN:
            # Then it has closed the others, too.
            self.close()
        return self._ask(self.kind(self.host, self.port, timeout=self.timeout_seconds), body, headers)

    def _ask(self, connection: HTTPConnection, body: bytes, headers: dict[str, Any]) -> Answer:
        try:
            # Who is refused before all is sent may find the answer there all the same.
            with suppress(BrokenPipeError):
                connection.request("POST", self.path, body, headers)
            response = connection.getresponse()
            answer = Answer(self.url, response.status, response.headers, response.read())
        except BaseException:
            connection.close()
            raise
        self.idle.append(connection)
        return answer
