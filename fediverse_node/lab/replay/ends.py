"""An exchange of a world as each of its two ends met it: the network in between may have done something to it.

The recording of a node needs none of this: there, what is written is what was met.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from fediverse_node.lab.exchange import Exchange
from fediverse_node.lab.faults import FaultKind
from fediverse_node.transport.faults import FetchFault

_COPY = "a copy made on the way"
_LATE = (FaultKind.DELAY, FaultKind.REORDER, FaultKind.STALE)
# Both ways, at most.
_WAYS_MS = 80
_SPOILT = {
    FaultKind.SLOW: FetchFault.TIMEOUT,
    FaultKind.ENDLESS: FetchFault.TOO_LARGE,
    FaultKind.HUGE: FetchFault.TOO_LARGE,
    FaultKind.TRUNCATE: FetchFault.RESET,
}


def arrived(exchanges: Iterable[Exchange]) -> list[Exchange]:
    """The requests that reached the server, when and as they did."""
    found = []
    for exchange in exchanges:
        was_lost = not exchange.steps and (exchange.answer is None or "on the way" in exchange.fault)
        if was_lost and exchange.fault != _COPY:
            continue
        met = exchange
        if exchange.fault == _COPY or any(kind.value in exchange.fault for kind in _LATE):
            met = replace(met, at_ms=met.at_ms + max(int(met.took_ms) - _WAYS_MS, 0))
        if FaultKind.WRONG_DIGEST.value in exchange.fault and exchange.request.body:
            met = replace(met, request=replace(met.request, body=_with_one_byte_changed(met.request.body)))
        found.append(met)
    return found


def returned(exchanges: Iterable[Exchange]) -> list[Exchange]:
    """The requests of a server, with the answers that came back to it."""
    found = []
    for exchange in exchanges:
        if exchange.fault == _COPY:
            continue
        met, fault = exchange, _spoilt(exchange)
        if exchange.failure or fault is not None:
            met = replace(met, answer=None, failure=exchange.failure or (fault.sentence if fault else ""))
        found.append(met)
    return found


def _spoilt(exchange: Exchange) -> FetchFault | None:
    """What became of an answer that did not come as it was sent."""
    kind = next((kind for kind in _SPOILT if kind.value in exchange.fault), None)
    if kind is None:
        return None
    has_body = exchange.answer is not None and bool(exchange.answer.body)
    # Of a delivery the status counts, whatever becomes of the rest; but these take the status, too.
    is_headless = kind is FaultKind.SLOW or (kind is FaultKind.TRUNCATE and not has_body)
    return _SPOILT[kind] if exchange.method == "GET" or is_headless else None


def _with_one_byte_changed(body: bytes) -> bytes:
    letters = (at for at in range(len(body) - 1, -1, -1) if chr(body[at]).isalpha() and body[at] < 128)
    position = next(letters, len(body) - 1)
    return body[:position] + bytes([body[position] ^ 1]) + body[position + 1 :]
