"""The worker: whole requests in any pieces, clients that stall or vanish, and too many at once."""

import json
import os
import signal
import socket
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import numpy as np
import pytest

from service.server.connection import REQUEST_SECONDS, Connection
from tests.server import Server, running
from tests.service.conftest import png

ONE_WORKER = {"DIGITS_WORKERS": "1"}
HEALTH = b"GET /healthz HTTP/1.1\r\nHost: a\r\n\r\n"


@contextmanager
def connected(server: Server) -> Iterator[socket.socket]:
    """A plain connection, on which a test says what it likes."""
    with socket.create_connection(("127.0.0.1", server.port), timeout=30) as client:
        yield client


def post(body: bytes, path: str = "/predict", headers: str = "") -> bytes:
    """Write a request to predict."""
    head = f"POST {path} HTTP/1.1\r\nHost: a\r\nContent-Type: image/png\r\n{headers}"
    return f"{head}Content-Length: {len(body)}\r\n\r\n".encode() + body


def statuses(client: socket.socket, number: int) -> list[int]:
    """Read so many answers and return their statuses; fewer if the connection ends before."""
    found, file = [], client.makefile("rb")
    for _ in range(number):
        line = file.readline()
        if not line:
            break
        found.append(int(line.split()[1]))
        length = 0
        while (field := file.readline().strip()) != b"":
            if field.lower().startswith(b"content-length:"):
                length = int(field.split(b":")[1])
        file.read(length)
    return found


def big_photo() -> bytes:
    """A PNG that takes its thread some time."""
    return png(np.random.default_rng(1).integers(0, 256, (1500, 1500)).astype(np.uint8))


def test_a_request_may_come_in_pieces(server: Server, seven: bytes) -> None:
    """Sent byte by byte, a request is answered as if it came at once."""
    with connected(server) as client:
        client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for byte in post(seven):
            client.sendall(bytes([byte]))
        assert statuses(client, 1) == [200]


def test_requests_may_come_before_their_answers(server: Server, seven: bytes) -> None:
    """Sent in one go, requests are answered one by one, in their order."""
    with connected(server) as client:
        client.sendall(HEALTH + post(seven) + post(b"no picture") + HEALTH)
        assert statuses(client, 4) == [200, 200, 415, 200]


def test_a_client_may_close_its_side(server: Server, seven: bytes) -> None:
    """Who has said all that it will is still answered."""
    with connected(server) as client:
        client.sendall(post(seven))
        client.shutdown(socket.SHUT_WR)
        assert statuses(client, 1) == [200]


def test_a_client_that_asks_first_is_told_to_go_on(server: Server, seven: bytes) -> None:
    """Expect: 100-continue is answered before the body comes."""
    with connected(server) as client:
        request = post(seven, headers="Expect: 100-continue\r\n")
        client.sendall(request[: -len(seven)])
        assert client.recv(100) == b"HTTP/1.1 100 Continue\r\n\r\n"
        client.sendall(seven)
        assert statuses(client, 1) == [200]


@pytest.mark.parametrize(
    ("request_", "status"),
    [
        (b"nonsense\r\n\r\n", 400),
        (b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n", 400),
        (b"GET / HTTP/1.1\r\nHost: a\r\nX: " + b"a" * 40_000 + b"\r\n\r\n", 431),
        (b"POST /predict HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 411),
        (b"POST /predict HTTP/1.1\r\nHost: a\r\nContent-Length: 99999999\r\n\r\n", 413),
    ],
)
def test_what_is_not_read_is_refused_and_closed(server: Server, request_: bytes, status: int) -> None:
    """A refusal before the body is read is problem details, and the end of the connection."""
    with connected(server) as client:
        client.sendall(request_)
        answer = b"".join(iter(lambda: client.recv(65536), b""))
    head, _, body = answer.partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 %d " % status)
    assert b"application/problem+json" in head
    assert b"Connection: close" in head
    assert json.loads(body)["status"] == status


def test_clients_that_stall_hold_up_nobody(server: Server, seven: bytes) -> None:
    """While 100 clients have sent half a request, others are answered."""
    stalled = [socket.create_connection(("127.0.0.1", server.port), timeout=30) for _ in range(100)]
    try:
        for client in stalled:
            client.sendall(post(seven)[:100])
        with connected(server) as client:
            client.sendall(post(seven) * 10)
            assert statuses(client, 10) == [200] * 10
    finally:
        for client in stalled:
            client.close()


@contextmanager
def stopped(pid: int) -> Iterator[None]:
    """Stop a worker, so that all that is sent in this block is there when it goes on."""
    os.kill(pid, signal.SIGSTOP)
    # The signal is sent, not yet obeyed: a request might be read before.
    while Path(f"/proc/{pid}/stat").read_text(encoding="ascii").rpartition(") ")[2][0] != "T":
        time.sleep(0.001)
    try:
        yield
    finally:
        os.kill(pid, signal.SIGCONT)


@contextmanager
def several(server: Server, number: int) -> Iterator[list[socket.socket]]:
    """So many connections, each of which has been answered once."""
    with ExitStack() as stack:
        clients = [stack.enter_context(connected(server)) for _ in range(number)]
        for client in clients:
            client.sendall(HEALTH)
            assert statuses(client, 1) == [200]
        yield clients


def test_too_many_are_turned_away(seven: bytes) -> None:
    """Of 20 predictions at once, with room for one, one is answered and 19 get 503; a probe gets 200."""
    with running({**ONE_WORKER, "DIGITS_MAX_WAITING": "1"}) as server:
        (worker,) = server.wait_for_workers(1)
        with several(server, 21) as (probe, *clients):
            with stopped(worker):
                for client in clients:
                    client.sendall(post(seven))
                probe.sendall(HEALTH)
            assert statuses(probe, 1) == [200]
            assert sorted(statuses(client, 1)[0] for client in clients) == [200] + [503] * 19
        text = server.get("/metrics")[1]
    assert 'digits_rejected_images_total{reason="overloaded"} 19.0' in text
    assert 'digits_request_duration_seconds_count{method="POST",route="unmatched",status="503"} 19.0' in text


def test_what_comes_together_is_one_batch(seven: bytes) -> None:
    """Of eight predictions that are there at once, each is answered, and the network is run once."""
    with running(ONE_WORKER) as server:
        (worker,) = server.wait_for_workers(1)
        with several(server, 8) as clients:
            with stopped(worker):
                for client in clients:
                    client.sendall(post(seven))
            assert [statuses(client, 1) for client in clients] == [[200]] * 8
        text = server.get("/metrics")[1]
    assert 'digits_stage_duration_seconds_count{stage="decode"} 8.0' in text
    assert 'digits_stage_duration_seconds_count{stage="forward"} 1.0' in text


def test_a_thousand_requests_in_one_go(seven: bytes) -> None:
    """However many come together on one connection, each is answered, or turned away."""
    with running({**ONE_WORKER, "DIGITS_MAX_WAITING": "1"}) as server:
        (worker,) = server.wait_for_workers(1)
        with several(server, 2) as (other, client):
            with stopped(worker):
                other.sendall(post(seven) * 20)
                client.sendall(b"POST /nothing HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n" * 1000)
            assert set(statuses(client, 1000)) <= {404, 503}
            assert set(statuses(other, 20)) <= {200, 503}


def settled(server: Server, number: int) -> None:
    """Wait until a worker has read what was sent before: so many answers later it has."""
    for _ in range(number):
        assert server.get("/healthz")[0] == 200


def test_an_announced_body_takes_no_room(seven: bytes) -> None:
    """However much others announce and do not send, a large body is read."""
    with running(ONE_WORKER) as server, ExitStack() as stack:
        photo = big_photo()
        for _ in range(10):
            client = stack.enter_context(connected(server))
            client.sendall(b"POST /predict HTTP/1.1\r\nHost: a\r\nContent-Length: 33554432\r\n\r\n" + seven)
        settled(server, 3)
        with connected(server) as client:
            client.sendall(post(photo))
            assert statuses(client, 1)[0] in {200, 422}


def test_memory_for_large_bodies_is_bounded() -> None:
    """When two bodies that do not come on have filled the room, a third pushes out the first of them."""
    body = bytes(10_000_000)
    with running({**ONE_WORKER, "DIGITS_MAX_UPLOAD_BYTES": str(len(body))}) as server:
        with connected(server) as first, connected(server) as second, connected(server) as third:
            for client in (first, second):
                client.sendall(post(body)[:-1000])
                settled(server, 200)
            third.sendall(post(body))
            assert statuses(third, 1) == [415]
            assert statuses(first, 2) == [408]
            second.sendall(body[-1000:])
            assert statuses(second, 1) == [415]
        text = server.get("/metrics")[1]
    assert 'digits_request_duration_seconds_count{method="other",route="unmatched",status="408"} 1.0' in text


def test_a_client_is_let_go_while_its_photo_is_read() -> None:
    """With room for one connection, another client's takes its place; the worker goes on all the same."""
    with running({**ONE_WORKER, "GUNICORN_CMD_ARGS": "--worker-connections 1"}) as server:
        server.wait_for_workers(1)
        photo = big_photo()
        with connected(server) as client:
            client.sendall(post(photo))
            time.sleep(0.05)  # for the photo to be in its thread; were it not, the claim would hold as well
            with connected(server) as other:
                other.sendall(HEALTH)
                assert statuses(other, 1) == [200]
                time.sleep(1)  # for the thread to end, and to find its client gone
                other.sendall(HEALTH)
                assert statuses(other, 1) == [200]
        server.stop()
    assert not [line for line in server.log if "Booting worker" in line][1:]


def test_a_client_that_does_not_read_has_its_deadline() -> None:
    """What a client does not take is kept for it, but not for ever."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        client = socket.create_connection(listener.getsockname())
        accepted, address = listener.accept()
        connection = Connection(accepted, address, 5.0)
        connection.answering = True
        assert connection.send(b"x" * 50_000_000)
        assert connection.outgoing
        assert not connection.answering
        assert connection.deadline > time.monotonic() + REQUEST_SECONDS / 2
        client.close()
        accepted.close()
