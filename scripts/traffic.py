"""Mixed traffic for pictures of the dashboards: good, bad and doubtful images, a burst, a killed worker.

What comes when is given in shares of the whole, so that it can be as short as a test needs.
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
# How often each kind of request is sent, beside the others; and from when on.
CALM = {"digit": 19, "doubtful": 1}
TIMETABLE = (
    (0.0, CALM),
    (0.18, {"digit": 4, "blank": 3, "broken": 2, "other": 1}),
    (0.32, CALM),
    (0.54, {"digit": 1, "doubtful": 1}),
    (0.62, CALM),
    (0.76, {"digit": 7, "form": 2, "photo": 1}),
    (0.88, CALM),
)
# Clients who come all at once, again and again: more of them than may wait.
BURST, CLIENTS, BURST_EVERY_SECONDS = (0.4, 0.48), 46, 0.4
KILLED = 0.69
REQUESTS_A_SECOND = 25

Rng = np.random.Generator
Request = tuple[str, bytes, str]


class Traffic:
    """All of it, to one service, from now on for so many seconds."""

    def __init__(self, server: Server, seconds: float) -> None:
        """Prepare the images; nothing is sent yet."""
        self.server, self.seconds = server, seconds
        with np.load(DATA) as archive:
            self.digits: Pixels = archive["images"]
        self.bodies = [png(digit) for digit in self.digits]
        self.photo = photo(self.digits[0])
        self.begin = time.time()

    def send(self, victim: int) -> None:
        """Send it all; in its course a process, a worker of the service, is killed."""
        self.begin = time.time()
        kill = threading.Timer(KILLED * self.seconds, os.kill, (victim, signal.SIGKILL))
        threads = [threading.Thread(target=self._hurry, args=(number,)) for number in range(CLIENTS)]
        for thread in (kill, *threads):
            thread.start()
        self._stroll(np.random.default_rng(0))
        for thread in (kill, *threads):
            thread.join()

    @property
    def elapsed(self) -> float:
        """Which share of the time is over."""
        return (time.time() - self.begin) / self.seconds

    def _stroll(self, rng: Rng) -> None:
        """Send one request after the other, at a steady rate, by the timetable."""
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

    def _hurry(self, seed: int) -> None:
        """Be one of the clients who come all at once."""
        rng, connection = np.random.default_rng(seed), self.server.connect()
        start, stop = (self.begin + share * self.seconds for share in BURST)
        for moment in np.arange(start, stop, BURST_EVERY_SECONDS):
            time.sleep(max(0.0, moment - time.time()))
            post(connection, KINDS["digit"](self, rng))
        connection.close()

    def digit(self, rng: Rng) -> bytes:
        """Return one of the digits, as a PNG."""
        return self.bodies[rng.integers(len(self.bodies))]

    def doubtful(self, rng: Rng) -> bytes:
        """Return two digits, one over the other."""
        one, other = self.digits[rng.integers(len(self.digits), size=2)]
        return png(np.maximum(one, other))


KINDS: dict[str, Callable[[Traffic, Rng], Request]] = {
    "digit": lambda traffic, rng: ("/predict", traffic.digit(rng), PNG),
    "doubtful": lambda traffic, rng: ("/predict", traffic.doubtful(rng), PNG),
    "blank": lambda *_: ("/predict", BLANK, PNG),
    "broken": lambda *_: ("/predict", BLANK[:40], PNG),
    "other": lambda *_: ("/predict", b"{}", "application/json"),
    "form": lambda traffic, rng: ("/predict", form([traffic.digit(rng) for _ in range(64)]), FORM),
    "photo": lambda traffic, _: ("/predict", traffic.photo, PNG),
}


def post(connection: http.client.HTTPConnection, request: Request) -> None:
    """Post a body, or get what has none; whoever's worker was killed begins a connection anew next time."""
    path, body, kind = request
    method = "POST" if body else "GET"
    with suppress(ConnectionError, http.client.HTTPException):
        connection.request(method, path, body or None, {"Content-Type": kind} if kind else {})
        connection.getresponse().read()
        return
    connection.close()
