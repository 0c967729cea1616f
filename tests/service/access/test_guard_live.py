"""API keys, rate limits and the metrics port of the real service with two workers."""

import http.client
import os
import signal
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from benchmarks.serving.server import free_ports
from tests.server import Server, running

KEY, NEXT = "the-key-of-last-year", "the-key-of-this-year"
CONNECTIONS = 8
GIVE_UP_SECONDS = 30


def status(connection: http.client.HTTPConnection, png: bytes, **headers: str) -> int:
    """Post an image, and return the answer's status."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    connection.request("POST", "/predict", png, {"Content-Type": "image/png", **named})
    answer = connection.getresponse()
    answer.read()
    return answer.status


@contextmanager
def connections(server: Server) -> Iterator[list[http.client.HTTPConnection]]:
    """Connections that are spread over both workers."""
    found = [server.connect() for _ in range(CONNECTIONS)]
    try:
        yield found
    finally:
        for connection in found:
            connection.close()


def test_a_burst_is_exact_over_all_workers(seven: bytes) -> None:
    """Of 400 requests over eight connections to two workers, exactly the 50 of the burst are answered."""
    limits = {"DIGITS_RATE_LIMIT": "0.001", "DIGITS_RATE_BURST": "50"}
    counts: Counter[int] = Counter()
    with running(limits) as server, connections(server) as clients:

        def post_some(connection: http.client.HTTPConnection) -> None:
            counts.update([status(connection, seven) for _ in range(400 // CONNECTIONS)])

        threads = [threading.Thread(target=post_some, args=(connection,)) for connection in clients]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        text = server.get("/metrics")[1]
    assert counts == {200: 50, 429: 350}
    refused = 'digits_request_duration_seconds_count{method="POST",route="/predict",status="429"} 350.0'
    assert refused in text


def wait_until(server: Server, png: bytes, key: str, wanted: int) -> None:
    """Wait until a key gets this status from every worker."""
    give_up = time.monotonic() + GIVE_UP_SECONDS
    while True:
        with connections(server) as clients:
            if {status(client, png, X_API_Key=key) for client in clients} == {wanted}:
                return
        assert time.monotonic() < give_up
        time.sleep(0.05)


def replace(path: Path, *keys: str) -> None:
    """Replace a file of keys atomically."""
    (path.parent / "new").write_text("".join(f"{key}\n" for key in keys))
    (path.parent / "new").replace(path)


def test_a_key_is_rotated_under_traffic(tmp_path: Path, seven: bytes) -> None:
    """The new key is added, clients move to it, the old key is removed: no request of theirs is refused.

    The old key stays invalid when a worker is replaced, even if the file is gone by then.
    """
    path = tmp_path / "keys"
    replace(path, KEY)
    with running({"DIGITS_API_KEY_FILE": str(path)}) as server, connections(server) as clients:
        victim = server.wait_for_workers(2)[0]
        key, stop, counts = [KEY], threading.Event(), Counter[int]()
        changed = threading.Barrier(4)

        def post_on(connection: http.client.HTTPConnection) -> None:
            for right in (KEY, NEXT):
                while key[0] == right and not stop.is_set():
                    counts[status(connection, seven, Authorization=f"Bearer {right}")] += 1
                if right == KEY:
                    changed.wait(GIVE_UP_SECONDS)

        threads = [threading.Thread(target=post_on, args=(connection,)) for connection in clients[:3]]
        for thread in threads:
            thread.start()
        wait_until(server, seven, NEXT, 401)
        replace(path, KEY, NEXT)
        wait_until(server, seven, NEXT, 200)
        key[0] = NEXT
        changed.wait(GIVE_UP_SECONDS)
        replace(path, NEXT)
        wait_until(server, seven, KEY, 401)
        stop.set()
        for thread in threads:
            thread.join()
        assert set(counts) == {200}
        path.unlink()
        assert {status(client, seven, X_API_Key=NEXT) for client in clients} == {200}
        os.kill(victim, signal.SIGKILL)
        server.wait_for_workers(1)
        with connections(server) as others:
            assert {status(client, seven, X_API_Key=KEY) for client in others} == {401}
    log = "".join(server.log)
    assert "DIGITS_API_KEY_FILE was read again; number of keys: 2" in log
    assert KEY not in log
    assert NEXT not in log


def test_a_reload_survives_a_missing_file(tmp_path: Path, seven: bytes) -> None:
    """A reload while the file of keys is missing ends nothing; once it is back, its keys are valid."""
    path = tmp_path / "keys"
    replace(path, KEY)
    with running({"DIGITS_API_KEY_FILE": str(path)}) as server:
        server.wait_for_workers(2)
        path.unlink()
        server.process.send_signal(signal.SIGHUP)
        server.wait_for_workers(2)
        replace(path, NEXT)
        wait_until(server, seven, NEXT, 200)


@pytest.mark.parametrize(("trusted", "answered"), [("", 2), ("127.0.0.0/8", 6)], ids=["nobody", "loopback"])
def test_an_address_is_believed_to_trusted_proxies_alone(seven: bytes, trusted: str, answered: int) -> None:
    """Six made-up addresses in X-Forwarded-For are one client, unless the peer is a trusted proxy."""
    limits = {"DIGITS_RATE_LIMIT": "0.001", "DIGITS_RATE_BURST": "2", "DIGITS_TRUSTED_PROXIES": trusted}
    with running(limits) as server, connections(server) as clients:
        statuses = Counter(
            status(clients[last], seven, X_Forwarded_For=f"203.0.113.{last}") for last in range(6)
        )
    assert statuses[200] == answered


def test_metrics_have_a_port_of_their_own(seven: bytes) -> None:
    """With DIGITS_METRICS_PORT, /metrics is on that port only, which serves nothing else but the probes."""
    port, _ = free_ports()
    with running({"DIGITS_METRICS_PORT": str(port)}) as server:
        main = server.connect()
        metrics = http.client.HTTPConnection("127.0.0.1", port, timeout=GIVE_UP_SECONDS)
        assert (status(main, seven), status(metrics, seven)) == (200, 404)
        for path, on_main, on_metrics in [
            ("/metrics", 404, 200),
            ("/healthz", 200, 200),
            ("/readyz", 200, 200),
            ("/model", 200, 404),
            ("/", 200, 404),
            ("/nothing", 404, 404),
        ]:
            for connection, wanted in ((main, on_main), (metrics, on_metrics)):
                connection.request("GET", path)
                answer = connection.getresponse()
                answer.read()
                assert answer.status == wanted, path
        for method in ("POST", "OPTIONS", "HEAD"):
            main.request(method, "/metrics")
            refused = main.getresponse()
            refused.read()
            assert refused.status == 404, method
        metrics.request("GET", "/metrics")
        text = metrics.getresponse().read().decode()
        for connection in (main, metrics):
            connection.close()
    assert 'digits_predictions_total{digit="7"} 1.0' in text


def test_a_page_of_an_allowed_origin_reads_responses(seven: bytes) -> None:
    """The preflight passes without a key; the page can read the response, and an error, too."""
    origin = "https://app.example"
    with running({"DIGITS_CORS_ORIGINS": origin, "DIGITS_API_KEY": KEY}) as server:
        connection = server.connect()
        asks = {"Access-Control-Request-Method": "POST", "Access-Control-Request-Headers": "x-api-key"}
        for method, headers, wanted in [
            ("OPTIONS", asks, 200),
            ("POST", {"X-API-Key": KEY, "Content-Type": "image/png"}, 200),
            ("POST", {}, 401),
        ]:
            body = seven if method == "POST" else None
            connection.request(method, "/predict", body, {"Origin": origin, **headers})
            answer = connection.getresponse()
            answer.read()
            assert answer.status == wanted
            assert answer.headers.get_all("Access-Control-Allow-Origin") == [origin]
        connection.close()


def test_a_service_without_its_keys_does_not_start(tmp_path: Path) -> None:
    """A missing file of keys ends the start with one sentence, instead of an open service."""
    with (
        pytest.raises(AssertionError, match=r"digits: DIGITS_API_KEY_FILE: .* can't be read: No such file"),
        running({"DIGITS_API_KEY_FILE": str(tmp_path / "keys")}),
    ):
        pass
