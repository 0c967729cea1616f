"""The Python client against the real service."""

import shutil
import subprocess
import sys
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import FrozenInstanceError
from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
from PIL import Image as PillowImage

from service.client import DigitsClient, Image, Prediction, Problem, RefusedError, UnreachableError
from service.client.images import BATCH_IMAGES
from tests.conftest import DATA
from tests.parity import digits_offline, png_of
from tests.server import ROOT, Server, post_png, running
from tests.service.client.scripted import Response, ScriptedServer
from training.data import Examples

ALONE = """
import sys
sys.path.insert(0, sys.argv[1])
from service.client import DigitsClient
assert sys.modules.keys().isdisjoint({"numpy", "flask", "PIL"})
for name in ("numpy", "flask", "PIL"):
    try:
        __import__(name)
    except ImportError:
        continue
    raise SystemExit(f"{name} can be imported here")
with DigitsClient(sys.argv[2]) as digits:
    print(digits.predict(sys.argv[3]).digit, *(found.digit for found in digits.predict_many(sys.argv[3:])))
"""


@pytest.fixture
def digits(server: Server) -> Iterator[DigitsClient]:
    """A client of the running service."""
    with DigitsClient(url_of(server)) as client:
        yield client


def url_of(server: Server) -> str:
    """Return the URL of a server."""
    return f"http://127.0.0.1:{server.port}"


def test_needs_only_the_standard_library(server: Server, tmp_path: Path) -> None:
    """A copy of the client's folder works in a Python without any package."""
    shutil.copytree(ROOT / "service" / "client", tmp_path / "service" / "client")
    shutil.copy(ROOT / "service" / "__init__.py", tmp_path / "service")
    seven = str(DATA / "7.png")
    ended = subprocess.run(
        [sys.executable, "-I", "-S", "-c", ALONE, str(tmp_path), url_of(server), seven, seven],
        capture_output=True,
        text=True,
        check=False,
    )
    assert (ended.stdout, ended.stderr) == ("7 7 7\n", "")


def test_prediction_has_all_fields(server: Server, digits: DigitsClient, seven: bytes) -> None:
    """A prediction has every field of the response's document, and its X-Request-Id; it is immutable."""
    connection = server.connect()
    document = post_png(connection, seven)[1]
    connection.close()
    found = digits.predict(seven)
    assert found == Prediction(
        digit=7,
        confidence=document["confidence"],
        probabilities=tuple(document["probabilities"]),
        prediction_set=(7,),
        abstained=False,
        model_name="digits",
        model_version=document["model"]["version"],
        request=found.request,
    )
    assert len(found.request) == 16
    with pytest.raises(FrozenInstanceError):
        found.digit = 1  # type: ignore[misc]  # that is the claim


def test_every_kind_of_image(digits: DigitsClient, seven: bytes) -> None:
    """A path, bytes, a Pillow image, an array and a view of an array give the same probabilities."""
    path = DATA / "7.png"
    image = PillowImage.open(path)
    array = np.asarray(image)
    larger = np.zeros((56, 56), np.uint8)
    larger[::2, ::2] = array
    found = digits.predict(seven)
    for kind in (
        path,
        str(path),
        image,
        array,
        larger[::2, ::2],
        PillowImage.fromarray(array).convert("RGB"),
    ):
        assert digits.predict(kind).probabilities == found.probabilities


@pytest.mark.parametrize("shape", [(1, 1), (3, 7), (300, 200)])
def test_array_is_sent_as_png(scripted: ScriptedServer, shape: tuple[int, int]) -> None:
    """An array is sent as a PNG, which Pillow reads as the same array."""
    array = np.random.default_rng(0).integers(0, 256, shape, np.uint8)
    scripted.script.append(Response())
    with DigitsClient(scripted.url) as digits:
        digits.predict(array)
    image = PillowImage.open(BytesIO(scripted.received[0].body))
    image.load()
    assert image.mode == "L"
    np.testing.assert_array_equal(np.asarray(image), array)


@pytest.mark.parametrize(
    "array",
    [np.zeros((28, 28)), np.zeros((28, 28, 3), np.uint8), np.zeros(784, np.uint8), np.zeros((0, 9), "B")],
)
def test_ambiguous_array_is_refused(digits: DigitsClient, array: np.typing.NDArray[np.generic]) -> None:
    """An array that is not uint8 (height, width) is refused; the error says how to convert it."""
    with pytest.raises(ValueError, match=r"must be uint8 \(height, width\), not .*\.astype\('uint8'\)"):
        digits.predict(array)


def test_other_objects_are_refused(digits: DigitsClient) -> None:
    """A number is a TypeError, a missing file a FileNotFoundError."""
    with pytest.raises(TypeError, match="not int"):
        digits.predict(7)  # type: ignore[arg-type]  # that is the claim
    with pytest.raises(FileNotFoundError):
        digits.predict("nowhere.png")


def test_many_in_order(digits: DigitsClient, mnist_500: Examples) -> None:
    """500 images of several kinds from a generator are sent in several forms, and answered in order."""
    kinds = (lambda image: image, png_of, PillowImage.fromarray)
    images = (kinds[index % 3](image) for index, image in enumerate(mnist_500.images))
    found = list(digits.predict_many(images))
    assert [entry.digit for entry in found if isinstance(entry, Prediction)] == digits_offline(
        mnist_500.images
    )
    # The images of a form share the X-Request-Id.
    assert len({entry.request for entry in found}) == -(-500 // BATCH_IMAGES)


def test_no_images(digits: DigitsClient) -> None:
    """Without images there are no predictions."""
    assert list(digits.predict_many([])) == []


def test_images_are_read_on_demand(digits: DigitsClient, seven: bytes) -> None:
    """An endless iterator of images is read one form at a time."""
    taken = 0

    def endless() -> Iterator[bytes]:
        nonlocal taken
        while True:
            taken += 1
            yield seven

    found = digits.predict_many(endless())
    assert taken == 0
    next(found)
    assert taken == BATCH_IMAGES + 1


def test_unreadable_images_among_others(digits: DigitsClient, seven: bytes, blank: bytes) -> None:
    """An image that the service refuses, or that can't be sent, yields its Problem; the others are read."""
    images: list[Image] = [
        seven,
        b"no picture",
        blank,
        seven[:50],
        "nowhere.png",
        np.zeros((2, 2)),
        b"",
        seven,
    ]
    found = list(digits.predict_many(images))
    assert [entry.digit if isinstance(entry, Prediction) else entry.status for entry in found] == [
        *(7, 415, 422, 400, None, None, 415, 7)
    ]
    problem = found[1]
    assert isinstance(problem, Problem)
    assert (problem.type, problem.title) == ("urn:digits:problem:not-png", "Not png")
    assert problem.instance == "/predict"
    assert problem.request
    assert "nowhere.png" in found[4].detail  # type: ignore[union-attr]  # it is a problem, as seen above


@pytest.mark.parametrize("number", [0, BATCH_IMAGES])
def test_unreadable_image_alone_in_a_form(
    digits: DigitsClient, seven: bytes, blank: bytes, number: int
) -> None:
    """An unreadable image that is alone in the last form yields a Problem, too, and no exception."""
    *others, last = digits.predict_many([*[seven] * number, blank])
    assert isinstance(last, Problem)
    assert last.status == 422
    assert len(others) == number


def test_refusal_has_problem(digits: DigitsClient, blank: bytes) -> None:
    """`predict` raises RefusedError for an unreadable image, with RFC 9457's fields and a message."""
    with pytest.raises(RefusedError, match=r"^422 Blank image: ") as caught:
        digits.predict(blank)
    problem = caught.value.problem
    assert (problem.type, problem.title, problem.status) == (
        "urn:digits:problem:blank-image",
        "Blank image",
        422,
    )
    assert problem.detail in str(caught.value)


def test_threads_share_a_client(digits: DigitsClient, mnist_500: Examples) -> None:
    """Eight threads that share a client each get their own predictions."""
    images = mnist_500.images[:200]
    with ThreadPoolExecutor(8) as threads:
        found = list(threads.map(lambda image: digits.predict(image).digit, images))
    assert found == digits_offline(images)


def test_api_key(seven: bytes) -> None:
    """A valid key, ASCII or not, is accepted; a wrong or missing one raises RefusedError at once."""
    with running({"DIGITS_API_KEY": "schlüssel"}) as server:
        with DigitsClient(url_of(server), api_key="schlüssel") as digits:
            assert digits.predict(seven).digit == 7
        for wrong in ("key", None):
            with DigitsClient(url_of(server), api_key=wrong) as digits:
                with pytest.raises(RefusedError, match=r"^401 Unauthorized: An API key is required"):
                    digits.predict(seven)
                for number in (1, 2):
                    with pytest.raises(RefusedError, match=r"^401 "):
                        list(digits.predict_many([seven] * number))


def test_service_restarts(seven: bytes) -> None:
    """After a restart the service answers at once; while it is down, UnreachableError is raised."""
    with running() as old, DigitsClient(url_of(old), attempts=1) as digits:
        assert digits.predict(seven).digit == 7
        old.stop()
        with running({"DIGITS_PORT": str(old.port)}):
            # The client still has a connection to the old service, and a single attempt.
            assert digits.predict(seven).digit == 7
            digits.close()
        with pytest.raises(UnreachableError, match=rf"^no response from {url_of(old)}: "):
            digits.predict(seven)


def test_limits_and_overload(mnist_500: Examples) -> None:
    """Six threads are answered by a service that takes 3 files in a form and one large request at a time."""
    settings = {"DIGITS_WORKERS": "1", "DIGITS_MAX_WAITING": "1", "DIGITS_MAX_IMAGES": "3"}
    photos = [png_of(np.kron(image, np.ones((60, 60), np.uint8))) for image in mnist_500.images[:6]]
    wanted = digits_offline(mnist_500.images[:6])
    together = threading.Barrier(6)
    with running(settings) as server, DigitsClient(url_of(server), attempts=100) as digits:

        def read(_: int) -> list[int]:
            together.wait()
            return [entry.digit for entry in digits.predict_many(photos) if isinstance(entry, Prediction)]

        with ThreadPoolExecutor(6) as threads:
            assert list(threads.map(read, range(6))) == [wanted] * 6
        metrics = server.get("/metrics")[1]
    assert 'digits_rejected_images_total{reason="overloaded"}' in metrics
    assert 'digits_rejected_images_total{reason="too_many_images"}' in metrics
