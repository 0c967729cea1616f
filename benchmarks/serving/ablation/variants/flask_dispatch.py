"""Requests are timed, counted and logged by hooks: no method of Flask is overridden for it."""

from collections.abc import Callable
from functools import partial
from time import perf_counter

from flask import Flask, Response, current_app, g, request

from benchmarks.serving.ablation.pieces import find, replace
from service.access.guard import RATE_HEADERS
from service.observability.request_log import ENTRY, named
from service.observability.server_timing import HEADER, server_timing


def apply() -> None:
    """Use Flask's own dispatch and wsgi_app; add the hooks to the finished app."""
    replace("request dispatch", Flask.full_dispatch_request)
    replace("WSGI application", Flask.wsgi_app)
    replace("app factory", partial(_with_hooks, find("app factory")))


def _with_hooks(create: Callable[[], Flask]) -> Flask:
    app = create()
    # Before the checks of access, which add to the log's entry.
    app.before_request_funcs.setdefault(None, []).insert(0, _begin)
    app.after_request(_end)
    return app


def _begin() -> None:
    g.began = perf_counter()
    request.environ[ENTRY] = named(request.environ)


def _end(response: Response) -> Response:
    entry, asked = request.environ[ENTRY], request._get_current_object()  # type: ignore[attr-defined]  # noqa: SLF001
    response.headers["X-Request-Id"] = entry["request"]
    end = partial(current_app._end, g.began, asked, response.status_code)  # type: ignore[attr-defined]  # noqa: SLF001
    timing = partial(server_timing, entry, g.began)
    headers = [*response.headers, *request.environ.get(RATE_HEADERS, ())]
    current_app.browsers.add(headers, request.environ)  # type: ignore[attr-defined]
    response.headers.extend(headers[len(response.headers) :])
    if isinstance(response, find("deferred response")):
        response.timing = timing
        response.call_on_close(end)
    else:
        response.headers[HEADER] = timing()
        end()
    return response
