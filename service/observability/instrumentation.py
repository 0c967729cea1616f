"""Every request is named, timed, counted, logged and, where that is asked for, traced: once, here.

    begin      before the app looks at a request: its log entry, and one more request in flight
    complete   when its response is complete: Server-Timing, metrics, log line, one request in flight less

A response is counted when it is complete and before it is sent. So a worker that is killed in between has
counted a response that did not arrive, but no response that arrives goes uncounted.
"""

import logging
import os
from functools import partial
from time import perf_counter
from typing import Any

from flask import Flask, Request, Response, request

from service.observability import metrics, tracing
from service.observability.request_log import ENTRY, Entry, RequestLog, new_entry
from service.observability.server_timing import HEADER, server_timing
from service.pending_response import PendingResponse
from service.settings import Settings
from service.shared_memory.worker_table import WORKERS

BEGAN = "digits.began"


class Instrumentation:
    """What happens around each request of an app."""

    def __init__(self, settings: Settings) -> None:
        """Follow the settings, and OpenTelemetry's own environment variables."""
        self.log = RequestLog(settings)
        self.traces = tracing.wanted(os.environ)

    def register(self, app: Flask) -> None:
        """Let the app call it; before every other before_request and after every other after_request."""
        app.before_request(self._begin)
        app.after_request(self._respond)

    def _begin(self) -> None:
        environ = request.environ
        environ[ENTRY], environ[BEGAN] = new_entry(environ), perf_counter()
        WORKERS.begin_request()

    def _respond(self, response: Response) -> Response:
        asked = request._get_current_object()  # type: ignore[attr-defined]  # noqa: SLF001 - outlives the context
        response.headers["X-Request-Id"] = asked.environ[ENTRY]["request"]
        complete = partial(self._complete, asked)
        if isinstance(response, PendingResponse):
            response.when_complete(complete)
        else:
            complete(response)
        return response

    def _complete(self, asked: Request, response: Response) -> None:
        entry, began = asked.environ[ENTRY], asked.environ[BEGAN]
        response.headers[HEADER] = server_timing(entry, began)
        seconds = perf_counter() - began
        route = asked.url_rule.rule if asked.url_rule else metrics.UNMATCHED
        method = asked.method if asked.method in metrics.METHODS else "other"
        status = response.status_code
        metrics.count_request(seconds, route, method, status)
        outcome = {"method": method, "route": route, "status": status, "ms": round(1000 * seconds, 3)}
        if self.traces:
            self._trace(entry, outcome, asked.environ.get("HTTP_TRACEPARENT", ""))
        self.log.write(entry, asked.environ, outcome)
        WORKERS.end_request()

    def _trace(self, entry: Entry, outcome: dict[str, Any], traceparent: str) -> None:
        """Record a request's spans; if that fails, tracing stops and the service goes on."""
        try:
            entry["trace"] = tracing.record(entry, outcome, traceparent)
        except Exception:
            self.traces = False
            logging.getLogger(__name__).exception("tracing failed and is off until the next start")
