"""Logs: one line an event on standard output, as JSON for machines or text for people.

Requests have lines of their own (requestlog.py), written as they are, for logging takes longer than reading a
digit's stroke. What is logged while one is answered has its name.
"""

import json
import logging
from datetime import UTC, datetime
from typing import Any

from flask import has_request_context, request

from service.observability.nonblocking_stdout import write
from service.observability.request_log import ENTRY


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
        if has_request_context():
            entry["request"] = request.environ[ENTRY]["request"]
        if record.exc_info:
            entry["traceback"] = self.formatException(record.exc_info)
        return json.dumps(entry)


class Lines(logging.Handler):
    """Writes to standard output, as the request log does."""

    def emit(self, record: logging.LogRecord) -> None:
        """Write a record, or drop it."""
        try:
            write(self.format(record))
        except Exception:  # noqa: BLE001 - a record that can't be written in words is logging's to report
            self.handleError(record)


FORMATTERS: dict[str, dict[str, Any]] = {
    "json": {"()": JsonFormatter},
    "text": {"format": "%(asctime)s %(levelname)-7s %(name)s: %(message)s"},
}


def configuration(log_format: str) -> dict[str, Any]:
    """Return the logging configuration for gunicorn and all that runs under it, in that format.

    The form is that of logging.config.dictConfig; gunicorn applies it.
    """
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "formatters": {"chosen": FORMATTERS[log_format]},
        "handlers": {
            "standard_output": {"()": Lines, "formatter": "chosen"},
        },
        "root": {"level": "INFO", "handlers": ["standard_output"]},
        "loggers": {"gunicorn.error": {"level": "INFO", "propagate": True}},
    }
