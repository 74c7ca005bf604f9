"""How often one may ask: counters in this process, and the X-RateLimit-* headers.

spec: mastodon-client-api#rate-limits
Windows are fixed and begin for everybody at once, so a whole window's counters are dropped together. Several
processes each count for themselves. What apps see is the tightest counter that the request ran into.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from ipaddress import ip_address

from aiohttp import hdrs, web

from fediverse_node.base.config import Config
from fediverse_node.mastodon_api.errors import too_many_requests

_MINUTE_S = 60
# Strangers choose how many addresses they have; beyond this, counting starts anew.
_MOST_COUNTED = 200_000


@dataclass(frozen=True, slots=True)
class Limit:
    """At most `count` within `window_s` seconds."""

    name: str
    count: int
    window_s: int


PER_USER = Limit("user", 1500, 5 * _MINUTE_S)
PER_ADDRESS = Limit("address", 300, 5 * _MINUTE_S)
MEDIA = Limit("media", 30, 30 * _MINUTE_S)
SIGN_UP = Limit("sign-up", 5, 30 * _MINUTE_S)
APPS = Limit("apps", 25, 10 * _MINUTE_S)
FOLLOWS = Limit("follows", 400, 24 * 60 * _MINUTE_S)
REPORTS = Limit("reports", 400, 24 * 60 * _MINUTE_S)
STATUSES = Limit("statuses", 300, 180 * _MINUTE_S)
DELETIONS = Limit("deletions", 30, 30 * _MINUTE_S)
PASSWORD_RESETS_BY_ADDRESS = Limit("reset address", 25, 5 * _MINUTE_S)
PASSWORD_RESETS_BY_EMAIL = Limit("reset e-mail", 5, 30 * _MINUTE_S)
LETTERS_BY_ACCOUNT = Limit("letters", 5, 30 * _MINUTE_S)
SIGN_IN_BY_ADDRESS = Limit("sign-in address", 25, 5 * _MINUTE_S)
SIGN_IN_BY_ACCOUNT = Limit("sign-in account", 10, 15 * _MINUTE_S)


class _Window:
    __slots__ = ("counts", "ends_s", "reset")

    def __init__(self, ends_s: int) -> None:
        self.ends_s = ends_s
        self.reset = datetime.fromtimestamp(ends_s, UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
        self.counts: dict[object, int] = {}


class Limiter:
    """Counts, and says no."""

    def __init__(self, config: Config, now_ms: Callable[[], int]) -> None:
        self._on = config.rate_limits
        self._spare_loopback = config.development
        self._trusted = config.trusted_proxies
        self._now_ms = now_ms
        self._windows: dict[str, _Window] = {}

    def take(self, limit: Limit, key: object, *, spared: bool = False) -> dict[str, str]:
        """Count one; answers the headers. Raises 429 when it is one too many."""
        now_s = self._now_ms() // 1000
        window = self._windows.get(limit.name)
        if window is None or window.ends_s <= now_s or len(window.counts) >= _MOST_COUNTED:
            window = self._windows[limit.name] = _Window((now_s // limit.window_s + 1) * limit.window_s)
        used = window.counts.get(key, 0) + 1
        window.counts[key] = used
        left = limit.count - used
        headers = {
            "X-RateLimit-Limit": str(limit.count),
            "X-RateLimit-Remaining": str(left) if left > 0 else "0",
            "X-RateLimit-Reset": window.reset,
        }
        if left < 0 and self._on and not spared:
            raise too_many_requests({**headers, "Retry-After": str(window.ends_s - now_s)})
        return headers

    def is_spared(self, address: str) -> bool:
        """In development mode nobody on this machine is limited."""
        return self._spare_loopback and (address == "::1" or address.startswith("127."))

    def address_of(self, request: web.Request) -> str:
        """The client's address; of a trusted proxy's X-Forwarded-For the last one that is not a trusted proxy."""
        peer = request.remote or ""
        forwarded = request.headers.get(hdrs.X_FORWARDED_FOR)
        if not forwarded or not self._is_trusted(peer):
            return peer
        for candidate in reversed(forwarded.split(",")):
            candidate = candidate.strip()
            if not _is_address(candidate):
                return peer
            if not self._is_trusted(candidate):
                return candidate
            peer = candidate
        return peer

    def _is_trusted(self, address: str) -> bool:
        try:
            ip = ip_address(address)
        except ValueError:
            return False
        return any(ip in network for network in self._trusted if network.version == ip.version)


def _is_address(text: str) -> bool:
    try:
        ip_address(text)
    except ValueError:
        return False
    return True


def network_of(address: str) -> str:
    """What counts as one client: an IPv4 address, or the /64 that a household gets of IPv6."""
    try:
        ip = ip_address(address)
    except ValueError:
        return address
    if ip.version == 4:
        return address
    return ":".join(ip.exploded.split(":")[:4])
