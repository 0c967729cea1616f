"""Our gunicorn worker."""

from service.server.event_loop import Worker

__all__ = ["Worker"]
