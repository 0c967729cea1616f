"""Logs: one line an event on standard output, as JSON for machines or text for people."""

import json
import logging
import sys
from datetime import UTC, datetime


class JsonFormatter(logging.Formatter):
    """One JSON object a line; a traceback is a field of it, so that it stays one line."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the record as JSON: line breaks in it are escaped."""
        entry = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
        }
        if record.exc_info:
            entry["traceback"] = self.formatException(record.exc_info)
        return json.dumps(entry)


def formatter(log_format: str) -> logging.Formatter:
    """Return the formatter that the setting names: json or text."""
    if log_format == "json":
        return JsonFormatter()
    return logging.Formatter("%(asctime)s %(levelname)-7s %(name)s: %(message)s")


def configure(log_format: str) -> None:
    """Send this service's and gunicorn's own messages to standard output in that format."""
    handler = logging.StreamHandler(sys.stdout)
    handler.setFormatter(formatter(log_format))
    for name in ("service", "gunicorn.error"):
        logger = logging.getLogger(name)
        logger.handlers = [handler]
        logger.propagate = False
        logger.setLevel(logging.INFO)
