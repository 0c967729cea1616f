"""Clients that are slow, do not read, or vanish: others are answered, and nothing grows."""

import select
import socket
import struct
import sys
import time
from collections.abc import Callable
from contextlib import ExitStack, suppress
from pathlib import Path

import pytest

from tests.server import Server, running
from tests.service.server.raw_http import (
    HEALTH,
    ONE_WORKER,
    big_photo,
    connected,
    get,
    plain_server,
    post,
    statuses,
)

SECONDS = 30


def open_files(pid: int, kind: str = "") -> int:
    """Return how many files of a kind, such as `socket:`, a process has open."""
    links = []
    for entry in Path(f"/proc/{pid}/fd").iterdir():
        with suppress(FileNotFoundError):  # it was closed just now
            links.append(str(entry.readlink()))
    return sum(link.startswith(kind) for link in links)


def own_kilobytes(pid: int) -> int:
    """Return how much memory a process has that it shares with no file."""
    text = Path(f"/proc/{pid}/status").read_text(encoding="ascii")
    return int(text.partition("RssAnon:")[2].split()[0])


def wait_until(holds: Callable[[], bool]) -> None:
    """Wait for what must become true soon."""
    give_up = time.monotonic() + SECONDS
    while not holds():
        assert time.monotonic() < give_up
        time.sleep(0.02)


def vanish(server: Server, sent: bytes) -> None:
    """Send something, and reset the connection."""
    client = socket.create_connection(("127.0.0.1", server.port), timeout=SECONDS)
    client.sendall(sent)
    client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    client.close()


def test_clients_that_vanish_leave_nothing() -> None:
    """1,000 connections, and 150 that are reset half way, leave no file open, and take no memory for good."""
    large = post(bytes(500_000), "/late")
    with plain_server() as server:
        (worker,) = server.wait_for_workers(1)
        idle = open_files(worker, "socket:")
        rounds = []
        for _ in range(2):
            for number in range(500):
                with connected(server) as client:
                    client.sendall(get("/late"))
                    assert statuses(client, 1) == [201]
                if number % 20 < 3:
                    vanish(server, [large, large[:-1], HEALTH[:-1]][number % 20])
            wait_until(lambda: open_files(worker, "socket:") == idle)
            rounds.append((open_files(worker), own_kilobytes(worker)))
        assert rounds[1][0] == rounds[0][0]
        assert rounds[1][1] - rounds[0][1] < 20_000
        server.stop()
    assert not [line for line in server.log if "Traceback" in line]


def test_slow_heads_and_bodies_hold_up_nobody(seven: bytes) -> None:
    """While 100 clients send a head byte by byte, and 100 a body, another one is answered again and again."""
    with running() as server, ExitStack() as stack:
        slow = [stack.enter_context(connected(server)) for _ in range(200)]
        request = post(big_photo(), headers=f"X: {'a' * 2000}\r\n")
        for client in slow[::2]:
            client.sendall(request[:3000])
        honest = stack.enter_context(connected(server))
        for at in range(100):
            for number, client in enumerate(slow):
                byte = at if number % 2 else 3000 + at
                client.sendall(request[byte : byte + 1])
            honest.sendall(post(seven))
            assert statuses(honest, 1) == [200]


def test_of_too_many_connections_the_oldest_go() -> None:
    """With room for 20 connections and 60 incomplete heads, another client is answered; the oldest close."""
    with plain_server("--worker-connections", "20") as server, ExitStack() as stack:
        slow = []
        for _ in range(60):
            slow.append(stack.enter_context(connected(server)))
            slow[-1].sendall(get("/late")[:10])
        with connected(server) as client:
            client.sendall(post(b"body", "/late"))
            assert statuses(client, 1) == [201]
        for client in slow[:40]:
            with suppress(ConnectionResetError):  # where it was closed before its head was read
                assert client.recv(1) == b""
        slow[-1].sendall(get("/late")[10:])
        assert statuses(slow[-1], 1) == [201]


@pytest.mark.skipif(sys.platform != "linux", reason="ulimit counts otherwise elsewhere")
def test_files_do_not_run_out(tmp_path: Path, seven: bytes) -> None:
    """With a limit of 100 open files, 200 connections are accepted in turn, and one more is answered."""
    python = tmp_path / "python"
    python.write_text(f'#!/bin/sh\nulimit -n 100\nexec {sys.executable} "$@"\n', encoding="utf-8")
    python.chmod(0o755)
    with running(ONE_WORKER, python=str(python)) as server:
        with ExitStack() as stack:
            for _ in range(200):
                stack.enter_context(connected(server)).sendall(HEALTH[:10])
            with connected(server) as client:
                client.sendall(post(seven))
                assert statuses(client, 1) == [200]
        server.stop()
    assert not [line for line in server.log if "Traceback" in line]


def test_a_silent_connection_is_closed() -> None:
    """An idle connection is closed after the keep-alive time; one with requests stays open."""
    with plain_server("--keep-alive", "1") as server, connected(server) as silent, connected(server) as busy:
        for _ in range(4):
            busy.sendall(get("/late"))
            assert statuses(busy, 1) == [201]
            time.sleep(0.4)  # less than the second after which an idle connection is closed
        assert silent.recv(1) == b""


def test_an_incomplete_request_times_out() -> None:
    """It is answered 408 in time, though bytes of it still arrive; another client is served all the while."""
    with plain_server(request_seconds=1) as server, connected(server) as slow, connected(server) as honest:
        slow.sendall(post(bytes(1000), "/echo")[:-900])
        while not select.select([slow], [], [], 0.1)[0]:
            slow.sendall(b"\0")
            honest.sendall(get("/late"))
            assert statuses(honest, 1) == [201]
        assert b"RequestTimeoutError" in slow.recv(1000)


def test_a_response_that_is_not_taken_times_out() -> None:
    """Its connection is closed in time; a client that takes its responses keeps its own."""
    with plain_server(request_seconds=1) as server, connected(server) as honest, socket.socket() as deaf:
        (worker,) = server.wait_for_workers(1)
        honest.sendall(get("/late"))
        assert statuses(honest, 1) == [201]
        before = open_files(worker, "socket:")
        deaf.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        deaf.connect(("127.0.0.1", server.port))
        deaf.sendall(get("/large"))
        assert deaf.recv(1) == b"H"
        wait_until(lambda: open_files(worker, "socket:") == before)
        honest.sendall(get("/late"))
        assert statuses(honest, 1) == [201]


def test_responses_that_nobody_takes_are_bounded() -> None:
    """Of 12 clients that ask for 8 MB each and take nothing, those that asked first are closed."""
    with plain_server() as server, ExitStack() as stack:
        (worker,) = server.wait_for_workers(1)
        idle = open_files(worker, "socket:")
        honest = stack.enter_context(connected(server))
        for _ in range(12):
            client = stack.enter_context(socket.socket())
            client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            client.connect(("127.0.0.1", server.port))
            client.sendall(get("/large"))
            honest.sendall(get("/late"))
            assert statuses(honest, 1) == [201]
        wait_until(lambda: open_files(worker, "socket:") - idle < 10)
        honest.sendall(get("/late"))
        assert statuses(honest, 1) == [201]
