"""The address of the client: the peer's, or the one that a trusted proxy forwards.

Each proxy appends the address of its own peer to X-Forwarded-For. The field is therefore read from right to
left, and only as far as trusted proxies wrote it: the client may have made up anything further left.
"""

from functools import lru_cache
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network

from service.settings import SettingsError

Address = IPv4Address | IPv6Address
Networks = tuple[IPv4Network | IPv6Network, ...]
# A customer of an internet provider usually gets a whole /64 network of IPv6 addresses.
IPV6_PREFIX_BITS = 64


def parse_networks(text: str) -> Networks:
    """Parse addresses and networks, separated by commas or spaces; raises SettingsError for anything else.

    >>> parse_networks("10.0.0.0/8, ::1")
    (IPv4Network('10.0.0.0/8'), IPv6Network('::1/128'))
    """
    try:
        return tuple(ip_network(part) for part in text.replace(",", " ").split())
    except ValueError:
        expected = "addresses or networks such as 10.0.0.0/8, separated by commas or spaces"
        raise SettingsError(f"DIGITS_TRUSTED_PROXIES must be {expected}, not {text!r}") from None


@lru_cache(4096)
def client_address(peer: str, forwarded_for: str, trusted: Networks) -> str:
    """Return the client's IPv4 address or its /64 network of IPv6.

    forwarded_for is the value of X-Forwarded-For; it counts only if the peer is trusted. A peer that is not
    an IP address is returned unchanged.

    >>> client_address("192.0.2.1", "203.0.113.7", ()), client_address("2001:db8::1", "", ())
    ('192.0.2.1', '2001:db8::/64')
    >>> client_address("10.0.0.1", "198.51.100.9, 203.0.113.7, 10.0.0.2", parse_networks("10.0.0.0/8"))
    '203.0.113.7'
    """
    address = _parse_address(peer)
    if address is None:
        return peer
    hops = forwarded_for.split(",") if forwarded_for else []
    while hops and any(address in network for network in trusted):
        previous = _parse_address(hops.pop())
        if previous is None:
            break
        address = previous
    if isinstance(address, IPv4Address):
        return str(address)
    return str(IPv6Network((int(address), IPV6_PREFIX_BITS), strict=False))


def _parse_address(text: str) -> Address | None:
    """Parse an address, with or without the port that some proxies add; return None for anything else.

    >>> _parse_address("[2001:db8::1]:443"), _parse_address(" 192.0.2.1:80"), _parse_address("?")
    (IPv6Address('2001:db8::1'), IPv4Address('192.0.2.1'), None)
    >>> _parse_address("::ffff:192.0.2.1")
    IPv4Address('192.0.2.1')
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
