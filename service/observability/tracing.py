"""OpenTelemetry spans, if its packages are installed and the usual OTEL_ variables ask for them.

    request            a server span, a child of the span in the client's traceparent if there is one
    decode, …          its stages: child spans of the request's span, one after the other

The spans are made from the durations that are measured anyway, when the response is complete. OpenTelemetry
is imported here alone, and only if spans are asked for. Its own variables configure exporter, sampler,
batches and resource.
Source: OpenTelemetry's semantic conventions for HTTP spans.
"""

import logging
import os
from collections.abc import Mapping
from functools import cache
from importlib import import_module
from time import time_ns
from typing import Any

from service import __version__
from service.observability.request_log import Entry

MODULES = ("opentelemetry.sdk.trace", "opentelemetry.exporter.otlp.proto.http")
PACKAGES = "opentelemetry-sdk opentelemetry-exporter-otlp-proto-http"
ASKING = ("OTEL_TRACES_EXPORTER", "OTEL_EXPORTER_OTLP_ENDPOINT", "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT")
NS_PER_MS = 1_000_000


def wanted(environment: Mapping[str, str]) -> bool:
    """Return whether spans are asked for and can be made; the log says what to install.

    >>> wanted({}), wanted({"OTEL_TRACES_EXPORTER": "none"})
    (False, False)
    """
    asked = any(environment.get(name) for name in ASKING)
    if not asked or environment.get("OTEL_TRACES_EXPORTER") == "none":
        return False
    if environment.get("OTEL_SDK_DISABLED", "").lower() == "true":
        return False
    try:
        for module in MODULES:
            import_module(module)
    except ImportError:
        logging.getLogger(__name__).warning("tracing is off: pip install %s", PACKAGES)
        return False
    return True


def record(entry: Entry, outcome: Mapping[str, Any], traceparent: str) -> str:
    """Make the spans of a request whose response is complete, and return its trace id.

    The outcome has method, route, status and ms, as in the log.
    """
    from opentelemetry import trace  # noqa: PLC0415 - it need not be installed
    from opentelemetry.trace.propagation import tracecontext  # noqa: PLC0415 - as above

    end = time_ns()
    start = end - int(outcome["ms"] * NS_PER_MS)
    span = _tracer().start_span(
        f"{outcome['method']} {outcome['route']}",
        tracecontext.TraceContextTextMapPropagator().extract({"traceparent": traceparent}),
        trace.SpanKind.SERVER,
        {
            "http.request.method": outcome["method"],
            "http.route": outcome["route"],
            "http.response.status_code": outcome["status"],
            "digits.request": entry["request"],
        },
        start_time=start,
    )
    if outcome["status"] >= 500:
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
    """Make this process's tracer: it has a thread, which a fork would not copy."""
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter  # noqa: PLC0415
    from opentelemetry.sdk.trace import TracerProvider, export  # noqa: PLC0415 - it need not be installed

    os.environ.setdefault("OTEL_SERVICE_NAME", "digits")
    provider = TracerProvider()
    console = os.environ.get("OTEL_TRACES_EXPORTER") == "console"
    exporter = export.ConsoleSpanExporter() if console else OTLPSpanExporter()
    provider.add_span_processor(export.BatchSpanProcessor(exporter))
    return provider.get_tracer("digits", __version__)
