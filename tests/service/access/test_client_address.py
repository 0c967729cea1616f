"""The client's address: only trusted proxies can forward one."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.access.client_address import client_address, parse_networks

PROXIES = parse_networks("10.0.0.0/8, 2001:db8:ffff::/48")


@pytest.mark.parametrize(
    ("peer", "forwarded", "client"),
    [
        ("192.0.2.1", "", "192.0.2.1"),
        ("192.0.2.1", "203.0.113.7", "192.0.2.1"),
        ("10.0.0.1", "203.0.113.7", "203.0.113.7"),
        ("10.0.0.1", "1.1.1.1, 203.0.113.7", "203.0.113.7"),
        ("10.0.0.1", "203.0.113.7, 10.0.0.2,10.1.2.3", "203.0.113.7"),
        ("10.0.0.1", "10.9.9.9, 10.0.0.2", "10.9.9.9"),
        ("10.0.0.1", "", "10.0.0.1"),
        ("10.0.0.1", "203.0.113.7, unknown", "10.0.0.1"),
        ("10.0.0.1", "203.0.113.7, unknown, 10.0.0.2", "10.0.0.2"),
        ("10.0.0.1", "203.0.113.7:4711", "203.0.113.7"),
        ("10.0.0.1", "[2001:db8:1:2::3]:443", "2001:db8:1:2::/64"),
        ("10.0.0.1", "::ffff:203.0.113.7", "203.0.113.7"),
        ("::ffff:10.0.0.1", "203.0.113.7", "203.0.113.7"),
        ("2001:db8:ffff::1", "203.0.113.7", "203.0.113.7"),
        ("2001:db8:1:2:3:4:5:6", "203.0.113.7", "2001:db8:1:2::/64"),
        ("fe80::1%eth0", "", "fe80::/64"),
        ("", "203.0.113.7", ""),
    ],
)
def test_the_client_is_the_rightmost_address_that_is_no_trusted_proxy(
    peer: str, forwarded: str, client: str
) -> None:
    """X-Forwarded-For counts from a trusted peer only, from the right, as far as trusted proxies wrote it."""
    assert client_address(peer, forwarded, PROXIES) == client


@given(st.text(max_size=60))
def test_what_a_client_writes_changes_nothing(text: str) -> None:
    """Any text that the client puts into X-Forwarded-For leaves the address that the proxy saw."""
    assert client_address("10.0.0.1", f"{text}, 203.0.113.7", PROXIES) == "203.0.113.7"
    assert client_address("192.0.2.1", text, PROXIES) == "192.0.2.1"


def test_an_ipv6_client_is_its_network() -> None:
    """IPv6 addresses with the same first 64 bits are one client; others are not."""
    same = {client_address(f"2001:db8:1:2::{last}", "", ()) for last in range(10)}
    assert same == {"2001:db8:1:2::/64"}
    assert client_address("2001:db8:1:3::1", "", ()) not in same
