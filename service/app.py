"""The application: settings in, Flask app out. Its parts are put together here. Any WSGI server runs it."""

import logging
import os

from flask import Flask

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


def create_app(settings: Settings | None = None) -> Flask:
    """Make the app; without settings they come from the environment.

    Raises SettingsError for a setting that can't be used.
    """
    settings = settings or Settings.from_environment(os.environ)
    check(settings)
    app = Flask(__name__, static_folder=None)
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
    for part in (health, predict, model, open_inference, page):
        app.register_blueprint(part.blueprint)
    reference.register(app)
    if settings.feedback == "yes":
        app.register_blueprint(feedback.blueprint)
    return app
