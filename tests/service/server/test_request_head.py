"""The quick reader of heads reads what gunicorn's parser reads, or leaves it to that."""

import pytest
from gunicorn.config import Config
from gunicorn.http.errors import InvalidHeader

from service.server.request_head import _unusual, _usual, read_head

CLIENT = ("127.0.0.1", 50000)
USUAL = [
    b"GET /healthz HTTP/1.1\r\nHost: localhost:8080\r\n\r\n",
    b"POST /predict?a=1&b=2 HTTP/1.1\r\nHost: a\r\nContent-Type: image/png\r\nContent-Length: 9\r\n\r\n",
    b"HEAD / HTTP/1.1\r\nHost: a\r\nAccept: text/html, */*;q=0.8\r\nUser-Agent: curl/8.0\r\n\r\n",
]
UNUSUAL = [
    b"GET /%2e HTTP/1.1\r\nHost: a\r\n\r\n",
    b"GET / HTTP/1.0\r\nHost: a\r\n\r\n",
    b"GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n",
    b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n",
    b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nExpect: 100-continue\r\n\r\n",
    b"GET / HTTP/1.1\r\nHost: a\r\nX-A: 1\r\nX-A: 2\r\n\r\n",
    b"GET / HTTP/1.1\r\nHost: a\r\nX_A: 1\r\n\r\n",
    b"GET / HTTP/1.1\r\nHost: a\r\nX-A:  \xe9\r\n\r\n",
]
REFUSED = [
    b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\n",
    b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: +5\r\n\r\n",
    b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n",
]


@pytest.mark.parametrize("data", USUAL)
def test_both_read_a_usual_head_alike(data: bytes) -> None:
    """A usual head is read at once, and means what gunicorn says it means."""
    assert _usual(data) == _unusual(data, Config(), CLIENT, 1)


@pytest.mark.parametrize("data", UNUSUAL)
def test_an_unusual_head_is_gunicorns(data: bytes) -> None:
    """What could mean more than it says is left to gunicorn."""
    assert _usual(data) is None
    assert read_head(data, Config(), CLIENT, 1).method in {"GET", "POST"}


@pytest.mark.parametrize("data", REFUSED)
def test_an_ambiguous_length_is_refused(data: bytes) -> None:
    """Two readers could disagree on where such a message ends: neither reads it."""
    assert _usual(data) is None
    with pytest.raises(InvalidHeader):
        read_head(data, Config(), CLIENT, 1)
