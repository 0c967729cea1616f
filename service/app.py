"""The application: settings in, Flask app out. Its parts are put together here. Any WSGI server runs it."""

import logging
import os
from collections.abc import Callable
from typing import Any

from flask import Flask, Request
from werkzeug.routing import MapAdapter

from service import problems
from service.access import guard
from service.access.admission import Admission
from service.access.security_headers import SecurityHeaders
from service.access.validation import check
from service.api import feedback, health, model, model_state, page, predict, reference
from service.api.v2 import routes as open_inference
from service.observability import metrics
from service.observability.instrumentation import Instrumentation
from service.settings import Settings


class Routes(MapAdapter):
    """Matches by path and method alone; a match without arguments is cached."""

    cache: dict[tuple[str, str], Any]

    def match(self, *args: Any, **kwargs: Any) -> Any:  # noqa: ANN401 - werkzeug's own
        """Return the rule and its arguments; raises what werkzeug raises."""
        if args or kwargs != {"return_rule": True}:
            # werkzeug itself asks which other methods are allowed, for OPTIONS and 405.
            return super().match(*args, **kwargs)
        key = (self.path_info, self.default_method)
        match = self.cache.get(key) or super().match(return_rule=True)
        # A rule with arguments matches any number of paths.
        if not match[1]:
            self.cache[key] = match
        return match


class App(Flask):
    """Flask without what only many hosts and asynchronous functions need; docs/decisions.md has the gain."""

    def __init__(self) -> None:
        """Know no route yet."""
        super().__init__(__name__, static_folder=None)
        self.route_cache: dict[tuple[str, str], Any] = {}

    def create_url_adapter(self, request: Request | None) -> MapAdapter | None:
        """Return an adapter that matches by path and method alone."""
        if request is None:
            return None
        environ = request.environ
        routes = Routes(
            *(self.url_map, environ.get("HTTP_HOST", ""), "/", "", environ["wsgi.url_scheme"]),
            *(environ["PATH_INFO"], environ["REQUEST_METHOD"], environ["QUERY_STRING"]),
        )
        routes.cache = self.route_cache
        return routes

    def ensure_sync(self, func: Callable[..., Any]) -> Callable[..., Any]:
        """Return the function: none here is asynchronous."""
        return func


def create_app(settings: Settings | None = None) -> Flask:
    """Make the app; without settings they come from the environment.

    Raises SettingsError for a setting that can't be used.
    """
    settings = settings or Settings.from_environment(os.environ)
    check(settings)
    app = App()
    # A path with a slash too many is unknown: no response redirects to a URL that a client made up.
    app.url_map.merge_slashes = False
    state = model_state.load(settings)
    app.extensions["digits"] = state
    if state.failure:
        logging.getLogger(__name__).error("no model: %s", state.failure)
    metrics.register(app, state.model)
    problems.register(app)
    # Flask calls after_request functions in reverse order: instrumentation comes last and sees every header.
    Instrumentation(settings).register(app)
    SecurityHeaders(settings.cors_origins).register(app)
    guard.register(app, settings)
    Admission(settings).register(app)
    for part in (health, predict, model, open_inference, page, reference):
        app.register_blueprint(part.blueprint)
    if settings.feedback == "yes":
        app.register_blueprint(feedback.blueprint)
    return app
