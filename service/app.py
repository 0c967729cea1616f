"""The application: settings in, Flask app out. Everything it is made of is put together here."""

import logging
import os

from flask import Flask

from service import health, metrics, predict, problems
from service.settings import Settings


def create_app(settings: Settings | None = None) -> Flask:
    """Make the app; without settings they come from the environment.

    Raises SettingsError for a setting that can't be used.
    """
    settings = settings or Settings.from_environment(os.environ)
    app = Flask(__name__, static_folder=None)
    service = health.open_service(settings)
    app.extensions["digits"] = service
    if service.failure:
        logging.getLogger(__name__).error("no model: %s", service.failure)
    metrics.register(app, service.model)
    problems.register(app)
    app.before_request(health.require_key)
    app.register_blueprint(health.blueprint)
    app.register_blueprint(predict.blueprint)
    return app
