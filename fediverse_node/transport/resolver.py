"""Names to addresses, with every address checked before a socket exists for it.

Two guards, because a name may resolve differently each time (DNS rebinding) and a literal address is never resolved:
the resolver drops refused addresses, and the socket factory refuses to make a socket for one. It holds no policy of
its own: `addresses` does.
"""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Awaitable, Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import NamedTuple

from aiohttp import AddrInfoType, SocketFactoryType
from aiohttp.abc import AbstractResolver, ResolveResult

from fediverse_node.transport.addresses import is_allowed_address


class Endpoint(NamedTuple):
    """An address with a port of its own, for a resolver that knows better than the URL where a host listens."""

    address: str
    port: int


# host, port -> addresses in text form, or endpoints, in the order in which they are tried
Resolver = Callable[[str, int], Awaitable[Sequence[str | Endpoint]]]

# Enough for a burst of dead names (a lookup of one may hang for ten seconds) not to hold up the living.
_LOOKUP_THREADS = 32
_ADDRESS_LIMIT = 8


class AddressRefused(OSError):
    """The address is not one this server may connect to."""


class SystemResolver:
    """The operating system's resolver, on threads of its own."""

    def __init__(self) -> None:
        self._threads = ThreadPoolExecutor(_LOOKUP_THREADS, thread_name_prefix="dns")

    async def __call__(self, host: str, port: int) -> list[str]:
        """Addresses of `host`; raises OSError (socket.gaierror) where there are none."""
        return await asyncio.get_running_loop().run_in_executor(self._threads, _look_up, host, port)

    def close(self) -> None:
        """Give up waiting lookups."""
        self._threads.shutdown(wait=False, cancel_futures=True)


def _look_up(host: str, port: int) -> list[str]:
    infos = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return [str(info[4][0]) for info in infos]


class GuardedResolver(AbstractResolver):
    """aiohttp's resolver port: asks `resolver`, and lets only allowed addresses and `reachable` endpoints through."""

    def __init__(
        self, resolver: Resolver, *, loopback_allowed: bool, reachable: frozenset[Endpoint] = frozenset()
    ) -> None:
        self._resolver = resolver
        self._loopback_allowed = loopback_allowed
        self._reachable = reachable

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_UNSPEC
    ) -> list[ResolveResult]:
        """Allowed addresses of `host`; raises AddressRefused where it has only others."""
        answer = await self._resolver(host, port)
        found = [each if isinstance(each, Endpoint) else Endpoint(each, port) for each in answer]
        allowed = [each for each in found if self._is_allowed(each)]
        if found and not allowed:
            raise AddressRefused(f"{host} is {found[0].address}")
        if not allowed:
            raise socket.gaierror(socket.EAI_NONAME, "no address")
        return [
            ResolveResult(
                hostname=host,
                host=each.address,
                port=each.port,
                family=socket.AF_INET6 if ":" in each.address else socket.AF_INET,
                proto=0,
                flags=socket.AI_NUMERICHOST | socket.AI_NUMERICSERV,
            )
            for each in allowed[:_ADDRESS_LIMIT]
        ]

    def _is_allowed(self, endpoint: Endpoint) -> bool:
        if endpoint in self._reachable:
            return True
        return is_allowed_address(endpoint.address, loopback_allowed=self._loopback_allowed)

    async def close(self) -> None:
        """Nothing is held here."""


def guarded_socket_factory(
    *, loopback_allowed: bool, reachable: frozenset[Endpoint] = frozenset()
) -> SocketFactoryType:
    """What makes each outgoing socket. It sees the address that is really connected to, whatever led there."""

    def make(address_info: AddrInfoType) -> socket.socket:
        family, kind, protocol, _, target = address_info
        address = str(target[0])
        is_reachable = Endpoint(address, int(target[1])) in reachable
        if not is_reachable and not is_allowed_address(address, loopback_allowed=loopback_allowed):
            raise AddressRefused(address)
        return socket.socket(family, kind, protocol)

    return make
