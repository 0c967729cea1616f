"""What every request shares: the settings, the model or why there is none, and the recent predictions."""

import json
from dataclasses import dataclass
from functools import cached_property

from flask import current_app

from models.store import Model, WeightsError, load_classifier
from service.problems import Problem
from service.settings import Settings
from service.shared_memory.recent_predictions import RecentPredictions


@dataclass(frozen=True)
class ModelState:
    """The model in service; `failure` says why there is none. `recent` is kept only for feedback."""

    settings: Settings
    model: Model | None
    failure: str = ""
    recent: RecentPredictions | None = None

    @cached_property
    def metadata(self) -> str:
        """The model's metadata as JSON, written once: it is long, and clients may ask for it repeatedly."""
        return json.dumps(self.ready_model().metadata)

    def ready_model(self) -> Model:
        """Return the model; raises Problem not_ready, with the reason, if there is none."""
        if self.model is None:
            raise Problem("not_ready", self.failure)
        return self.model


def load(settings: Settings) -> ModelState:
    """Load the model that the settings name; if its file is refused, the state says why."""
    try:
        model = load_classifier(settings.model)
    except WeightsError as error:
        # The response names the file, not its folder on this machine.
        return ModelState(settings, None, str(error).replace(str(settings.model), settings.model.name))
    return ModelState(settings, model, recent=RecentPredictions() if settings.feedback == "yes" else None)


def model_state() -> ModelState:
    """Return the running app's ModelState."""
    return current_app.extensions["digits"]
