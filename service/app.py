"""The application: settings in, Flask app out. Everything it is made of is put together here."""

import logging
import os
from functools import partial
from time import perf_counter
from typing import Any

from flask import Flask, Request, Response, request
from werkzeug.routing import MapAdapter

from service import problems
from service.access import guard as access
from service.access.security_headers import SecurityHeaders
from service.access.validation import check
from service.api import feedback, health, page, predict
from service.api import model as inside
from service.api import reference as openapi
from service.api.v2 import routes as open_inference
from service.observability import metrics
from service.observability import request_log as requestlog
from service.observability import tracing as spans
from service.observability.server_timing import HEADER, server_timing
from service.settings import Settings


class Routes(MapAdapter):
    """Finds the route by path and method alone, and one that was found before without a search."""

    found: dict[tuple[str, str], Any]

    def match(self, *args: Any, **kwargs: Any) -> Any:  # noqa: ANN401 - werkzeug's own
        """Return the rule and its arguments; raises what werkzeug does."""
        if args or kwargs != {"return_rule": True}:
            # Not Flask, about this request, but werkzeug: what else would be allowed, for OPTIONS and 405?
            return super().match(*args, **kwargs)
        asked = (self.path_info, self.default_method)
        match = self.found.get(asked) or super().match(return_rule=True)
        # A rule with arguments matches any number of paths: not to be kept.
        if not match[1]:
            self.found[asked] = match
        return match


class App(Flask):
    """Flask, with each request timed, counted and logged around it."""

    def __init__(self, settings: Settings) -> None:
        """Know no route yet."""
        super().__init__(__name__, static_folder=None)
        self.found: dict[tuple[str, str], Any] = {}
        # What has a slash too many is no path of ours, and there is no redirect to another.
        self.url_map.merge_slashes = False
        self.browsers = SecurityHeaders(settings.cors_origins)
        self.request_log = requestlog.RequestLog(settings)
        self.spans_wanted = spans.wanted(os.environ)

    def wsgi_app(self, environ: dict[str, Any], start_response: Any) -> Any:  # noqa: ANN401 - WSGI's own
        """Answer a request; its headers are complete when the server gets them."""

        def started(status: str, headers: list[tuple[str, str]], exc_info: Any = None) -> Any:  # noqa: ANN401
            headers += environ.get(access.RATE_HEADERS, ())
            self.browsers.add(headers, environ)
            return start_response(status, headers, exc_info)

        return super().wsgi_app(environ, started)

    def create_url_adapter(self, request: Request | None) -> MapAdapter | None:
        """Find the route by path and method alone: what Flask does besides, for many hosts, takes time."""
        if request is None:
            return None
        environ = request.environ
        host, method = environ.get("HTTP_HOST", ""), environ["REQUEST_METHOD"]
        routes = Routes(
            self.url_map,
            host,
            script_name="/",
            subdomain="",
            url_scheme=environ["wsgi.url_scheme"],
            path_info=environ["PATH_INFO"],
            default_method=method,
            query_args=environ["QUERY_STRING"],
        )
        routes.found = self.found
        return routes

    def full_dispatch_request(self) -> Response:
        """Answer a request; what goes wrong in a view is an answer here, too.

        Counted when it is written and before it is sent: a worker killed in between has then counted an
        answer that did not arrive, but no answer that arrives goes uncounted.
        """
        began = perf_counter()
        asked = request._get_current_object()  # type: ignore[attr-defined]  # noqa: SLF001 - spares the proxy
        entry = asked.environ[requestlog.ENTRY] = requestlog.named(asked.environ)
        response = super().full_dispatch_request()
        response.headers["X-Request-Id"] = entry["request"]
        end = partial(self._end, began, asked, response.status_code)
        timing = partial(server_timing, entry, began)
        if isinstance(response, predict.Deferred):
            response.timing = timing
            response.call_on_close(end)
        else:
            response.headers[HEADER] = timing()
            end()
        return response

    def _end(self, began: float, asked: Request, status: int) -> None:
        """Count a request, and log it."""
        seconds = perf_counter() - began
        route = asked.url_rule.rule if asked.url_rule else metrics.UNMATCHED
        method = asked.method if asked.method in metrics.METHODS else "other"
        metrics.count_request(seconds, route, method, status)
        answered = {"method": method, "route": route, "status": status, "ms": round(1000 * seconds, 3)}
        entry = asked.environ[requestlog.ENTRY]
        if self.spans_wanted:
            self._record(entry, answered, asked.environ.get("HTTP_TRACEPARENT", ""))
        self.request_log.write(entry, asked.environ, answered)

    def _record(self, entry: requestlog.Entry, answered: dict[str, Any], traceparent: str) -> None:
        """Make a request's spans; where that fails, for whatever reason, it is the spans that end."""
        try:
            entry["trace"] = spans.record(entry, answered, traceparent)
        except Exception:
            self.spans_wanted = False
            self.logger.exception("spans are not made any more")


def create_app(settings: Settings | None = None) -> Flask:
    """Make the app; without settings they come from the environment.

    Raises SettingsError for a setting that can't be used.
    """
    settings = settings or Settings.from_environment(os.environ)
    check(settings)
    app = App(settings)
    service = health.open_service(settings)
    app.extensions["digits"] = service
    if service.failure:
        logging.getLogger(__name__).error("no model: %s", service.failure)
    metrics.register(app, service.model)
    problems.register(app)
    access.register(app, settings)
    app.register_blueprint(health.blueprint)
    app.register_blueprint(predict.blueprint)
    app.register_blueprint(inside.blueprint)
    app.register_blueprint(open_inference.blueprint)
    app.register_blueprint(page.blueprint)
    openapi.register(app)
    if settings.feedback == "yes":
        app.register_blueprint(feedback.blueprint)
    return app
