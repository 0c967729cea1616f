"""The real service: gunicorn with two workers, over HTTP."""

import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable
from http.client import HTTPException
from pathlib import Path

import pytest
from prometheus_client.parser import text_string_to_metric_families

from tests.parity import digits_offline, digits_over_http
from tests.server import ROOT, Server, post_png, running
from training.data import Examples

REQUESTS = 10_000
CLIENTS = 4


def test_parity(server: Server, mnist_500: Examples) -> None:
    """500 MNIST test images posted as PNGs give exactly the offline evaluation's digits."""
    assert digits_over_http(server, mnist_500.images) == digits_offline(mnist_500.images)


def test_an_answer_says_its_length_once(server: Server, seven: bytes) -> None:
    """A second Content-Length, even of the same length, makes an answer that strict clients refuse."""
    connection = server.connect()
    connection.request("POST", "/predict", seven, {"Content-Type": "image/png"})
    answer = connection.getresponse()
    assert answer.headers.get_all("Content-Length") == [str(len(answer.read()))]
    connection.close()


def sample(text: str, name: str) -> int:
    """Return the sum of a metric's samples whose line starts so."""
    return round(sum(float(line.split()[-1]) for line in text.splitlines() if line.startswith(name)))


class Clients:
    """Threads that post until so many answers have come; a broken connection is opened anew."""

    def __init__(self, server: Server, png: bytes) -> None:
        """Start with nothing sent."""
        self.server, self.png = server, png
        self.counts: Counter[str] = Counter()
        self.lock = threading.Lock()
        self.half_way = threading.Event()

    def count(self, what: str) -> None:
        """Count an event."""
        with self.lock:
            self.counts[what] += 1
            if self.counts["answered"] * 2 >= REQUESTS:
                self.half_way.set()

    def post_some(self) -> None:
        """Post one client's share of the requests."""
        connection = self.server.connect()
        for _ in range(REQUESTS // CLIENTS):
            try:
                status, document = post_png(connection, self.png)
                assert (status, document["digit"]) == (200, 7)
                self.count("answered")
            except (OSError, HTTPException):
                self.count("broken")
                connection.close()
        connection.close()


@pytest.mark.parametrize("under", ["our worker", "gthread"])
def test_every_answer_is_counted_once(under: str, seven: bytes) -> None:
    """10,000 requests over two workers, one killed half way: the master lives, and each answer counts once.

    A request that the victim had counted but not yet answered is the one difference there can be: the
    counts lie between the answers received and those plus the connections that broke.
    """
    with running(under=under) as server:
        victim = server.wait_for_workers(2)[0]
        clients = Clients(server, seven)
        threads = [threading.Thread(target=clients.post_some) for _ in range(CLIENTS)]
        for thread in threads:
            thread.start()
        assert clients.half_way.wait(timeout=60)
        os.kill(victim, signal.SIGKILL)
        for thread in threads:
            thread.join()
        server.wait_for_workers(1)
        text = server.get("/metrics")[1]
        server.get("/healthz")
    answered, broken = clients.counts["answered"], clients.counts["broken"]
    assert answered + broken == REQUESTS
    assert broken <= CLIENTS
    for name in [
        'digits_request_duration_seconds_count{method="POST",route="/predict",status="200"}',
        'digits_predictions_total{digit="7"}',
        "digits_confidence_count",
        "digits_images_per_request_count",
    ]:
        assert answered <= sample(text, name) <= answered + broken, name
    assert sample(text, "digits_in_flight_requests") == 1
    assert sample(text, "digits_workers") == 2
    assert sample(text, "digits_worker_exits_total") == 1


def post(server: Server, png: bytes, times: int) -> None:
    """Post an image over one connection, and wait for each answer."""
    connection = server.connect()
    for _ in range(times):
        assert post_png(connection, png)[0] == 200
    connection.close()


def reload(server: Server, _: list[int]) -> None:
    """Have all workers replaced."""
    server.process.send_signal(signal.SIGHUP)


def kill(_: Server, workers: list[int]) -> None:
    """End all workers before they can do anything about it."""
    for worker in workers:
        os.kill(worker, signal.SIGKILL)


@pytest.mark.parametrize("end", [reload, kill])
def test_workers_that_come_and_go_keep_the_counts(
    end: Callable[[Server, list[int]], None], seven: bytes
) -> None:
    """Three generations of workers, reloaded or killed: what all of them counted is there, exactly."""
    with running({"DIGITS_LOG_FORMAT": "text"}) as server:
        workers = server.wait_for_workers(2)
        for _ in range(2):
            post(server, seven, 20)
            end(server, workers)
            old, workers = workers, server.wait_for_workers(2)
            wait_for_the_end_of(old)
        post(server, seven, 20)
        text = server.get("/metrics")[1]
    assert sample(text, 'digits_predictions_total{digit="7"}') == 60
    assert sample(text, "digits_images_per_request_sum") == 60
    assert sample(text, "digits_worker_exits_total") == 4


def counted(server: Server) -> dict[str, float]:
    """Return the samples of all counters and histograms."""
    return {
        f"{sample.name}{sample.labels}": sample.value
        for family in text_string_to_metric_families(server.get("/metrics")[1])
        if family.type in {"counter", "histogram"}
        for sample in family.samples
    }


def test_no_count_goes_back(server: Server, seven: bytes) -> None:
    """Scrapes fall between and into what workers count; none shows less than the one before."""
    posting = [threading.Thread(target=post, args=(server, seven, 200)) for _ in range(CLIENTS)]
    for thread in posting:
        thread.start()
    before, scrapes = counted(server), 0
    while any(thread.is_alive() for thread in posting):
        now = counted(server)
        assert {name for name, value in before.items() if now[name] < value} == set()
        before, scrapes = now, scrapes + 1
    assert scrapes > 3


def wait_for_the_end_of(pids: list[int]) -> None:
    """Wait until none of the processes is there any more."""
    give_up = time.monotonic() + 30
    while any(Path(f"/proc/{pid}").exists() for pid in pids):
        assert time.monotonic() < give_up
        time.sleep(0.02)


def test_logs_are_json_lines(seven: bytes) -> None:
    """Everything on standard output parses as JSON, line by line."""
    with running() as server:
        connection = server.connect()
        post_png(connection, seven)
        connection.close()
        server.stop()
    assert {json.loads(line)["level"] for line in server.log} == {"info"}


def test_a_bad_setting_ends_the_start_with_a_sentence() -> None:
    """The service does not start with a setting that can't be used, and says which."""
    ended = subprocess.run(
        [sys.executable, "-m", "gunicorn", "--config", "service/gunicorn.conf.py"],
        cwd=ROOT,
        env={**os.environ, "DIGITS_WORKERS": "many"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert ended.returncode == 1
    assert ended.stderr.strip() == "digits: DIGITS_WORKERS must be a whole number, not 'many'"
