"""Whether the service lives, whether it is ready, and which model it serves."""

import json
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from flask import Blueprint, Response, current_app

from models.store import Model, WeightsError, load_classifier
from service.problems import Problem
from service.settings import Settings
from service.shared_memory.recent_predictions import Readings
from service.shared_memory.worker_table import LOADS

blueprint = Blueprint("health", __name__)


@dataclass(frozen=True)
class Service:
    """What every request shares: settings, the model or why there is none, what was read if it is kept."""

    settings: Settings
    model: Model | None
    failure: str = ""
    readings: Readings | None = None

    @cached_property
    def metadata(self) -> str:
        """The model's metadata as JSON, written once: it is long, and may be asked for again and again."""
        return json.dumps(self.ready_model().metadata)

    def ready_model(self) -> Model:
        """Return the model; raises Problem not_ready, with the reason, when there is none."""
        if self.model is None:
            raise Problem("not_ready", self.failure)
        return self.model


def open_service(settings: Settings) -> Service:
    """Load the model that the settings name; a file that is refused leaves a service that says so."""
    try:
        model = load_classifier(settings.model)
    except WeightsError as error:
        # The answer names the file, not where this machine keeps it.
        return Service(settings, None, str(error).replace(str(settings.model), settings.model.name))
    return Service(settings, model, readings=Readings() if settings.feedback == "yes" else None)


def service() -> Service:
    """Return the running app's Service."""
    return current_app.extensions["digits"]


def _json(document: dict[str, Any]) -> Response:
    return Response(json.dumps(document), content_type="application/json")


@blueprint.get("/healthz")
def healthz() -> Response:
    """Answer that the process lives."""
    return _json({"status": "ok"})


@blueprint.get("/readyz")
def readyz() -> Response:
    """Answer 200 once the model has passed its checks, 503 with the reason otherwise, and before it stops."""
    service().ready_model()
    if LOADS.is_draining():
        raise Problem("not_ready", "The service is about to stop: ask another one.")
    return _json({"status": "ready"})


@blueprint.get("/model")
def model() -> Response:
    """Answer with the metadata of the model in service."""
    return Response(service().metadata, content_type="application/json")
