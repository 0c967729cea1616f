"""The examples in openapi.yaml are real responses of the service, and its curl commands work."""

import base64
import re
import struct
import subprocess
import zlib
from collections.abc import Iterator
from typing import Any, NoReturn

import pytest
from flask import Flask
from flask.testing import FlaskClient
from openapi_schema_validator import OAS31Validator

from scripts.openapi import API
from scripts.reference_page import resolved
from service.api.reference import EXAMPLE_HOST
from service.app import create_app
from service.problems import OVERLOADED, Problem
from service.settings import Settings
from tests.conftest import DATA
from tests.needs import need
from tests.server import running

HEADERS = {"Content-Type": "image/png"}
PNG = {"content_type": "image/png"}
FORM = {"content_type": "multipart/form-data; boundary=b"}
CHUNKED = {"headers": {"Transfer-Encoding": "chunked"}}
TOO_LONG = {"CONTENT_LENGTH": "33554433"}
INFER = "/v2/models/digits/infer"
# A PNG header of 5000 × 5000 pixels.
HEADER = struct.pack(">4sIIBBBBB", b"IHDR", 5000, 5000, 8, 0, 0, 0, 0)
SIGNATURE = b"\x89PNG\r\n\x1a\n"
LARGE = SIGNATURE + struct.pack(">I", 13) + HEADER + struct.pack(">I", zlib.crc32(HEADER))


def form(*files: bytes) -> bytes:
    """Return a form with these files."""
    head = b'--b\r\nContent-Disposition: form-data; name="f"; filename="x"\r\n\r\n'
    return b"".join(head + file + b"\r\n" for file in files) + b"--b--\r\n"


def contents(pointer: str, node: Any) -> Iterator[tuple[str, dict[str, Any]]]:  # noqa: ANN401 - any JSON
    """Yield each media type's description with its path in the document."""
    if isinstance(node, dict):
        for name, part in node.items():
            if name == "content":
                yield from ((pointer, media) for media in part.values())
            else:
                yield from contents(f"{pointer}/{name}", part)


EXAMPLES = {
    f"{pointer}/{name}".removeprefix("/"): (media["schema"], example["value"])
    for part in ("paths", "components")
    for pointer, media in contents("", API[part])
    for name, example in media.get("examples", {}).items()
}
# The paths with a version share their responses with those without.
ANSWERS = {name for name in EXAMPLES if "/responses/" in f"/{name}" and "{version}" not in name}


def closed(schema: dict[str, Any]) -> dict[str, Any]:
    """Return a schema without references that allows no field that it does not name."""
    schema = {**resolved(schema, API)}
    for key in ("anyOf", "allOf"):
        if key in schema:
            schema[key] = [closed(part) if key == "anyOf" else part for part in schema[key]]
    if "allOf" in schema:
        schema["unevaluatedProperties"] = False
    if "properties" in schema:
        schema["properties"] = {name: closed(part) for name, part in schema["properties"].items()}
        schema.setdefault("additionalProperties", False)
    if "items" in schema:
        schema["items"] = closed(schema["items"])
    return schema


def check(value: object, schema: dict[str, Any]) -> None:
    """Fail unless the value conforms to the schema, without any further field."""
    OAS31Validator(closed(schema) | {"components": API["components"]}).validate(value)


def alike(one: Any, other: Any) -> bool:  # noqa: ANN401 - any JSON
    """Return whether two documents are equal up to rounding."""
    if isinstance(one, dict) and isinstance(other, dict):
        return list(one) == list(other) and all(alike(one[key], other[key]) for key in one)
    if isinstance(one, list) and isinstance(other, list):
        return len(one) == len(other) and all(map(alike, one, other))
    if isinstance(one, float):
        return bool(one == pytest.approx(other, rel=1e-3, abs=1e-6))
    return bool(one == other)


@pytest.mark.parametrize("name", EXAMPLES)
def test_each_example_conforms_to_its_schema(name: str) -> None:
    """An example conforms to the schema beside it, without any further field."""
    schema, value = EXAMPLES[name]
    check(value, schema)


def defect(**_: str) -> NoReturn:
    """Raise, as a view with a defect does."""
    raise KeyError("defect")


@pytest.fixture(scope="module")
def clients(tmp_path_factory: pytest.TempPathFactory) -> dict[str, FlaskClient]:
    """Clients of five apps: open, with a key, without a model, with a defect, with a rate limit of 1."""
    none = tmp_path_factory.mktemp("none") / "digits.npz"
    apps: dict[str, Flask] = {
        "open": create_app(Settings(feedback="yes")),
        "closed": create_app(Settings(api_key="secret")),
        "empty": create_app(Settings(model=none)),
        "defect": create_app(Settings()),
        "limited": create_app(Settings(rate_limit=1)),
    }
    for view in ("predict.predict", "open_inference.infer"):
        apps["defect"].view_functions[view] = defect
    return {name: app.test_client() for name, app in apps.items()}


Ask = tuple[str, str, str, dict[str, Any]]


def asked(seven: bytes, blank: bytes) -> dict[str, Ask]:
    """Return the request for each example: the app, the method, the path and the rest."""
    png = EXAMPLES["/v2/models/{name}/infer/post/requestBody/png"][1]
    blank_png = {**png["inputs"][0], "data": [base64.b64encode(blank).decode()]}
    many = {"name": "image", "datatype": "UINT8", "shape": [257, 784], "data": [0] * 257 * 784}
    told = {"request": "608196a0c92cfdab", "digit": 7}
    predict, infer = ("open", "POST", "/predict"), ("open", "POST", INFER)
    table: dict[str, Ask] = {
        "/predict/post/responses/200/one": (*predict, {"data": seven, **PNG}),
        "/predict/post/responses/200/several": (*predict, {"data": form(seven, b"# digits"), **FORM}),
        "/predict/post/responses/400/empty-body": (*predict, PNG),
        "/predict/post/responses/400/no-files": (*predict, {"data": b"--b--\r\n", **FORM}),
        "/predict/post/responses/400/broken-multipart": (
            *predict,
            {"data": b"x", "content_type": "multipart/form-data"},
        ),
        "/predict/post/responses/400/broken-image": (*predict, {"data": SIGNATURE, **PNG}),
        "/predict/post/responses/400/parameter": ("open", "POST", "/predict?explain=seven", {"data": seven}),
        "/predict/post/responses/411/no-length": (*predict, CHUNKED),
        "/predict/post/responses/413/too-many-bytes": (*predict, {"environ_overrides": TOO_LONG, **PNG}),
        "/predict/post/responses/413/too-many-pixels": (*predict, {"data": LARGE, **PNG}),
        "/predict/post/responses/413/too-many-images": (*predict, {"data": form(*[b""] * 257), **FORM}),
        "/predict/post/responses/415/not-png": (*predict, {"data": b"GIF89a", **PNG}),
        "/predict/post/responses/422/blank-image": (*predict, {"data": blank, **PNG}),
        "/feedback/post/responses/400/bad-feedback": ("open", "POST", "/feedback", {"data": b"{}"}),
        "/feedback/post/responses/404/unknown-request": ("open", "POST", "/feedback", {"json": told}),
        "/model/layers/get/responses/200/layers": ("open", "GET", "/model/layers", {}),
        "/model/layers/{layer}/neurons/{neuron}/get/responses/404/layer": (
            *("open", "GET", "/model/layers/9/neurons/0"),
            {},
        ),
        "/healthz/get/responses/200/alive": ("open", "GET", "/healthz", {}),
        "/readyz/get/responses/200/ready": ("open", "GET", "/readyz", {}),
        "/v2//get/responses/200/server": ("open", "GET", "/v2/", {}),
        "/v2/health/live/get/responses/200/live": ("open", "GET", "/v2/health/live", {}),
        "/v2/health/ready/get/responses/200/ready": ("open", "GET", "/v2/health/ready", {}),
        "/v2/health/ready/get/responses/503/not-ready": ("empty", "GET", "/v2/health/ready", {}),
        "/v2/models/{name}/get/responses/200/digits": ("open", "GET", "/v2/models/digits", {}),
        "/v2/models/{name}/ready/get/responses/200/ready": ("open", "GET", "/v2/models/digits/ready", {}),
        "/v2/models/{name}/ready/get/responses/503/not-ready": (
            "empty",
            "GET",
            "/v2/models/digits/ready",
            {},
        ),
        "/v2/models/{name}/infer/post/responses/200/png": (
            *infer,
            {"json": png, "headers": {"X-Request-Id": "737cf9354765df2e"}},
        ),
        "/v2/models/{name}/infer/post/responses/400/inputs": (*infer, {"json": {}}),
        "/v2/models/{name}/infer/post/responses/411/chunks": (*infer, CHUNKED),
        "/v2/models/{name}/infer/post/responses/413/images": (*infer, {"json": {"inputs": [many]}}),
        "/v2/models/{name}/infer/post/responses/415/type": (
            *infer,
            {"data": b"<x/>", "content_type": "text/xml"},
        ),
        "/v2/models/{name}/infer/post/responses/422/blank": (*infer, {"json": {"inputs": [blank_png]}}),
        "responses/Unauthorized/unauthorized": ("closed", "GET", "/model", {}),
        "responses/TooManyRequests/too-many-requests": ("limited", "POST", "/predict", {}),
        "responses/ProtocolTooManyRequests/too-many-requests": ("limited", "POST", INFER, {}),
        "responses/NotReady/not-ready": ("empty", "GET", "/readyz", {}),
        "responses/Defect/defect": ("defect", "POST", "/predict", {}),
        "responses/ProtocolUnauthorized/unauthorized": ("closed", "GET", "/v2/models/digits", {}),
        "responses/ProtocolNotFound/model": ("open", "GET", "/v2/models/letters", {}),
        "responses/ProtocolUnavailable/not-ready": ("empty", "POST", INFER, {}),
        "responses/ProtocolDefect/defect": ("defect", "POST", INFER, {}),
    }
    return table


# Examples without a request: the worker makes one of them before the app; the other is one listed above.
NOT_ASKED = {"responses/Unavailable/overloaded", "responses/Unavailable/not-ready"}


@pytest.mark.parametrize("name", sorted(ANSWERS - NOT_ASKED))
def test_each_example_is_a_real_response(
    clients: dict[str, FlaskClient], seven: bytes, blank: bytes, name: str
) -> None:
    """The service's response equals the example, and has its status."""
    service, method, path, rest = asked(seven, blank)[name]
    if service == "limited":
        clients[service].open(path, method=method)
    answer = clients[service].open(path, method=method, **rest)
    _, value = EXAMPLES[name]
    assert alike(answer.get_json(), value), answer.text
    status = re.search(r"/responses/(\d+)/", name)
    if status:
        assert answer.status_code == int(status[1])


def test_the_example_of_overload_is_the_workers_response() -> None:
    """The example of overload equals the response that the worker makes before the app."""
    _, value = EXAMPLES["responses/Unavailable/overloaded"]
    assert Problem("overloaded", OVERLOADED).document("/predict") == value


def ok(path: str, method: str) -> dict[str, Any]:
    """Return the schema of an operation's 200 response."""
    content = API["paths"][path][method]["responses"]["200"]["content"]
    return content["application/json"]["schema"]


def test_full_responses_have_no_undescribed_field(client: FlaskClient, seven: bytes, blank: bytes) -> None:
    """Predictions with all options, two neurons and the metadata conform to their schemas."""
    query = "receipt=1&activations=1&explain=answer"
    for data, kind in ((seven, PNG), (form(seven, blank, b"x"), FORM)):
        check(client.post(f"/predict?{query}", data=data, **kind).get_json(), ok("/predict", "post"))
    for layer in (0, 2):
        path = "/model/layers/{layer}/neurons/{neuron}"
        check(client.get(f"/model/layers/{layer}/neurons/0").get_json(), ok(path, "get"))
    check(client.get("/model").get_json(), ok("/model", "get"))


def test_the_curl_commands_work(seven: bytes) -> None:
    """Each command of each operation, run by a shell in the folder of 7.png, succeeds."""
    need("curl")
    shell = need("sh")
    samples = [
        sample["source"]
        for item in API["paths"].values()
        for operation in item.values()
        if isinstance(operation, dict)
        for sample in operation["x-codeSamples"]
    ]
    with running({"DIGITS_FEEDBACK": "yes"}) as server:
        connection = server.connect()
        # The command for feedback has this ID.
        connection.request("POST", "/predict", seven, {"X-Request-Id": "608196a0c92cfdab", **HEADERS})
        connection.getresponse().read()
        connection.close()
        for sample in samples:
            line = sample.replace(EXAMPLE_HOST, f"http://127.0.0.1:{server.port}/")
            line = line.replace("curl ", "curl --silent --show-error --fail-with-body ")
            done = subprocess.run([shell, "-c", line], cwd=DATA, capture_output=True, check=False)
            assert done.returncode == 0, (sample, done.stdout[:500], done.stderr)
    assert len(samples) > 20
