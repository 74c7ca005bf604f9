"""What each host has shown about the signatures it reads.

A port, because what was learnt should outlive the process; and the memory that is used where nothing is stored. It
does not decide which signature is sent.
"""

from __future__ import annotations

from collections import OrderedDict
from enum import Enum
from typing import Protocol

from fediverse_node.base.clock import Clock


class Capability(Enum):
    """What a host has shown. The last thing it showed holds."""

    READS_RFC9421 = "reads RFC 9421 signatures with RSA keys"
    READS_ED25519 = "reads RFC 9421 signatures with RSA and Ed25519 keys"
    READS_CAVAGE_ALONE = "refuses RFC 9421 signatures and takes draft-cavage ones"


class HostMemory(Protocol):
    """Asked before each request, so it has to answer from memory. `host` is canonical `host[:port]`."""

    def reads_rfc9421(self, host: str) -> bool | None:
        """True or False where the host has shown it, None where nothing is known."""
        ...

    def reads_ed25519(self, host: str) -> bool:
        """Whether the host has listed Ed25519 for RFC 9421."""
        ...

    def reads_mldsa44(self, host: str) -> bool:
        """Whether an actor of the host lists an ML-DSA-44 key: then it reads proofs that are made with one."""
        ...

    def note(self, host: str, capability: Capability) -> None:
        """Remember what the host has just shown."""
        ...

    def note_mldsa44(self, host: str) -> None:
        """Remember that an actor of the host lists an ML-DSA-44 key."""
        ...


class RecentHosts:
    """The last `limit` hosts, each for `lifetime_s` seconds. Bounded, because strangers choose the hosts."""

    def __init__(self, clock: Clock, *, limit: int = 20_000, lifetime_s: int = 7 * 86_400) -> None:
        self._clock = clock
        self._limit = limit
        self._lifetime_ms = lifetime_s * 1000
        self._known: OrderedDict[str, tuple[int, Capability]] = OrderedDict()
        self._post_quantum: OrderedDict[str, None] = OrderedDict()

    def reads_rfc9421(self, host: str) -> bool | None:
        """See `HostMemory`."""
        capability = self._capability(host)
        return None if capability is None else capability is not Capability.READS_CAVAGE_ALONE

    def reads_ed25519(self, host: str) -> bool:
        """See `HostMemory`."""
        return self._capability(host) is Capability.READS_ED25519

    def reads_mldsa44(self, host: str) -> bool:
        """See `HostMemory`."""
        return host in self._post_quantum

    def note_mldsa44(self, host: str) -> None:
        """See `HostMemory`."""
        self._post_quantum[host] = None
        if len(self._post_quantum) > self._limit:
            self._post_quantum.popitem(last=False)

    def note(self, host: str, capability: Capability) -> None:
        """See `HostMemory`."""
        self._known[host] = (self._clock.now_ms(), capability)
        self._known.move_to_end(host)
        if len(self._known) > self._limit:
            self._known.popitem(last=False)

    def _capability(self, host: str) -> Capability | None:
        noted = self._known.get(host)
        if noted is None or self._clock.now_ms() - noted[0] > self._lifetime_ms:
            return None
        return noted[1]
