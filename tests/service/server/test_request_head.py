"""Request heads: however a client writes the same request, the app is told the same."""

import json

import pytest

from tests.server import Server
from tests.service.server.raw_http import exchange

USUAL = (
    b"POST /echo?a=1&b=2 HTTP/1.1\r\n"
    b"Host: localhost:8080\r\n"
    b"Content-Type: text/plain\r\n"
    b"X-A: one,two\r\n"
    b"Content-Length: 4\r\n\r\n"
    b"body"
)
# What is written otherwise, and how: none of these has the form that is read without gunicorn's parser.
UNUSUAL = {
    "a percent sign in the path": (b"/echo", b"/%65ch%6f"),
    "an absolute target": (b" /echo", b" http://localhost:8080/echo"),
    "an empty line before": (b"POST", b"\r\nPOST"),
    "no space after a colon": (b"Type: ", b"Type:"),
    "two spaces after a colon": (b"Type: ", b"Type:  "),
    "a space after a value": (b"text/plain", b"text/plain "),
    "a tab after a colon": (b"Host: ", b"Host:\t"),
    "a field in two lines": (b"X-A: one,two", b"X-A: one\r\nX-A:  two"),
    "zeros before the length": (b"Length: 4", b"Length: 00000000004"),
}
BROWSERS = {
    "Firefox": b"""\
User-Agent: Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0
Accept: text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8
Accept-Language: en-US,en;q=0.5
Accept-Encoding: gzip, deflate, br, zstd
Referer: http://localhost:8080/
Origin: http://localhost:8080
DNT: 1
Connection: keep-alive
Upgrade-Insecure-Requests: 1
Sec-Fetch-Dest: document
Priority: u=0, i
""",
    "Chromium": b"""\
Connection: keep-alive
sec-ch-ua: "Chromium";v="128", "Not;A=Brand";v="24"
sec-ch-ua-mobile: ?0
sec-ch-ua-platform: "Linux"
User-Agent: Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/128.0.0.0
Accept: */*
Accept-Encoding: gzip, deflate, br, zstd
Cookie: a=b; c="d e"
""",
    "curl": b"User-Agent: curl/8.5.0\nAccept: */*\nX-Request-Id: 5f0c\n",
}


def environ(server: Server, request: bytes) -> dict[str, str]:
    """Return what the app is told of a request, but for the port that its client had."""
    (response,) = exchange(server, request)
    assert response.status == 200
    told: dict[str, str] = json.loads(response.body)
    return {name: value for name, value in told.items() if name != "REMOTE_PORT"}


@pytest.mark.parametrize("way", UNUSUAL)
def test_the_same_request_is_the_same_however_it_is_written(plain: Server, way: str) -> None:
    """Two ways of writing a request that mean the same by RFC 9112 give the app the same environ."""
    usual, otherwise = UNUSUAL[way]
    request = USUAL.replace(usual, otherwise)
    assert request != USUAL
    told, expected = environ(plain, request), environ(plain, USUAL)
    told["CONTENT_LENGTH"] = told["CONTENT_LENGTH"].lstrip("0")
    assert told == expected


@pytest.mark.parametrize("browser", BROWSERS)
def test_the_app_is_told_all_that_a_browser_says(plain: Server, browser: str) -> None:
    """Each field of a browser's head is in the environ, unchanged, however the spaces are written."""
    lines = BROWSERS[browser].splitlines()
    head = b"\r\n".join([b"GET /echo HTTP/1.1", b"Host: a", *lines])
    told = environ(plain, head + b"\r\n\r\n")
    for line in lines:
        name, value = line.decode().split(": ", 1)
        assert told[f"HTTP_{name.upper().replace('-', '_')}"] == value
    assert environ(plain, head.replace(b": ", b":  ") + b"\r\n\r\n") == told


@pytest.mark.parametrize(
    ("line", "name", "value"),
    [
        (b"X-A: 1\r\nX-A: 2", "HTTP_X_A", "1,2"),
        (b"X-A: \xe9", "HTTP_X_A", "\xe9"),
        (b"X_A: 1", "HTTP_X_A", None),
        (b"Script-Name: /a", "SCRIPT_NAME", ""),
        (b"Content-Type: a/b", "CONTENT_TYPE", "a/b"),
    ],
)
def test_a_field_means_what_the_standards_say(
    plain: Server, line: bytes, name: str, value: str | None
) -> None:
    """Lines of one name are a list; bytes are Latin-1; a name with an underscore can't pass for another."""
    told = environ(plain, b"GET /echo HTTP/1.1\r\nHost: a\r\n" + line + b"\r\n\r\n")
    assert told.get(name) == value
