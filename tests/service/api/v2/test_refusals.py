"""Invalid requests to the Open Inference Protocol get {"error": "…"} with a 4xx, never a 5xx."""

import json
from http.client import HTTPConnection
from typing import Any

import pytest

from tests.server import Server

INFER = "/v2/models/digits/infer"
ROW = [0] * 784
GOOD = {"name": "image", "datatype": "UINT8", "shape": [1, 784], "data": ROW}
OUTPUT = {"name": "probabilities"}
BINARY = {
    "name": "image",
    "datatype": "UINT8",
    "shape": [1, 784],
    "parameters": {"binary_data_size": 784},
}
# In base64: something that is not a PNG; the signature of a PNG, without the rest.
NO_PNG, BROKEN_PNG = "bm8gUE5H", "iVBORw0KGgo="


def given(**changes: Any) -> bytes:  # noqa: ANN401 - anything goes
    """Return a request with a valid input except for these fields; None removes a field."""
    entry = {key: value for key, value in (GOOD | changes).items() if value is not None}
    return json.dumps({"inputs": [entry]}).encode()


def whole(**fields: Any) -> bytes:  # noqa: ANN401 - anything goes
    """Return a request with a valid input and these fields."""
    return json.dumps({"inputs": [GOOD], **fields}).encode()


def png(*data: object, **changes: Any) -> bytes:  # noqa: ANN401 - anything goes
    """Return a request with the input `png`."""
    return given(**{"name": "png", "datatype": "BYTES", "shape": [len(data)], "data": [*data]} | changes)


def data_text(text: str) -> bytes:
    """Return a request whose first value is this text."""
    return given(data=[-12345, *ROW[1:]]).replace(b"-12345", text.encode(), 1)


def with_binary(
    body: bytes, inputs: list[dict[str, Any]], size: str | None = None
) -> tuple[bytes, dict[str, str]]:
    """Return a body of JSON and binary data, and its header."""
    text = json.dumps({"inputs": inputs}).encode()
    return text + body, {"Inference-Header-Content-Length": size or str(len(text))}


Case = tuple[str, int, bytes, dict[str, str]]
BODIES: dict[str, bytes] = {
    "no JSON": b"digits",
    "nothing at all": b"",
    "half a JSON": b'{"inputs": [',
    "not UTF-8": b"\xff\xfe\xfa",
    "a list": b"[]",
    "a string": b'"x"',
    "null": b"null",
    "no inputs": b"{}",
    "inputs null": b'{"inputs": null}',
    "inputs empty": b'{"inputs": []}',
    "inputs an object": b'{"inputs": {"name": "image"}}',
    "an input that is a number": b'{"inputs": [1]}',
    "an input without a name": given(name=None),
    "an input with a number as its name": given(name=1),
    "an unknown input": given(name="picture"),
    "two inputs of one name": json.dumps({"inputs": [GOOD, GOOD]}).encode(),
    "both inputs": json.dumps({"inputs": [GOOD, GOOD | {"name": "png"}]}).encode(),
    "no datatype": given(datatype=None),
    "an unknown datatype": given(datatype="FP64"),
    "a datatype in small letters": given(datatype="uint8"),
    "a datatype that is a list": given(datatype=["UINT8"]),
    "image in BYTES": given(datatype="BYTES", shape=[1], data=["AAAA"]),
    "no shape": given(shape=None),
    "a shape that is a number": given(shape=784),
    "an empty shape": given(shape=[]),
    "a shape without the batch": given(shape=[784]),
    "a shape of another size": given(shape=[1, 783], data=ROW[1:]),
    "a shape turned round": given(shape=[784, 1]),
    "a shape of too many dimensions": given(shape=[1, 1, 1, 28, 28]),
    "four dimensions": given(shape=[1, 1, 28, 28]),
    "a negative dimension": given(shape=[-1, 784]),
    "two negative dimensions": given(shape=[-1, -784]),
    "no images": given(shape=[0, 784], data=[]),
    "a dimension beyond memory": given(shape=[2**40, 784]),
    "a dimension beyond 64 bits": given(shape=[2**70, 784]),
    "dimensions whose product runs over": given(shape=[2**31 - 1, 2**31 - 1, 2**31 - 1, 2**31 - 1]),
    "a dimension of 4,000 digits": given(shape=[1, 784]).replace(b"[1, 784]", b"[" + b"1" * 4000 + b", 784]"),
    "a dimension that is a fraction": given(shape=[1.0, 784]),
    "a dimension that is true": given(shape=[True, 784]),
    "a dimension that is text": given(shape=["1", 784]),
    "no data": given(data=None),
    "data null": whole(inputs=[GOOD | {"data": None}]),
    "data a string": given(data="0" * 784),
    "data an object": given(data={"0": 0}),
    "too few values": given(data=ROW[1:]),
    "too many values": given(data=[*ROW, 0]),
    "ragged nesting": given(data=[ROW[:400], ROW[400:]]),
    "nesting unlike the shape": given(data=[ROW[:392], ROW[392:]]),
    "nesting deeper than the shape": given(data=[[ROW]]),
    "nesting without end": b'{"inputs": ' + b"[" * 100_000,
    "data nested without end": given(data=[]).replace(b"[]", b"[" * 5000 + b"]" * 5000),
    "numbers and lists": given(data=[*ROW[1:], [0]]),
    "a negative pixel": data_text("-1"),
    "a pixel above 255": data_text("256"),
    "a fraction for UINT8": data_text("0.5"),
    "a pixel of 5,000 digits": data_text("1" * 5000),
    "true as a pixel": data_text("true"),
    "null as a pixel": data_text("null"),
    "text as a pixel": data_text('"0"'),
    "NaN": data_text("NaN"),
    "Infinity": data_text("Infinity"),
    "FP32 above 1": given(datatype="FP32", data=[1.001, *ROW[1:]]),
    "FP32 below 0": given(datatype="FP32", data=[-0.001, *ROW[1:]]),
    "FP32 beyond its range": given(datatype="FP32", data=[1e300, *ROW[1:]]),
    "FP32 beyond every range": data_text("1e999").replace(b"UINT8", b"FP32"),
    "FP32 of 400 digits": data_text("1" * 400).replace(b"UINT8", b"FP32"),
    "FP32 NaN": data_text("NaN").replace(b"UINT8", b"FP32"),
    "parameters a list": given(parameters=[]),
    "parameters of the request a string": whole(parameters="x"),
    "parameters a list, beside a name": whole(name=7, parameters=[]),
    "an id that is a number": whole(id=7),
    "outputs empty": whole(outputs=[]),
    "outputs an object": whole(outputs=OUTPUT),
    "an unknown output": whole(outputs=[{"name": "logits"}]),
    "an output without a name": whole(outputs=[{}]),
    "one output twice": whole(outputs=[OUTPUT, OUTPUT]),
    "binary_data a number": whole(outputs=[OUTPUT | {"parameters": {"binary_data": 1}}]),
    "binary_data_output a string": whole(parameters={"binary_data_output": "yes"}),
    "classification of none": whole(outputs=[OUTPUT | {"parameters": {"classification": 0}}]),
    "classification of half a class": whole(outputs=[OUTPUT | {"parameters": {"classification": 1.5}}]),
    "classification without end": whole(outputs=[OUTPUT | {"parameters": {"classification": 10}}]).replace(
        b'"classification": 10', b'"classification": 1e999'
    ),
    "classification NaN": whole(outputs=[OUTPUT | {"parameters": {"classification": float("nan")}}]),
    "classification true": whole(outputs=[OUTPUT | {"parameters": {"classification": True}}]),
    "classification of digit": whole(outputs=[{"name": "digit", "parameters": {"classification": 1}}]),
    "png in UINT8": png(*ROW, datatype="UINT8"),
    "png in a square": png(NO_PNG, shape=[1, 1]),
    "png not in base64": png("%%%%"),
    "png in letters beyond ASCII": png("é"),
    "png as a number": png(7),
    "png that is broken": png(BROKEN_PNG),
    "bytes without the header": json.dumps({"inputs": [BINARY]}).encode() + bytes(784),
}
OTHER_STATUSES: dict[str, tuple[int, bytes]] = {
    "png that is none": (415, png(NO_PNG)),
    "more images than are read": (413, given(shape=[257, 784], data=[0] * 257 * 784)),
}
WITH_HEADER: dict[str, tuple[bytes, dict[str, str]]] = {
    "a header that is no number": with_binary(bytes(784), [BINARY], "many"),
    "a negative header": with_binary(bytes(784), [BINARY], "-1"),
    "a header beyond the body": with_binary(bytes(784), [BINARY], "9999"),
    "a header of 400 digits": with_binary(bytes(784), [BINARY], "1" * 400),
    "too few bytes": with_binary(bytes(783), [BINARY]),
    "bytes left over": with_binary(bytes(785), [BINARY]),
    "a size unlike the shape": with_binary(bytes(785), [BINARY | {"parameters": {"binary_data_size": 785}}]),
    "a negative size": with_binary(bytes(784), [BINARY | {"parameters": {"binary_data_size": -1}}]),
    "a size that is text": with_binary(bytes(784), [BINARY | {"parameters": {"binary_data_size": "784"}}]),
    "data and bytes": with_binary(bytes(784), [BINARY | {"data": ROW}]),
    "neither data nor bytes": with_binary(b"", [BINARY | {"parameters": {}}]),
    "FP32 that are no numbers": with_binary(
        b"\xff" * 3136, [BINARY | {"datatype": "FP32", "parameters": {"binary_data_size": 3136}}]
    ),
    "an element longer than its bytes": with_binary(
        b"\xff\xff\xff\xff",
        [{"name": "png", "datatype": "BYTES", "shape": [1], "parameters": {"binary_data_size": 4}}],
    ),
    "half a length": with_binary(
        b"\x00\x00",
        [{"name": "png", "datatype": "BYTES", "shape": [1], "parameters": {"binary_data_size": 2}}],
    ),
    "more elements than the shape": with_binary(
        bytes(8), [{"name": "png", "datatype": "BYTES", "shape": [1], "parameters": {"binary_data_size": 8}}]
    ),
    "a billion elements": with_binary(
        bytes(8),
        [{"name": "png", "datatype": "BYTES", "shape": [2**30], "parameters": {"binary_data_size": 8}}],
    ),
    "no image in a body of bytes": (b"x", {"Inference-Header-Content-Length": "0"}),
    "half an image in a body of bytes": (bytes(784 + 392), {"Inference-Header-Content-Length": "0"}),
    "an empty body of bytes": (b"", {"Inference-Header-Content-Length": "0"}),
    "bytes after data in JSON": with_binary(b"x", [GOOD]),
}
# Method, path, headers, status.
ROUTES: dict[str, tuple[str, str, dict[str, str], int]] = {
    "no such route": ("GET", "/v2/nothing", {}, 404),
    "another model": ("GET", "/v2/models/letters", {}, 404),
    "another version": ("GET", "/v2/models/digits/versions/0.0.0", {}, 404),
    "another model's readiness": ("GET", "/v2/models/letters/ready", {}, 404),
    "an inference by another model": ("POST", "/v2/models/letters/infer", {}, 404),
    "an inference by another version": ("POST", "/v2/models/digits/versions/2/infer", {}, 404),
    "GET where POST is right": ("GET", INFER, {}, 405),
    "DELETE of the model": ("DELETE", "/v2/models/digits", {}, 405),
    "POST to health": ("POST", "/v2/health/ready", {}, 405),
    "a picture as the body": ("POST", INFER, {"Content-Type": "image/png"}, 415),
    "XML": ("POST", INFER, {"Content-Type": "text/xml"}, 415),
    "packed": ("POST", INFER, {"Content-Type": "application/json", "Content-Encoding": "gzip"}, 415),
    "beyond the largest body": ("POST", INFER, {"Content-Length": str(2**30)}, 413),
}
TABLE: dict[str, tuple[str, str, dict[str, str], int, bytes]] = {
    **{name: ("POST", INFER, {}, 400, body) for name, body in BODIES.items()},
    **{name: ("POST", INFER, {}, status, body) for name, (status, body) in OTHER_STATUSES.items()},
    **{name: ("POST", INFER, headers, 400, body) for name, (body, headers) in WITH_HEADER.items()},
    **{name: (*case, b"{}" if case[0] == "POST" else b"") for name, case in ROUTES.items()},
}


@pytest.mark.parametrize("name", TABLE)
def test_an_invalid_request_gets_the_documented_error(server: Server, name: str) -> None:
    """Each invalid request gets its status and {"error": "a sentence"}, without internals of the service."""
    method, path, headers, status, body = TABLE[name]
    connection = HTTPConnection("127.0.0.1", server.port, timeout=30)
    connection.putrequest(method, path)
    for key, value in ({"Content-Length": str(len(body))} | headers).items():
        connection.putheader(key, value)
    connection.endheaders(body)
    answer = connection.getresponse()
    text = answer.read().decode()
    connection.close()
    assert answer.status == status, text
    assert answer.headers["Content-Type"] == "application/json"
    document = json.loads(text)
    assert document.keys() == {"error"}
    assert document["error"].endswith((".", "?"))
    assert len(document["error"]) < 400
    assert "Traceback" not in text
    assert ".py" not in text


def test_the_table_is_long_enough() -> None:
    """The table has more than a hundred invalid requests, none of them twice."""
    assert len(TABLE) == len(BODIES) + len(OTHER_STATUSES) + len(WITH_HEADER) + len(ROUTES) > 100


def test_a_valid_request_is_accepted(server: Server) -> None:
    """The requests from which the table is made are valid before they are changed."""
    connection = server.connect()
    for body, headers in ((given(), {}), (whole(), {}), with_binary(bytes(784), [BINARY])):
        connection.request("POST", INFER, body, headers)
        answer = connection.getresponse()
        assert answer.read().startswith(b'{"model_name": "digits"')
        assert answer.status == 200
    connection.close()
