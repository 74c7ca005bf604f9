"""Which IP addresses this server may connect to: only those of the public internet.

A URL in a federated message is a stranger's input, and whoever fetches it can be made to knock on doors that only
this machine can reach (SSRF). The list follows the IANA special-purpose registries. It does not resolve names: the
resolver and the socket factory ask it about each address at connect time.  spec: rfc6890#2.2
"""

from __future__ import annotations

from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address

# Python's `is_global` answers "yes" for these (registry entries that are "globally reachable" on paper, or newer than
# the Python in use), and none of them can be a server of the fediverse.
_REFUSED_V4 = tuple(
    IPv4Network(network)
    for network in (
        "0.0.0.0/8",
        "10.0.0.0/8",
        "100.64.0.0/10",
        "127.0.0.0/8",
        "169.254.0.0/16",
        "172.16.0.0/12",
        "192.0.0.0/24",
        "192.0.2.0/24",
        "192.31.196.0/24",
        "192.52.193.0/24",
        "192.88.99.0/24",
        "192.168.0.0/16",
        "192.175.48.0/24",
        "198.18.0.0/15",
        "198.51.100.0/24",
        "203.0.113.0/24",
        "224.0.0.0/4",
        "240.0.0.0/4",
    )
)
_REFUSED_V6 = tuple(
    IPv6Network(network)
    for network in (
        "2001::/23",  # Teredo, benchmarking, ORCHID and the other protocol assignments
        "2001:db8::/32",
        "2620:4f:8000::/48",
        "3fff::/20",
    )
)
# Outside of this block no unicast address is assigned to anybody: unique-local, link-local, site-local, multicast,
# v4-compatible, discard-only and segment-routing addresses all fall out here.
_UNICAST_V6 = IPv6Network("2000::/3")
_SIX_TO_FOUR = IPv6Network("2002::/16")
_NAT64 = IPv6Network("64:ff9b::/96")
_LOOPBACK_V4 = IPv4Network("127.0.0.0/8")
_LOOPBACK_V6 = IPv6Address("::1")


def is_allowed_address(address: str | IPv4Address | IPv6Address, *, loopback_allowed: bool) -> bool:
    """Whether a connection to `address` may be opened. Anything that is no address is refused.

    `loopback_allowed` (development mode) opens 127.0.0.0/8 and ::1, and nothing else.
    """
    if isinstance(address, str):
        try:
            address = ip_address(address)
        except ValueError:
            return False
    if is_loopback(address):
        return loopback_allowed
    if isinstance(address, IPv4Address):
        return _is_public_v4(address)
    return _is_public_v6(address)


def is_loopback(address: IPv4Address | IPv6Address) -> bool:
    """127.0.0.0/8 or ::1, in their plain forms only."""
    return address in _LOOPBACK_V4 if isinstance(address, IPv4Address) else address == _LOOPBACK_V6


def _is_public_v4(address: IPv4Address) -> bool:
    return address.is_global and not any(address in network for network in _REFUSED_V4)


def _is_public_v6(address: IPv6Address) -> bool:
    if address.scope_id is not None:
        return False
    inner = _embedded_v4(address)
    if inner is not None:
        return _is_public_v4(inner)
    return address in _UNICAST_V6 and address.is_global and not any(address in network for network in _REFUSED_V6)


def _embedded_v4(address: IPv6Address) -> IPv4Address | None:
    """The IPv4 address a packet to `address` really reaches, for the forms that still carry public traffic.

    v4-compatible addresses (::a.b.c.d), local-use NAT64 (64:ff9b:1::/48) and Teredo are refused whole.
    """
    if address.ipv4_mapped is not None:
        return address.ipv4_mapped
    if address in _NAT64:  # IPv6-only hosts reach every IPv4 peer through DNS64  # spec: rfc6052#2.1
        return IPv4Address(int(address) & 0xFFFF_FFFF)
    if address in _SIX_TO_FOUR:
        return address.sixtofour
    return None
