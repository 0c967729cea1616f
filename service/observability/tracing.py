"""Spans for OpenTelemetry, where its packages are installed and the usual OTEL_ variables ask for them.

    a request          a server's span, within the trace of the client's traceparent if there is one
    decode, …          its stages, as spans within it, one after the other as they were

They are made of what was measured anyway, when the answer is written. Nothing of OpenTelemetry is imported
before that, nor anywhere else. Exporter, sampler, batches and resource are its own matter and follow its own
variables. Source: OpenTelemetry's semantic conventions for HTTP spans.
"""

import logging
import os
from collections.abc import Mapping
from functools import cache
from importlib.util import find_spec
from time import time_ns
from typing import Any

from service import __version__
from service.observability.request_log import Entry

# Modules, and the packages that bring them.
PACKAGES = {
    "opentelemetry.sdk": "opentelemetry-sdk",
    "opentelemetry.exporter.otlp.proto.http": "opentelemetry-exporter-otlp-proto-http",
}
ASKING = ("OTEL_TRACES_EXPORTER", "OTEL_EXPORTER_OTLP_ENDPOINT", "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT")
NS_PER_MS = 1_000_000


def wanted(environment: Mapping[str, str]) -> bool:
    """Say whether spans are asked for and can be made; where they can't, the log says what is missing.

    >>> wanted({}), wanted({"OTEL_TRACES_EXPORTER": "none"})
    (False, False)
    """
    asked = any(environment.get(name) for name in ASKING)
    if not asked or environment.get("OTEL_TRACES_EXPORTER") == "none":
        return False
    if environment.get("OTEL_SDK_DISABLED", "").lower() == "true":
        return False
    missing = [package for module, package in PACKAGES.items() if not _is_installed(module)]
    if missing:
        logging.getLogger(__name__).warning("there will be no spans: pip install %s", " ".join(missing))
    return not missing


def _is_installed(module: str) -> bool:
    try:
        return find_spec(module) is not None
    except ModuleNotFoundError:
        return False


def record(entry: Entry, answered: Mapping[str, Any], traceparent: str) -> str:
    """Make the spans of a request that has just been answered, and return the name of its trace.

    `answered` has method, route, status and ms, as in the log.
    """
    from opentelemetry import trace  # noqa: PLC0415 - it need not be installed
    from opentelemetry.trace.propagation.tracecontext import (  # noqa: PLC0415 - as above
        TraceContextTextMapPropagator,
    )

    end = time_ns()
    start = end - int(answered["ms"] * NS_PER_MS)
    span = _tracer().start_span(
        f"{answered['method']} {answered['route']}",
        TraceContextTextMapPropagator().extract({"traceparent": traceparent}),
        trace.SpanKind.SERVER,
        {
            "http.request.method": answered["method"],
            "http.route": answered["route"],
            "http.response.status_code": answered["status"],
            "digits.request": entry["request"],
        },
        start_time=start,
    )
    if answered["status"] >= 500:
        span.set_status(trace.StatusCode.ERROR)
    within = trace.set_span_in_context(span)
    stages = {name: int(ms * NS_PER_MS) for name, ms in entry.get("stages", {}).items()}
    at = end - sum(stages.values())
    for name, took in stages.items():
        stage = _tracer().start_span(name, within, start_time=at)
        at += took
        stage.end(at)
    span.end(end)
    return trace.format_trace_id(span.get_span_context().trace_id)


@cache
def _tracer() -> Any:  # noqa: ANN401 - it need not be installed
    """Make this process's tracer; a worker's own, for it has a thread that does not survive a fork."""
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter  # noqa: PLC0415
    from opentelemetry.sdk.trace import TracerProvider  # noqa: PLC0415 - it need not be installed
    from opentelemetry.sdk.trace.export import (  # noqa: PLC0415 - as above
        BatchSpanProcessor,
        ConsoleSpanExporter,
    )

    os.environ.setdefault("OTEL_SERVICE_NAME", "digits")
    provider = TracerProvider()
    console = os.environ.get("OTEL_TRACES_EXPORTER") == "console"
    provider.add_span_processor(BatchSpanProcessor(ConsoleSpanExporter() if console else OTLPSpanExporter()))
    return provider.get_tracer("digits", __version__)
