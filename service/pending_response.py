"""A response whose body is computed when the server asks for it, so that requests can share the work.

PEP 3333 lets an application call `start_response` as late as its iterable's first chunk. So a server that
begins several requests before it reads the first response gives them the chance to be one batch; under any
other server the body is computed at once. Status, headers and length are complete before the first byte.
"""

from collections.abc import Callable, Iterator
from typing import Any

from flask import Response
from werkzeug.wsgi import ClosingIterator

from service import problems

StartResponse = Callable[..., object]


class PendingResponse(Response):
    """JSON that `write` returns when it is called; an exception in it becomes a 500 response."""

    def __init__(self, write: Callable[[], str], path: str) -> None:
        """Keep what writes the body, and the path that was requested, for an error's document."""
        super().__init__(content_type="application/json")
        self.write, self.path = write, path
        self._callbacks: list[Callable[[Response], object]] = []

    def when_complete(self, call: Callable[[Response], object]) -> None:
        """Call this, with the response, once its status and body are known; headers may still change then."""
        self._callbacks.append(call)

    def __call__(self, environ: dict[str, Any], start_response: StartResponse) -> Any:  # noqa: ANN401, ARG002 - WSGI's own
        """Answer as WSGI asks."""
        # A server that never iterates (the client is gone) still closes the iterable.
        return ClosingIterator(self._body(start_response), self._complete)

    def _body(self, start_response: StartResponse) -> Iterator[bytes]:
        try:
            body = self.write().encode()
        except Exception as error:  # noqa: BLE001 - whatever it is, the client gets an answer
            failure = problems.internal_error(error, self.path)
            self.status, body = failure.status, failure.get_data()
            self.content_type = failure.content_type
        self.content_length = len(body)
        self._complete()
        start_response(self.status, self.headers.to_wsgi_list())
        yield body

    def _complete(self) -> None:
        while self._callbacks:
            self._callbacks.pop(0)(self)
