"""Whether the process lives, and whether the service is ready for clients."""

from flask import Blueprint, Response

from service.api.json_response import json_response
from service.api.model_state import model_state
from service.problems import Problem
from service.shared_memory.worker_table import WORKERS

blueprint = Blueprint("health", __name__)


@blueprint.get("/healthz")
def healthz() -> Response:
    """Answer that the process lives."""
    return json_response({"status": "ok"})


@blueprint.get("/readyz")
def readyz() -> Response:
    """Answer 200 once the model has passed its checks; 503 with the reason before, and while it drains."""
    model_state().ready_model()
    if WORKERS.is_draining():
        raise Problem("not_ready", "The service is about to stop: send requests to another instance.")
    return json_response({"status": "ready"})
