"""Whose request it is, through the proxies that are trusted.  spec: rfc7239#7.4"""

from __future__ import annotations

from collections.abc import Sequence
from ipaddress import ip_address

from aiohttp import web

from fediverse_node.base.config_values import Network


def remote_address(request: web.Request, trusted: Sequence[Network]) -> str:
    """The address nearest to us that is no trusted proxy; what stands further left anybody can invent."""
    address = request.remote or ""
    hops = ",".join(request.headers.getall("X-Forwarded-For", ())).split(",")
    for hop in reversed(hops):
        if not _is_trusted(address, trusted) or not hop.strip():
            break
        address = hop.strip()
    return address[:100]


def _is_trusted(text: str, trusted: Sequence[Network]) -> bool:
    try:
        address = ip_address(text)
    except ValueError:
        return False
    return any(address in network for network in trusted)
