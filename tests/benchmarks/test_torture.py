"""The reliability tests' own tools: the client detects wrong responses, and the page shows the outcome."""

import json
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import repeat
from pathlib import Path

import pytest

from benchmarks.torture.client import Client, Request
from benchmarks.torture.page import write_page
from benchmarks.torture.report import Report
from benchmarks.torture.sampling import Sample, growth
from benchmarks.torture.traffic import MIX, all_kinds

RIGHT = b'HTTP/1.1 200 OK\r\nContent-Length: 14\r\n\r\n{"digit": 7, }'
REQUEST = Request("digit", b"POST / HTTP/1.1\r\n\r\n", frozenset({200}), b'"digit": 7,')


@contextmanager
def answering(answer: bytes, *, close: bool = False) -> Iterator[int]:
    """Answer every request on any connection with these bytes; yield the port."""
    listener = socket.create_server(("127.0.0.1", 0))

    def answer_all(accepted: socket.socket) -> None:
        with accepted:
            while accepted.recv(1000):
                accepted.sendall(answer)
                if close:
                    return

    def accept_all() -> None:
        while True:
            try:
                accepted, _ = listener.accept()
            except OSError:
                return
            threading.Thread(target=answer_all, args=(accepted,), daemon=True).start()

    thread = threading.Thread(target=accept_all)
    thread.start()
    yield listener.getsockname()[1]
    listener.shutdown(socket.SHUT_RDWR)
    listener.close()
    thread.join()


def counted(port: int, *, expects_rejections: bool = False) -> Client:
    """Send requests until ten of them have ended, and return the client with its counts."""
    with Client(port, repeat(REQUEST), 2, expects_rejections=expects_rejections) as client:
        give_up = time.monotonic() + 30
        while client.answered + len(client.cut_off) < 10 and time.monotonic() < give_up:
            time.sleep(0.01)
    return client


def test_correct_responses_are_counted() -> None:
    """A response with a correct status and the expected content is correct, and nothing is lost."""
    with answering(RIGHT) as port:
        client = counted(port)
    assert client.sent == client.correct == client.of_status(200) > 0
    assert client.lost() == 0


@pytest.mark.parametrize(
    "answer",
    [
        RIGHT.replace(b"7", b"1"),
        RIGHT.replace(b"200", b"500"),
        b"HTTP/1.1 503 No\r\nRetry-After: 1\r\nContent-Length: 0\r\n\r\n",
    ],
)
def test_wrong_responses_are_lost(answer: bytes) -> None:
    """Another digit, a 500, and a 503 without overload: each request is lost, and the report says so."""
    with answering(answer) as port:
        client = counted(port)
    assert client.lost() == client.sent > 0
    report = Report("x", 1)
    report.count(client)
    assert report.lost == client.sent
    assert report.findings


@pytest.mark.parametrize(("field", "correct"), [(b"Retry-After: 1\r\n", True), (b"", False)])
def test_rejection_needs_retry_after(field: bytes, *, correct: bool) -> None:
    """Under overload, a 503 is correct only if it has Retry-After."""
    with answering(b"HTTP/1.1 503 No\r\n%bContent-Length: 0\r\n\r\n" % field) as port:
        client = counted(port, expects_rejections=True)
    assert (client.lost() == 0) == correct


def test_cut_off_requests_are_counted() -> None:
    """Half a response before the end of the connection is cut off, and lost unless a worker was killed."""
    with answering(RIGHT[:-3], close=True) as port:
        client = counted(port)
    assert client.correct == 0
    assert len(client.cut_off) == client.sent
    assert client.lost() == 0
    report, allowed = Report("x", 1), Report("x", 1)
    report.count(client)
    allowed.count(client, may_cut_off=client.sent)
    assert report.lost == client.sent
    assert not allowed.findings


def test_mix_has_each_kind() -> None:
    """Each kind of request is in the mix, and has at least one request with bytes to send."""
    kinds = all_kinds()
    assert kinds.keys() == MIX.keys()
    assert all(requests for requests in kinds.values())
    assert all(each.kind == kind and each.data for kind, requests in kinds.items() for each in requests)


def sample(seconds: float, pss_mb: float) -> Sample:
    """A sample of a service that uses this much memory."""
    return Sample(
        seconds, pss_mb, 2 * pss_mb, 40, 5, 0, seconds, int(20 * seconds), int(15 * seconds), 0, 0, 0
    )


def test_growth_is_measured() -> None:
    """A quarter more in the second half is 0.25; noise around a constant level is nearly 0."""
    assert growth([sample(at, 100 + 25 * (at >= 55)) for at in range(100)], "pss_mb") == 0.25
    assert abs(growth([sample(at, 100 + at % 2) for at in range(100)], "pss_mb")) <= 0.01


def test_page_shows_the_outcome(tmp_path: Path) -> None:
    """The page has sums, each scenario, the soak's trend, fuzzing if there was any, and all findings."""
    run = {"date": "2026-01-01", "commit": "abc", "machine": "one", "also_running": "nothing else"}
    soak = Report(
        "soak", 3600, 2000, 2000, figures={"kinds": 25, "pss_mb, most": 90.5, "pss_mb, growth": "+1.0%"}
    )
    soak.samples = [sample(at, 90.0) for at in range(101)]
    kills = Report("kills", 600, 1000, 990, cut_off=10, figures={"killed": 4})
    soak.save(tmp_path / "reliability", "soak", run)
    kills.save(tmp_path / "reliability", "kills", run)
    write_page(tmp_path, ["kills", "soak", "never run"])
    page = (tmp_path / "reliability.md").read_text(encoding="utf-8")
    assert "**3,000 requests, 0 lost.** 2,990 were answered correctly; 10 were cut off" in page
    assert "No response had a 5xx status other than 503." in page
    assert "| kills | 600 s | 1,000 | 990 | 10 | 0 |" in page
    assert "2,000 requests in 60 minutes, of 25 kinds" in page
    assert "500 were correctly refused" in page
    assert "| 90.5 | +1.0% |" in page
    assert "Fuzzing" not in page
    assert (tmp_path / "images" / "reliability.png").stat().st_size > 1000
    kills.lost, kills.findings = 1, ["one is lost"]
    kills.save(tmp_path / "reliability", "kills", run)
    fuzz = "date,target,executions,seconds,findings\n2026-01-01,heads,1000,60,1\n2026-01-02,heads,2000,60,0\n"
    (tmp_path / "fuzz.csv").write_text(fuzz, encoding="utf-8")
    write_page(tmp_path, ["kills", "soak"])
    page = (tmp_path / "reliability.md").read_text(encoding="utf-8")
    assert "finding: one is lost" in page
    assert "No response had a 5xx status other than 503." not in page
    assert "| heads | 3,000 | 120 | 1 |" in page
    assert json.loads((tmp_path / "reliability" / "kills.json").read_text(encoding="utf-8"))["run"] == run
