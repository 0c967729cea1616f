"""The service's gunicorn worker: the server of service/server, given our settings and early responses."""

import os
from typing import Any

import gunicorn

from service.early_responses import EarlyResponses
from service.server.dispatcher import Limits
from service.server.event_loop import EventLoopWorker
from service.settings import SMALL_BODY_BYTES, Settings

# The name in the header Server and in SERVER_SOFTWARE.
gunicorn.SERVER = "digits"


class Worker(EventLoopWorker):
    """The worker that gunicorn.conf.py names."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:  # noqa: ANN401 - gunicorn's own
        """Read the settings, still in the master: raises SettingsError for one that can't be used."""
        super().__init__(*args, **kwargs)
        settings = Settings.from_environment(os.environ)
        self.limits = Limits(settings.max_upload_bytes, settings.max_waiting, SMALL_BODY_BYTES)
        self.early_responses = EarlyResponses(settings)
