"""The event loop: requests in any pieces, clients that vanish or do not read, and overload."""

import json
import os
import signal
import socket
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

import pytest

from tests.server import Server, running
from tests.service.server.raw_http import HEALTH, ONE_WORKER, connected, get, plain_server, post, statuses

CHUNKED = b"POST /predict HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"
TOO_LARGE = b"POST /predict HTTP/1.1\r\nHost: a\r\nContent-Length: 99999999\r\n\r\n"


def test_a_request_may_come_in_pieces(server: Server, seven: bytes) -> None:
    """A request sent byte by byte is answered as if it came at once."""
    with connected(server) as client:
        client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for byte in post(seven):
            client.sendall(bytes([byte]))
        assert statuses(client, 1) == [200]


def test_requests_may_be_pipelined(server: Server, seven: bytes) -> None:
    """Requests sent before their responses are answered one by one, in their order."""
    with connected(server) as client:
        client.sendall(HEALTH + post(seven) + post(b"no picture") + HEALTH)
        assert statuses(client, 4) == [200, 200, 415, 200]


def test_a_client_may_close_its_side(server: Server, seven: bytes) -> None:
    """A client that closes its side after a request still gets the response."""
    with connected(server) as client:
        client.sendall(post(seven))
        client.shutdown(socket.SHUT_WR)
        assert statuses(client, 1) == [200]


def test_an_expectation_is_answered_before_the_body(server: Server, seven: bytes) -> None:
    """Expect: 100-continue is answered before the client sends the body."""
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
        (CHUNKED, 411),
        (TOO_LARGE, 413),
    ],
)
def test_a_refused_request_closes_the_connection(server: Server, request_: bytes, status: int) -> None:
    """A request that is refused before its body is read gets problem details, and the connection closes."""
    with connected(server) as client:
        client.sendall(request_)
        answer = b"".join(iter(lambda: client.recv(65536), b""))
    head, _, body = answer.partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 %d " % status)
    assert b"application/problem+json" in head
    assert b"Connection: close" in head
    assert json.loads(body)["status"] == status


def test_stalled_clients_delay_nobody(server: Server, seven: bytes) -> None:
    """While 100 clients have sent half a request, another one is answered."""
    with ExitStack() as stack:
        for _ in range(100):
            stack.enter_context(connected(server)).sendall(post(seven)[:100])
        with connected(server) as client:
            client.sendall(post(seven) * 10)
            assert statuses(client, 10) == [200] * 10


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
    """Of 20 predictions at once, with room for one, one gets 200 and 19 get 503; a health check gets 200."""
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


def test_requests_that_wait_together_are_one_batch(seven: bytes) -> None:
    """Of eight predictions that arrive at once, each is answered, and the network runs once."""
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


def test_a_thousand_pipelined_requests() -> None:
    """However many requests arrive at once on one connection, each is answered or shed."""
    with plain_server(max_pending_requests=1) as server:
        (worker,) = server.wait_for_workers(1)
        with connected(server) as other, connected(server) as client:
            for each in (other, client):
                each.sendall(get("/late"))
                assert statuses(each, 1) == [201]
            with stopped(worker):
                other.sendall(post(b"", "/late") * 20)
                client.sendall(post(b"", "/late") * 1000)
            assert set(statuses(client, 1000)) <= {201, 503}
            assert set(statuses(other, 20)) <= {201, 503}


def test_an_announced_body_takes_no_memory() -> None:
    """However much other clients announce and do not send, a large body is received."""
    with plain_server(max_body_bytes=2**25) as server, ExitStack() as stack:
        for _ in range(10):
            client = stack.enter_context(connected(server))
            client.sendall(b"POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 33554432\r\n\r\nbegin")
        with connected(server) as client:
            for _ in range(3):
                client.sendall(get("/late"))
                assert statuses(client, 1) == [201]
            client.sendall(post(bytes(2**22), "/late"))
            assert statuses(client, 1) == [201]


def test_memory_for_large_bodies_is_bounded() -> None:
    """When two bodies that stall have filled the memory budget, a third evicts the first of them with 408."""
    body = bytes(10_000_000)
    with running({**ONE_WORKER, "DIGITS_MAX_UPLOAD_BYTES": str(len(body))}) as server:
        with connected(server) as first, connected(server) as second, connected(server) as third:
            for client in (first, second):
                client.sendall(post(body)[:-1000])
                # By so many responses later the worker has received that.
                assert {server.get("/healthz")[0] for _ in range(200)} == {200}
            third.sendall(post(body))
            assert statuses(third, 1) == [415]
            assert statuses(first, 2) == [408]
            second.sendall(body[-1000:])
            assert statuses(second, 1) == [415]
        text = server.get("/metrics")[1]
    assert 'digits_request_duration_seconds_count{method="other",route="unmatched",status="408"} 1.0' in text


def test_a_client_is_evicted_while_a_thread_answers_it() -> None:
    """With room for one connection, another client's takes its place; the worker goes on all the same."""
    with plain_server("--worker-connections", "1") as server:
        with connected(server) as client:
            client.sendall(post(bytes(1000), "/slow?0.3"))
            time.sleep(0.05)  # for the request to be in its thread; were it not, the claim would hold as well
            with connected(server) as other:
                other.sendall(get("/late"))
                assert statuses(other, 1) == [201]
                time.sleep(0.5)  # for the thread to end, and to find its client gone
                other.sendall(get("/late"))
                assert statuses(other, 1) == [201]
            with suppress(ConnectionResetError):
                assert client.recv(1) == b""
        server.stop()
    assert sum("Booting worker" in line for line in server.log) == 1


def test_a_client_is_read_again_after_a_thread_answered_it() -> None:
    """Requests sent while a thread answers the first one wait, and are answered after it, in their order."""
    with plain_server() as server, connected(server) as client:
        client.sendall(post(bytes(1000), "/slow?0.1"))
        time.sleep(0.05)  # for the request to be in its thread; were it not, the claim would hold as well
        client.sendall(get("/late") + get("/no-content"))
        assert statuses(client, 3) == [200, 201, 204]
        client.sendall(get("/late"))
        assert statuses(client, 1) == [201]
