"""The server runs any app that keeps to PEP 3333, and none of the service's own."""

import json
import socket

import pytest

from tests.server import Server
from tests.service.server.raw_http import connected, exchange, get, post


@pytest.mark.parametrize(
    ("path", "status", "body"),
    [
        ("/late", 201, b"late"),
        ("/write", 200, b"written, then returned"),
        ("/replaced", 404, b"replaced"),
    ],
)
def test_an_app_answers_in_each_way_of_the_standard(
    plain: Server, path: str, status: int, body: bytes
) -> None:
    """It may call start_response when its body is iterated, write its body, or replace what it began."""
    (response,) = exchange(plain, get(path))
    assert (response.status, response.body) == (status, body)
    assert f"content-length: {len(body)}" in response.head
    assert "x-first" not in response.head


@pytest.mark.parametrize(
    ("path", "error"),
    [
        ("/too-late", b"KeyError"),
        ("/twice", b"RuntimeError"),
        ("/silent", b"RuntimeError"),
        ("/fails", b"KeyError"),
        ("/closing", b"KeyError"),
    ],
)
def test_an_app_that_fails_is_answered_early(plain: Server, path: str, error: bytes) -> None:
    """A failure in any step of the app is answered by one early response, and no part of the app's own.

    The connection closes, and other requests are answered.
    """
    (response,) = exchange(plain, get(path) + get("/late"))
    assert (response.status, response.body.split()[0]) == (400, error)
    assert "connection: close" in response.head
    assert [response.status for response in exchange(plain, get("/late"))] == [201]


def test_a_body_is_closed_though_it_fails(plain: Server) -> None:
    """An app's body is closed exactly once for each request."""
    before = int(exchange(plain, get("/closed"))[0].body)
    exchange(plain, get("/closing"))
    assert int(exchange(plain, get("/closed"))[0].body) == before + 1


def test_head_has_the_headers_of_get_and_no_body(plain: Server) -> None:
    """HEAD is answered with GET's length and without its body: the next response follows at once."""
    with connected(plain) as client:
        client.sendall(get("/write").replace(b"GET", b"HEAD") + get("/late"))
        client.shutdown(socket.SHUT_WR)
        head, _, rest = b"".join(iter(lambda: client.recv(65536), b"")).partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 200 ")
    assert b"\r\nContent-Length: 22" in head
    assert rest.startswith(b"HTTP/1.1 201 ")


def test_a_status_without_a_body_has_none(plain: Server) -> None:
    """What an app returns with 204 is not sent, nor a length for it: the next response follows."""
    first, second = exchange(plain, get("/no-content") + get("/late"))
    assert (first.status, "content-length" in first.head) == (204, False)
    assert (second.status, second.body) == (201, b"late")


def test_the_environ_is_the_standards(plain: Server) -> None:
    """The app is told method, path, query, fields and addresses by their names in PEP 3333."""
    (response,) = exchange(plain, post(b"body", "/echo?a=1", "X-Two-Words: yes\r\n"))
    environ = json.loads(response.body)
    expected = {
        "REQUEST_METHOD": "POST",
        "SCRIPT_NAME": "",
        "PATH_INFO": "/echo",
        "QUERY_STRING": "a=1",
        "SERVER_PROTOCOL": "HTTP/1.1",
        "SERVER_NAME": "127.0.0.1",
        "SERVER_PORT": str(plain.port),
        "REMOTE_ADDR": "127.0.0.1",
        "CONTENT_TYPE": "image/png",
        "CONTENT_LENGTH": "4",
        "HTTP_HOST": "a",
        "HTTP_X_TWO_WORDS": "yes",
        "wsgi.url_scheme": "http",
        "body": "body",
    }
    assert {name: environ.get(name) for name in expected} == expected
    assert "HTTP_CONTENT_LENGTH" not in environ
