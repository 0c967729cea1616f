"""Send mixed traffic for the dashboards: good, bad and ambiguous images, a burst, a killed worker.

All times are shares of the whole duration, so that a test can run the same traffic in a few seconds.
"""

import http.client
import os
import signal
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import numpy as np

from tests.deploy.traffic import BLANK, BOUNDARY, PNG, Pixels, form, photo, png
from tests.server import Server

DATA = Path(__file__).parents[1] / "tests" / "data" / "mnist_500.npz"
FORM = f"multipart/form-data; boundary={BOUNDARY}"
# TIMETABLE: from each moment on, the relative frequency of each kind of request.
CALM = {"digit": 19, "ambiguous": 1}
TIMETABLE = (
    (0.0, CALM),
    (0.18, {"digit": 4, "blank": 3, "broken": 2, "other": 1}),
    (0.32, CALM),
    (0.54, {"digit": 1, "ambiguous": 1}),
    (0.62, CALM),
    (0.76, {"digit": 7, "form": 2, "photo": 1}),
    (0.88, CALM),
)
# Within BURST, so many clients send at the same moment, repeatedly: more of them than may wait.
BURST, CLIENTS, BURST_EVERY_SECONDS = (0.4, 0.48), 46, 0.4
KILLED = 0.69
REQUESTS_A_SECOND = 25

Rng = np.random.Generator
Request = tuple[str, bytes, str]


class Traffic:
    """The traffic to one service, for a number of seconds."""

    def __init__(self, server: Server, seconds: float) -> None:
        """Prepare the images; nothing is sent yet."""
        self.server, self.seconds = server, seconds
        with np.load(DATA) as archive:
            self.digits: Pixels = archive["images"]
        self.bodies = [png(digit) for digit in self.digits]
        self.photo = photo(self.digits[0])
        self.begin = time.time()

    def send(self, victim: int) -> None:
        """Send the whole traffic, and kill one process, a worker of the service, while it runs."""
        self.begin = time.time()
        kill = threading.Timer(KILLED * self.seconds, os.kill, (victim, signal.SIGKILL))
        threads = [threading.Thread(target=self._send_burst, args=(number,)) for number in range(CLIENTS)]
        for thread in (kill, *threads):
            thread.start()
        self._send_steadily(np.random.default_rng(0))
        for thread in (kill, *threads):
            thread.join()

    @property
    def elapsed(self) -> float:
        """The share of the duration that has passed."""
        return (time.time() - self.begin) / self.seconds

    def _send_steadily(self, rng: Rng) -> None:
        """Send single requests at a steady rate, as the timetable says."""
        connection, number = self.server.connect(), 0
        while self.elapsed < 1:
            mix = next(mix for start, mix in reversed(TIMETABLE) if start <= self.elapsed)
            kind = rng.choice([name for name, times in mix.items() for _ in range(times)])
            post(connection, KINDS[kind](self, rng))
            number += 1
            if number % REQUESTS_A_SECOND == 0:
                post(connection, ("/model", b"", ""))
            time.sleep(max(0.0, self.begin + number / REQUESTS_A_SECOND - time.time()))
        connection.close()

    def _send_burst(self, seed: int) -> None:
        """Act as one of the clients that send at the same moment."""
        rng, connection = np.random.default_rng(seed), self.server.connect()
        start, stop = (self.begin + share * self.seconds for share in BURST)
        for moment in np.arange(start, stop, BURST_EVERY_SECONDS):
            time.sleep(max(0.0, moment - time.time()))
            post(connection, KINDS["digit"](self, rng))
        connection.close()

    def digit(self, rng: Rng) -> bytes:
        """Return one of the digits as a PNG."""
        return self.bodies[rng.integers(len(self.bodies))]

    def ambiguous(self, rng: Rng) -> bytes:
        """Return a PNG of two digits on top of each other."""
        one, other = self.digits[rng.integers(len(self.digits), size=2)]
        return png(np.maximum(one, other))


KINDS: dict[str, Callable[[Traffic, Rng], Request]] = {
    "digit": lambda traffic, rng: ("/predict", traffic.digit(rng), PNG),
    "ambiguous": lambda traffic, rng: ("/predict", traffic.ambiguous(rng), PNG),
    "blank": lambda *_: ("/predict", BLANK, PNG),
    "broken": lambda *_: ("/predict", BLANK[:40], PNG),
    "other": lambda *_: ("/predict", b"{}", "application/json"),
    "form": lambda traffic, rng: ("/predict", form([traffic.digit(rng) for _ in range(64)]), FORM),
    "photo": lambda traffic, _: ("/predict", traffic.photo, PNG),
}


def post(connection: http.client.HTTPConnection, request: Request) -> None:
    """POST a body, or GET a path without one; after an error, the next call opens a new connection."""
    path, body, kind = request
    method = "POST" if body else "GET"
    with suppress(ConnectionError, http.client.HTTPException):
        connection.request(method, path, body or None, {"Content-Type": kind} if kind else {})
        connection.getresponse().read()
        return
    connection.close()
