"""The format of log records: one line each on standard output, as JSON for machines or text for people.

Request lines (request_log.py) do not pass through the logging module, which would take longer than a forward
pass. What is logged while a request is answered carries the request's id.
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
        """Return the record as JSON, in which line breaks are escaped."""
        entry = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
        }
        if has_request_context() and ENTRY in request.environ:
            entry["request"] = request.environ[ENTRY]["request"]
        if record.exc_info:
            entry["traceback"] = self.formatException(record.exc_info)
        return json.dumps(entry)


class StandardOutput(logging.Handler):
    """Writes records to standard output without blocking, as the request log does."""

    def emit(self, record: logging.LogRecord) -> None:
        """Write a record, or drop it if standard output is full."""
        try:
            write(self.format(record))
        except Exception:  # noqa: BLE001 - logging reports a record that can't be formatted
            self.handleError(record)


FORMATTERS: dict[str, dict[str, Any]] = {
    "json": {"()": JsonFormatter},
    "text": {"format": "%(asctime)s %(levelname)-7s %(name)s: %(message)s"},
}


def configuration(log_format: str) -> dict[str, Any]:
    """Return the logging configuration, for logging.config.dictConfig, which gunicorn calls."""
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "formatters": {"chosen": FORMATTERS[log_format]},
        "handlers": {"standard_output": {"()": StandardOutput, "formatter": "chosen"}},
        "root": {"level": "INFO", "handlers": ["standard_output"]},
        "loggers": {"gunicorn.error": {"level": "INFO", "propagate": True}},
    }
