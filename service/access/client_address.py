"""Where a request comes from: the peer's address, or what a proxy that is trusted says of it.

Each proxy appends the address that it was asked from to X-Forwarded-For. So the field is read from its right,
and only as far as trusted proxies wrote it: what stands left of that, the client may have made up.
"""

from functools import lru_cache
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network

Address = IPv4Address | IPv6Address
Networks = tuple[IPv4Network | IPv6Network, ...]
# Whoever has one IPv6 address has as many as this many bits leave.
IPV6_BITS = 64


def networks(text: str) -> Networks:
    """Read addresses and networks, separated by commas or spaces; raises ValueError for anything else.

    >>> networks("10.0.0.0/8, ::1")
    (IPv4Network('10.0.0.0/8'), IPv6Network('::1/128'))
    """
    return tuple(ip_network(part) for part in text.replace(",", " ").split())


@lru_cache(4096)
def origin(peer: str, forwarded: str, trusted: Networks) -> str:
    """Return the client: an IPv4 address or an IPv6 network of 64 bits; what is no address, as it is.

    forwarded is the value of X-Forwarded-For; it counts if the peer is trusted.

    >>> origin("192.0.2.1", "203.0.113.7", ()), origin("2001:db8::1", "", ())
    ('192.0.2.1', '2001:db8::/64')
    >>> origin("10.0.0.1", "198.51.100.9, 203.0.113.7, 10.0.0.2", networks("10.0.0.0/8"))
    '203.0.113.7'
    """
    here = _address(peer)
    if here is None:
        return peer
    hops = forwarded.split(",") if forwarded else []
    while hops and any(here in network for network in trusted):
        before = _address(hops.pop())
        if before is None:
            break
        here = before
    if isinstance(here, IPv4Address):
        return str(here)
    return f"{IPv6Address(int(here) >> 128 - IPV6_BITS << 128 - IPV6_BITS)}/{IPV6_BITS}"


def _address(text: str) -> Address | None:
    """Read an address, with or without the port that some proxies add.

    >>> _address("[2001:db8::1]:443"), _address(" 192.0.2.1:80"), _address("::ffff:192.0.2.1"), _address("?")
    (IPv6Address('2001:db8::1'), IPv4Address('192.0.2.1'), IPv4Address('192.0.2.1'), None)
    """
    text = text.strip()
    if text.startswith("["):
        text = text[1:].partition("]")[0]
    elif text.count(":") == 1:
        text = text.partition(":")[0]
    try:
        address = ip_address(text)
    except ValueError:
        return None
    return (isinstance(address, IPv6Address) and address.ipv4_mapped) or address
