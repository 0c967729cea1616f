"""Spans reach a collector over OTLP; without the packages, or when not asked for, nothing is different."""

import http.server
import logging
import queue
import threading
from collections.abc import Iterator

import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.trace.v1.trace_pb2 import ResourceSpans, Span

from service.observability import tracing as spans
from tests.server import Server, post_png, running

TRACE, PARENT = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"
SECONDS = 30


class Collector(http.server.ThreadingHTTPServer):
    """What a collector of OTLP over HTTP is to its clients; it keeps what it is sent."""

    def __init__(self) -> None:
        """Listen on a free port."""
        super().__init__(("127.0.0.1", 0), Receiver)
        self.received: queue.Queue[ResourceSpans] = queue.Queue()


class Receiver(http.server.BaseHTTPRequestHandler):
    """Takes one export."""

    server: Collector

    def do_POST(self) -> None:
        """Keep the spans."""
        body = self.rfile.read(int(self.headers["Content-Length"]))
        for resource in ExportTraceServiceRequest.FromString(body).resource_spans:
            self.server.received.put(resource)
        self.send_response(200)
        self.end_headers()

    def log_message(self, *_: object) -> None:
        """Say nothing."""


def assert_answered(server: Server, png: bytes, times: int) -> None:
    """Ask so many times, and get an answer each time."""
    connection = server.connect()
    for _ in range(times):
        assert post_png(connection, png)[0] == 200
    connection.close()


@pytest.fixture
def collector() -> Iterator[Collector]:
    """A collector on this machine."""
    with Collector() as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield server
        server.shutdown()
        thread.join()


def test_a_prediction_is_a_span_with_its_stages_in_the_clients_trace(
    collector: Collector, seven: bytes
) -> None:
    """The live service sends the request's span, whose parent is the client's, and the stages within it."""
    environment = {
        "OTEL_EXPORTER_OTLP_ENDPOINT": f"http://127.0.0.1:{collector.server_port}",
        "OTEL_BSP_SCHEDULE_DELAY": "100",
    }
    with running(environment) as server:
        connection = server.connect()
        headers = {"Content-Type": "image/png", "traceparent": f"00-{TRACE}-{PARENT}-01"}
        connection.request("POST", "/predict", seven, headers)
        name = connection.getresponse().headers["X-Request-Id"]
        connection.close()
        resource = collector.received.get(timeout=SECONDS)
    about = {pair.key: pair.value.string_value for pair in resource.resource.attributes}
    assert about["service.name"] == "digits"
    found = {span.name: span for scope in resource.scope_spans for span in scope.spans}
    assert found.keys() == {"POST /predict", "decode", "normalise", "forward", "encode"}
    request = found["POST /predict"]
    attributes = {pair.key: pair.value for pair in request.attributes}
    assert (request.trace_id.hex(), request.parent_span_id.hex()) == (TRACE, PARENT)
    assert request.kind == Span.SPAN_KIND_SERVER
    assert attributes["http.route"].string_value == "/predict"
    assert attributes["http.response.status_code"].int_value == 200
    assert attributes["digits.request"].string_value == name
    assert {span.parent_span_id for span in found.values() if span is not request} == {request.span_id}
    ends = [found[stage].end_time_unix_nano for stage in ("decode", "normalise", "forward", "encode")]
    assert ends == sorted(ends)
    assert request.start_time_unix_nano <= found["decode"].start_time_unix_nano
    assert ends[-1] <= request.end_time_unix_nano
    assert any(TRACE in line for line in server.log if '"/predict"' in line)


def test_a_collector_that_is_not_there_harms_nobody(seven: bytes) -> None:
    """Answers come as they do without spans, and the service ends as it should."""
    with running(
        {
            "OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:9",
            "OTEL_BSP_SCHEDULE_DELAY": "50",
            "OTEL_EXPORTER_OTLP_TIMEOUT": "1",
        }
    ) as server:
        assert_answered(server, seven, times=5)
        assert server.stop() == 0


def test_variables_that_make_no_sense_end_the_spans_and_not_the_answers(seven: bytes) -> None:
    """What OpenTelemetry can't be made of is logged once."""
    with running(
        {"OTEL_TRACES_EXPORTER": "otlp", "OTEL_BSP_MAX_QUEUE_SIZE": "-1", "DIGITS_WORKERS": "1"}
    ) as server:
        assert_answered(server, seven, times=3)
        server.stop()
    assert sum("tracing failed and is off until the next start" in line for line in server.log) == 1


@pytest.mark.parametrize(
    ("environment", "wanted"),
    [
        ({}, False),
        ({"OTEL_SERVICE_NAME": "mine"}, False),
        ({"OTEL_TRACES_EXPORTER": "none", "OTEL_EXPORTER_OTLP_ENDPOINT": "http://x"}, False),
        ({"OTEL_SDK_DISABLED": "true", "OTEL_EXPORTER_OTLP_ENDPOINT": "http://x"}, False),
        ({"OTEL_EXPORTER_OTLP_ENDPOINT": "http://x"}, True),
        ({"OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": "http://x"}, True),
        ({"OTEL_TRACES_EXPORTER": "console"}, True),
    ],
)
def test_the_usual_variables_ask_for_spans(environment: dict[str, str], *, wanted: bool) -> None:
    """Those of OpenTelemetry, and nothing of our own."""
    assert spans.wanted(environment) is wanted


def test_without_the_packages_the_log_says_so(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """They are named, and the service goes on without."""
    monkeypatch.setattr(spans, "MODULES", ("opentelemetry.nothing",))
    with caplog.at_level(logging.WARNING):
        assert not spans.wanted({"OTEL_TRACES_EXPORTER": "otlp"})
    assert "pip install opentelemetry-sdk" in caplog.text
