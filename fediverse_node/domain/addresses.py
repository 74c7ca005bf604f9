"""Internet addresses of people who come here, and the networks for which moderators make rules.

An IPv4 address and its IPv6 form are the same one. Stored as hex digits, so that a network is a range of texts in
any database.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import Enum
from ipaddress import IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network

Network = IPv4Network | IPv6Network
_MAPPED = int(IPv6Address("::ffff:0:0"))


class Severity(Enum):
    """What is done about a network, in the words of Mastodon's API; the later, the harder."""

    ASK = "sign_up_requires_approval"
    NO_SIGN_UP = "sign_up_block"
    NO_ACCESS = "no_access"

    @property
    def weight(self) -> int:
        """The larger, the harder."""
        return list(Severity).index(self)


@dataclass(frozen=True, slots=True)
class AddressRule:
    """A network as the two ends of its range, and what is done about it."""

    low: int
    high: int
    severity: Severity
    expires_ms: int | None = None


def parse_network(text: str) -> Network | None:
    """An address, or a network in CIDR notation, as people write it (bits below the prefix are cut off); or None."""
    try:
        return ip_network(text.strip(), strict=False)
    except ValueError:
        return None


def is_everybody(network: Network) -> bool:
    """Whether a rule for it would lock out the whole world."""
    return network.prefixlen == 0


def pack(address: str) -> str | None:
    """32 hex digits; None for what is no address (a Unix socket has none)."""
    number = _number(address)
    return None if number is None else f"{number:032x}"


def unpack(packed: str) -> str:
    """The address as people write it."""
    address = IPv6Address(int(packed, 16))
    return str(address.ipv4_mapped or address)


def range_of(network: Network) -> tuple[int, int]:
    """The first and last address, as numbers of IPv6."""
    shift = _MAPPED if network.version == 4 else 0
    return int(network.network_address) + shift, int(network.broadcast_address) + shift


def packed_range(network: Network) -> tuple[str, str]:
    """The same as hex digits."""
    low, high = range_of(network)
    return f"{low:032x}", f"{high:032x}"


def severity_for(address: str, rules: Iterable[AddressRule], now_ms: int) -> Severity | None:
    """The hardest of the rules that hold for an address now."""
    number = _number(address)
    if number is None:
        return None
    found = (
        rule.severity
        for rule in rules
        if rule.low <= number <= rule.high and (rule.expires_ms is None or rule.expires_ms > now_ms)
    )
    return max(found, key=lambda severity: severity.weight, default=None)


def _number(address: str) -> int | None:
    try:
        parsed = ip_address(address.partition("%")[0])
    except ValueError:
        return None
    return int(parsed) + _MAPPED if parsed.version == 4 else int(parsed)
