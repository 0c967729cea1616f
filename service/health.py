"""Whether the service lives, whether it is ready, and which model it serves."""

import hmac
import json
from dataclasses import dataclass
from typing import Any

from flask import Blueprint, Response, current_app, request

from models.store import Model, WeightsError, load_classifier
from service.loads import LOADS
from service.problems import Problem
from service.readings import Readings
from service.settings import Settings

blueprint = Blueprint("health", __name__)
# A probe or a scraper has no key, and learns nothing that needs one; the page asks its reader for it.
OPEN_ENDPOINTS = frozenset(
    {"health.healthz", "health.readyz", "exposition", "page.index", "page.file"}
    | {"openapi.document", "openapi.docs"}
    | {f"open_inference.{name}" for name in ("server", "live", "ready", "model_ready")}
)


@dataclass(frozen=True)
class Service:
    """What every request shares: settings, the model or why there is none, what was read if it is kept."""

    settings: Settings
    model: Model | None
    failure: str = ""
    readings: Readings | None = None

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


def require_key() -> None:
    """Let a request in when no key is set, the door is an open one, or its key is right."""
    key = service().settings.api_key
    if not key or request.endpoint in OPEN_ENDPOINTS:
        return
    bearer = request.headers.get("Authorization", "").removeprefix("Bearer ")
    given = request.headers.get("X-API-Key", bearer)
    # WSGI hands over a header's bytes as Latin-1.
    if not hmac.compare_digest(given.encode("latin-1"), key.encode()):
        raise Problem("unauthorized", "Send the key as `Authorization: Bearer KEY` or `X-API-Key: KEY`.")


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
    return _json(service().ready_model().metadata)
