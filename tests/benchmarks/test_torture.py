"""Torture's own means: the client sees what goes wrong, and the page says what was found."""

import json
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from benchmarks.torture.asks import MIX, all_kinds
from benchmarks.torture.client import Ask, Client
from benchmarks.torture.page import write_page
from benchmarks.torture.report import Report
from benchmarks.torture.watch import Sample, growth

RIGHT = b'HTTP/1.1 200 OK\r\nContent-Length: 14\r\n\r\n{"digit": 7, }'
ASK = Ask("digit", b"POST / HTTP/1.1\r\n\r\n", frozenset({200}), b'"digit": 7,')


@contextmanager
def answering(answer: bytes, *, close: bool = False) -> Iterator[int]:
    """Answer whatever comes on any connection with these bytes; yield the port."""
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


def asked(port: int, *, turns_away: bool = False) -> Client:
    """Ask until something has come of it."""
    with Client(port, iter(lambda: ASK, None), 2, turns_away=turns_away) as client:
        give_up = time.monotonic() + 30
        while client.answered + len(client.breaks) < 10 and time.monotonic() < give_up:
            time.sleep(0.01)
    return client


def test_right_answers_are_right() -> None:
    """A status that may be and a body that holds what it must: nothing is lost."""
    with answering(RIGHT) as port:
        client = asked(port)
    assert client.asked == client.right == client.of_status(200) > 0
    assert client.lost() == 0


@pytest.mark.parametrize(
    "answer",
    [
        RIGHT.replace(b"7", b"1"),
        RIGHT.replace(b"200", b"500"),
        b"HTTP/1.1 503 No\r\nRetry-After: 1\r\nContent-Length: 0\r\n\r\n",
    ],
)
def test_wrong_answers_are_lost(answer: bytes) -> None:
    """Another digit, a 500, a 503 where none is due: each request is lost, and said so."""
    with answering(answer) as port:
        client = asked(port)
    assert client.lost() == client.asked > 0
    report = Report("x", 1)
    report.count(client)
    assert report.lost == client.asked
    assert report.findings


@pytest.mark.parametrize(("field", "right"), [(b"Retry-After: 1\r\n", True), (b"", False)])
def test_turned_away_is_right_with_a_time(field: bytes, *, right: bool) -> None:
    """Under overload a 503 is right, if it says when to come again."""
    with answering(b"HTTP/1.1 503 No\r\n%bContent-Length: 0\r\n\r\n" % field) as port:
        client = asked(port, turns_away=True)
    assert (client.lost() == 0) == right


def test_connections_that_break_are_counted() -> None:
    """Half an answer, and the end: cut off, and lost unless something was killed."""
    with answering(RIGHT[:-3], close=True) as port:
        client = asked(port)
    assert client.right == 0
    assert len(client.breaks) == client.asked
    assert client.lost() == 0
    report, allowed = Report("x", 1), Report("x", 1)
    report.count(client)
    allowed.count(client, may_break=client.asked)
    assert report.lost == client.asked
    assert not allowed.findings


def test_the_mix_has_each_kind() -> None:
    """Each kind is in the mix, and each is written as something that can be sent."""
    kinds = all_kinds()
    assert kinds.keys() == MIX.keys()
    assert all(ask.kind == kind and ask.data for kind, asks in kinds.items() for ask in asks)


def sample(seconds: float, pss_mb: float) -> Sample:
    """A sample of a service that uses so much memory."""
    return Sample(
        seconds, pss_mb, 2 * pss_mb, 40, 5, 0, seconds, int(20 * seconds), int(15 * seconds), 0, 0, 0
    )


def test_growth_is_seen() -> None:
    """A quarter more in the second half is a quarter; noise about the same level is nothing."""
    assert growth([sample(at, 100 + 25 * (at >= 55)) for at in range(100)], "pss_mb") == 0.25
    assert abs(growth([sample(at, 100 + at % 2) for at in range(100)], "pss_mb")) <= 0.01


def test_the_page_says_what_was_found(tmp_path: Path) -> None:
    """Sums, each scenario, the soak's trend, fuzzing if there was any, and what is not well."""
    run = {"date": "2026-01-01", "commit": "abc", "machine": "one", "beside": "nothing else"}
    soak = Report(
        "soak", 3600, 2000, 2000, figures={"kinds": 25, "pss_mb, most": 90.5, "pss_mb, growth": "+1.0%"}
    )
    soak.samples = [sample(at, 90.0) for at in range(101)]
    kills = Report("kills", 600, 1000, 990, broken=10, figures={"killed": 4})
    soak.save(tmp_path / "reliability", "soak", run)
    kills.save(tmp_path / "reliability", "kills", run)
    write_page(tmp_path, ["kills", "soak", "never run"])
    page = (tmp_path / "reliability.md").read_text(encoding="utf-8")
    assert "**3,000 requests, 0 lost.** 2,990 were answered right; 10 were cut off" in page
    assert "No answer was a 5xx but 503." in page
    assert "| kills | 600 s | 1,000 | 990 | 10 | 0 |" in page
    assert "2,000 requests in 60 minutes, of 25 kinds" in page
    assert "500 were refused" in page
    assert "| 90.5 | +1.0% |" in page
    assert "Fuzzing" not in page
    assert (tmp_path / "images" / "reliability.png").stat().st_size > 1000
    kills.lost, kills.findings = 1, ["one is lost"]
    kills.save(tmp_path / "reliability", "kills", run)
    fuzz = "date,target,executions,seconds,findings\n2026-01-01,heads,1000,60,1\n2026-01-02,heads,2000,60,0\n"
    (tmp_path / "fuzz.csv").write_text(fuzz, encoding="utf-8")
    write_page(tmp_path, ["kills", "soak"])
    page = (tmp_path / "reliability.md").read_text(encoding="utf-8")
    assert "not well: one is lost" in page
    assert "No answer was a 5xx but 503." not in page
    assert "| heads | 3,000 | 120 | 1 |" in page
    assert json.loads((tmp_path / "reliability" / "kills.json").read_text(encoding="utf-8"))["run"] == run
