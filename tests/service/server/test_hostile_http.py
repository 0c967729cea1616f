"""Malformed and ambiguous HTTP: each request is answered once, nothing smuggled is, and the workers survive.

A row is what is sent, the statuses that come back, and whether the connection stays open for another request.
"""

import json
import socket
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.server import Server, running
from tests.service.server.raw_http import HEALTH, ONE_WORKER, big_photo, connected, exchange, responses

# What would be a second request to whoever takes it for one.
SMUGGLED = HEALTH
OPEN, CLOSED = True, False


def get(line: str = "GET /healthz HTTP/1.1", *fields: str, host: str | None = "Host: a") -> bytes:
    """Write a request without a body; characters are Latin-1."""
    return "\r\n".join([line, *([] if host is None else [host]), *fields, "", ""]).encode("latin-1")


def post(*fields: str, body: bytes = b"", path: str = "/predict", version: str = "1.1") -> bytes:
    """Write a post of these header fields: no length is added."""
    return get(f"POST {path} HTTP/{version}", "Content-Type: image/png", *fields) + body


def length(text: str, body: bytes = b"12345" + SMUGGLED) -> bytes:
    """Write a post of five bytes with this length, right or wrong, and another request after it."""
    return post(f"Content-Length:{text}", body=body)


def coded(*fields: str, version: str = "1.1") -> bytes:
    """Write a post with a transfer coding, and a request where its body is over, to some."""
    return post(*fields, body=b"0\r\n\r\n" + SMUGGLED, version=version)


CHUNKED = "Transfer-Encoding: chunked"
TLS = bytes.fromhex("16030100c8010000c40303") + bytes(range(32)) + b"\r\n\r\n" * 2
ROWS: dict[str, tuple[bytes, list[int], bool]] = {
    # Sizes.
    "long target": (get(f"GET /{'a' * 5000} HTTP/1.1"), [414], CLOSED),
    "endless target": (b"GET /" + b"a" * 40_000, [414], CLOSED),
    "long query": (get(f"GET /healthz?{'a' * 3000} HTTP/1.1"), [200], OPEN),
    "long field": (get("GET /healthz HTTP/1.1", f"X: {'a' * 9000}"), [431], CLOSED),
    "long name": (get("GET /healthz HTTP/1.1", f"{'x' * 9000}: a"), [431], CLOSED),
    "many fields": (get("GET /healthz HTTP/1.1", *(f"X-{i}: a" for i in range(101))), [431], CLOSED),
    "100 fields": (get("GET /healthz HTTP/1.1", *(f"X-{i}: a" for i in range(99))), [200], OPEN),
    "long head": (get("GET /healthz HTTP/1.1", *(f"X-{i}: {'a' * 8000}" for i in range(5))), [431], CLOSED),
    "endless head": (b"GET / HTTP/1.1\r\n" + b"X: a\r\n" * 6000, [431], CLOSED),
    # Content-Length.
    "right length": (length(" 5"), [415, 200], OPEN),
    "spaces around a length": (length(" \t 5 \t"), [415, 200], OPEN),
    "no length": (post(), [400], OPEN),
    "length 0": (length(" 0", b""), [400], OPEN),
    "leading zeros": (length(" 0005"), [415, 200], OPEN),
    # The fifth byte begins another request: 5GET is a method, though none that is known.
    "short length": (length(" 4"), [415, 405], OPEN),
    "negative length": (length(" -5"), [400], CLOSED),
    "signed length": (length(" +5"), [400], CLOSED),
    "fraction": (length(" 5.0"), [400], CLOSED),
    "hexadecimal length": (length(" 0x5"), [400], CLOSED),
    "underscored length": (length(" 0_5"), [400], CLOSED),
    "spaced length": (length(" 5 5"), [400], CLOSED),
    "list of lengths": (length(" 5, 5"), [400], CLOSED),
    "empty length": (length(""), [400], CLOSED),
    "a digit in Latin-1": (length(" \xb2"), [400], CLOSED),
    "huge length": (length(" 99999999999999999999"), [413], CLOSED),
    "length of 5,000 digits": (length(" " + "9" * 5000), [400], CLOSED),
    "too large": (length(" 33554433"), [413], CLOSED),
    "twice the same length": (post("Content-Length: 5", "Content-Length: 5", body=b"12345"), [400], CLOSED),
    "two lengths": (post("Content-Length: 5", "Content-Length: 0", body=b"12345"), [400], CLOSED),
    "name with an underscore": (post("Content_Length: 5", body=SMUGGLED), [400, 200], OPEN),
    "CL.0 to a route for GET": (get("GET /healthz HTTP/1.1", "Content-Length: 34") + SMUGGLED, [200], OPEN),
    "CL.0 to no route": (post("Content-Length: 34", path="/no", body=SMUGGLED), [404], OPEN),
    "CL.0 to the wrong method": (post("Content-Length: 34", path="/healthz", body=SMUGGLED), [405], OPEN),
    # Transfer-Encoding.
    "chunked": (coded(CHUNKED), [411], CLOSED),
    "chunked to a route for GET": (get("GET /healthz HTTP/1.1", CHUNKED) + SMUGGLED, [200], CLOSED),
    "chunked under /v2": (
        get("POST /v2/models/digits/infer HTTP/1.1", "Content-Type: application/json", CHUNKED) + SMUGGLED,
        [411],
        CLOSED,
    ),
    "CL.TE": (coded("Content-Length: 5", CHUNKED), [400], CLOSED),
    "TE.CL": (coded(CHUNKED, "Content-Length: 5"), [400], CLOSED),
    "TE.TE": (coded(CHUNKED, CHUNKED), [400], CLOSED),
    "TE.TE, one unknown": (coded(CHUNKED, "Transfer-Encoding: x"), [411], CLOSED),
    "chunked twice": (coded("Transfer-Encoding: chunked, chunked"), [400], CLOSED),
    "not chunked in the end": (coded("Transfer-Encoding: chunked, gzip"), [400], CLOSED),
    "identity": (coded("Transfer-Encoding: identity"), [400], CLOSED),
    "empty coding": (coded("Transfer-Encoding:"), [411], CLOSED),
    "unknown coding": (coded("Transfer-Encoding: xchunked"), [411], CLOSED),
    "quoted coding": (coded('Transfer-Encoding: "chunked"'), [411], CLOSED),
    "coding with a tab": (coded("Transfer-Encoding:\tchunked"), [411], CLOSED),
    "coding with a vertical tab": (coded("Transfer-Encoding:\x0bchunked"), [400], CLOSED),
    "space before the colon": (coded("Transfer-Encoding : chunked"), [400], CLOSED),
    "coding in capitals": (coded("TRANSFER-ENCODING: CHUNKED"), [411], CLOSED),
    "coding in a folded line": (coded("X: a", " Transfer-Encoding: chunked"), [400], CLOSED),
    "coding in HTTP/1.0": (coded(CHUNKED, version="1.0"), [400], CLOSED),
    # Lines and characters.
    "folded line": (get("GET /healthz HTTP/1.1", "X: a", " b"), [400], CLOSED),
    "bare line feeds": (b"GET /healthz HTTP/1.1\nHost: a\n\n", [400], CLOSED),
    "one bare line feed": (b"GET /healthz HTTP/1.1\r\nHost: a\nX: b\r\n\r\n", [400], CLOSED),
    "bare line feed in a length": (b"POST / HTTP/1.1\r\nX: a\nContent-Length: 5\r\n\r\n", [400], CLOSED),
    "bare carriage return": (get("GET /healthz HTTP/1.1", "X: a\rY: b"), [400], CLOSED),
    "NUL in a value": (get("GET /healthz HTTP/1.1", "X: a\0b"), [400], CLOSED),
    "NUL in a name": (get("GET /healthz HTTP/1.1", "X\0: a"), [400], CLOSED),
    "NUL in the target": (get("GET /health\0z HTTP/1.1"), [400], CLOSED),
    "NULs": (bytes(100), [400], CLOSED),
    "not ASCII in a value": (get("GET /healthz HTTP/1.1", "X: \xe9"), [200], OPEN),
    "not ASCII in a name": (get("GET /healthz HTTP/1.1", "\xe9: a"), [400], CLOSED),
    "not ASCII in the target": (get("GET /\xe9 HTTP/1.1"), [400], CLOSED),
    "no colon": (get("GET /healthz HTTP/1.1", "X"), [400], CLOSED),
    "no name": (get("GET /healthz HTTP/1.1", ": a"), [400], CLOSED),
    "name in brackets": (get("GET /healthz HTTP/1.1", "[X]: a"), [400], CLOSED),
    "empty line before": (b"\r\n" + HEALTH, [200], OPEN),
    "two empty lines before": (b"\r\n\r\n" + HEALTH, [400], CLOSED),
    # The first line.
    "HTTP/0.9": (b"GET /healthz\r\n", [400], CLOSED),
    "HTTP/1.0": (get("GET /healthz HTTP/1.0") + SMUGGLED, [200], CLOSED),
    "HTTP/1.0 without a host": (get("GET /healthz HTTP/1.0", host=None), [200], CLOSED),
    "HTTP/1.0 that is kept": (get("GET /healthz HTTP/1.0", "Connection: keep-alive"), [200], OPEN),
    "HTTP/1.2": (get("GET /healthz HTTP/1.2"), [200], OPEN),
    "HTTP/2": (b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", [400], CLOSED),
    "HTTP/1.10": (get("GET /healthz HTTP/1.10"), [400], CLOSED),
    "version in small letters": (get("GET /healthz http/1.1"), [400], CLOSED),
    "method in small letters": (get("get /healthz HTTP/1.1"), [400], CLOSED),
    "unknown method": (get("BREW /healthz HTTP/1.1"), [405], OPEN),
    "long method": (get(f"{'A' * 30} /healthz HTTP/1.1"), [400], CLOSED),
    "TRACE": (get("TRACE /healthz HTTP/1.1"), [405], OPEN),
    "two spaces": (get("GET  /healthz HTTP/1.1"), [400], CLOSED),
    "four words": (get("GET /healthz x HTTP/1.1"), [400], CLOSED),
    "absolute form": (get("GET http://b/healthz HTTP/1.1"), [200], OPEN),
    "authority form": (get("GET a:80 HTTP/1.1"), [400], CLOSED),
    "CONNECT": (get("CONNECT a:443 HTTP/1.1") + SMUGGLED, [404], CLOSED),
    "asterisk": (get("OPTIONS * HTTP/1.1"), [404], OPEN),
    "asterisk without OPTIONS": (get("GET * HTTP/1.1"), [400], CLOSED),
    "no slash": (get("GET healthz HTTP/1.1"), [400], CLOSED),
    "two slashes": (get("GET //healthz HTTP/1.1"), [200], OPEN),
    "NUL in percent": (get("GET /%00 HTTP/1.1"), [404], OPEN),
    "not UTF-8 in percent": (get("GET /%ff%fe?%ff HTTP/1.1"), [404], OPEN),
    # Hosts.
    "no host": (get(host=None), [400], CLOSED),
    "no host among usual fields": (get("GET /healthz HTTP/1.1", "Accept: a", host=None), [400], CLOSED),
    "two hosts": (get("GET /healthz HTTP/1.1", "Host: b"), [400], CLOSED),
    "twice the same host": (get("GET /healthz HTTP/1.1", "Host: a"), [400], CLOSED),
    "empty host": (get(host="Host:"), [200], OPEN),
    "host with a path": (get(host="Host: a/b"), [400], CLOSED),
    "host with a user": (get(host="Host: a@b"), [400], CLOSED),
    "two words for a host": (get(host="Host: a b"), [400], CLOSED),
    "IPv6 host": (get(host="Host: [::1]:8080"), [200], OPEN),
    # Fields that have a say in what follows.
    "close": (get("GET /healthz HTTP/1.1", "Connection: close") + SMUGGLED, [200], CLOSED),
    "close in a list": (get("GET /healthz HTTP/1.1", "Connection: X, Close") + SMUGGLED, [200], CLOSED),
    "close in a second line": (
        get("GET /healthz HTTP/1.1", "Connection: keep-alive", "Connection: close") + SMUGGLED,
        [200],
        CLOSED,
    ),
    "upgrade": (get("GET /healthz HTTP/1.1", "Connection: upgrade", "Upgrade: h2c"), [200], OPEN),
    "trailers": (get("GET /healthz HTTP/1.1", "TE: trailers", "Trailer: X"), [200], OPEN),
    "go on": (length(" 5\r\nExpect: 100-continue"), [415, 200], OPEN),
    "unknown expectation": (length(" 5\r\nExpect: tea"), [417], CLOSED),
    "schemes that differ": (
        get("GET /healthz HTTP/1.1", "X-Forwarded-Proto: https", "X-Forwarded-Ssl: off"),
        [400],
        CLOSED,
    ),
    # Other protocols, and many at once.
    "TLS": (TLS, [400], CLOSED),
    "SSH": (b"SSH-2.0-OpenSSH_9.6\r\n", [400], CLOSED),
    "PROXY protocol 1": (b"PROXY TCP4 10.0.0.1 10.0.0.2 1 2\r\n" + HEALTH, [400], CLOSED),
    "PROXY protocol 2": (b"\r\n\r\n\0\r\nQUIT\n" + bytes(20), [400], CLOSED),
    "SMTP": (b"EHLO a\r\n", [400], CLOSED),
    "pipeline": (HEALTH * 100, [200] * 100, OPEN),
    "pipeline with a fault": (HEALTH * 3 + b"nonsense\r\n\r\n" + HEALTH * 3, [200] * 3 + [400], CLOSED),
}


@pytest.fixture(scope="module")
def attacked() -> Iterator[Server]:
    """A service of two workers, which survive and log no error."""
    with running() as server:
        workers = server.wait_for_workers(2)
        yield server
        assert all(Path(f"/proc/{worker}").exists() for worker in workers)
        server.stop()
    complaints = [line for line in server.log if '"level": "error"' in line or "Traceback" in line]
    assert not complaints
    assert "".join(server.log).count("Booting worker") == 2


@pytest.mark.parametrize("name", ROWS)
def test_each_request_is_answered_once(attacked: Server, name: str) -> None:
    """Each request gets one response of the right status; a connection that can't be trusted is closed."""
    sent, statuses, stays = ROWS[name]
    with connected(attacked) as client:
        client.sendall(sent)
        if stays:
            # The server would wait for more: it gets one more, and the end.
            client.sendall(HEALTH)
            client.shutdown(socket.SHUT_WR)
        found = responses(client)
    expected = [*statuses, *([200] if stays else [])]
    assert [answer.status for answer in found] == expected
    assert ("connection: close" in found[-1].head) == (not stays)
    for answer in found:
        assert "connection: close" not in answer.head or answer is found[-1]
        if answer.status >= 400 and "application/json" not in answer.head:
            assert "content-type: application/problem+json" in answer.head
            assert json.loads(answer.body)["status"] == answer.status
            assert "x-request-id: " in answer.head


def test_who_closes_its_side_gets_all_its_answers(attacked: Server) -> None:
    """A client that closes its side after many requests, or after one in a thread, gets all responses."""
    photo = big_photo()
    large = post(f"Content-Length: {len(photo)}", body=photo)
    assert [answer.status for answer in exchange(attacked, HEALTH * 200)] == [200] * 200
    found = [answer.status for answer in exchange(attacked, large + HEALTH * 3)]
    assert found[0] in {200, 422}
    assert found[1:] == [200] * 3
    # An incomplete request is not answered.
    assert exchange(attacked, large[:-1]) == []
    assert exchange(attacked, HEALTH[:-1]) == []


def test_refusals_are_counted_and_logged() -> None:
    """All 200 are counted; the log names error and client of some in each second, and counts the others."""
    with running(ONE_WORKER) as server:
        for _ in range(200):
            exchange(server, b"nonsense\r\n\r\n")
        time.sleep(1.1)  # for the second to be over in which no more lines are written
        exchange(server, get(f"GET /{'a' * 5000} HTTP/1.1"))
        text = server.get("/metrics")[1]
        server.stop()
    counted = 'digits_request_duration_seconds_count{method="other",route="unmatched",status="%d"} %d.0'
    assert counted % (400, 200) in text
    assert counted % (414, 1) in text
    lines = [json.loads(line) for line in server.log]
    refused = [line for line in lines if line.get("status") in {400, 414}]
    assert {(line["route"], line["client"]) for line in refused} == {("unmatched", "127.0.0.1")}
    assert {line["error"] for line in refused} == {"InvalidRequestLine", "LimitRequestLine"}
    assert len(refused) + sum(line.get("left_out", 0) for line in refused) == 201
    assert len(refused) < 100
