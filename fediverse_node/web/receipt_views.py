"""What became of a post at other servers, in words for its author.  See `delivery.receipts`.

What a server did with what it took, only that server knows; so these words end where its answer ended.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby

from fediverse_node.delivery.receipts import Fate, Receipt, summarise
from fediverse_node.web.moments import Moment, moment

_KEPT = "This is kept for 30 days."
_NOWHERE = (
    "It was sent to no other server: nobody elsewhere follows you or is named in it. Or it is older than 30 days: "
    "what became of it is kept for that long."
)


@dataclass(frozen=True, slots=True)
class Line:
    """One thing that was sent: words, a moment, words behind it. `is_open`: it may still arrive."""

    said: str
    when: Moment
    then: str
    fate: str
    is_open: bool


@dataclass(frozen=True, slots=True)
class Destination:
    """A server, and what became of what was sent to it."""

    host: str
    lines: tuple[Line, ...]


@dataclass(frozen=True, slots=True)
class ReceiptsView:
    """A sentence for all, and each server; those with which something is amiss stand first."""

    line: str
    note: str
    destinations: tuple[Destination, ...]


def receipts_view(receipts: Sequence[Receipt], now_ms: int) -> ReceiptsView:
    """What to tell of these receipts, which are in order by host."""
    if not receipts:
        return ReceiptsView(_NOWHERE, "", ())
    found = []
    for host, own in groupby(receipts, key=lambda receipt: receipt.host):
        lines = tuple(_line(receipt, now_ms) for receipt in own)
        is_well = all(line.fate == Fate.DELIVERED.value for line in lines)
        found.append((is_well, Destination(host, lines)))
    found.sort(key=lambda pair: pair[0])
    return ReceiptsView(", ".join(_summary(receipts)) + ".", _KEPT, tuple(each for _, each in found))


def _summary(receipts: Sequence[Receipt]) -> Iterator[str]:
    summary = summarise(receipts)
    if not summary.all:
        yield f"{len({receipt.host for receipt in receipts})} servers were told of changes"
        return
    servers = "1 server" if summary.all == 1 else f"{summary.all} servers"
    yield f"{servers} took it" if summary.delivered == summary.all else f"{summary.delivered} of {servers} took it"
    if summary.refused:
        yield f"{summary.refused} did not"
    if summary.open:
        yield f"{summary.open} {'is' if summary.open == 1 else 'are'} still tried"


def _line(receipt: Receipt, now_ms: int) -> Line:
    what, cause = receipt.what.capitalize(), f": {receipt.cause}" if receipt.cause else ""
    since, done = moment(receipt.since_ms, now_ms), moment(receipt.done_ms or receipt.since_ms, now_ms)
    tries = "once" if receipt.attempts == 1 else f"{receipt.attempts} times"
    if receipt.fate is Fate.DELIVERED:
        said, when, then = f"{what} was delivered", done, f", at attempt {receipt.attempts}" * (receipt.attempts > 1)
    elif receipt.fate is Fate.REFUSED:
        said, when, then = f"{what} was refused", done, cause
    elif receipt.fate is Fate.GIVEN_UP:
        said, when, then = f"{what} was tried {tries} and given up", done, cause
    elif receipt.fate is Fate.WAITING:
        said, when, then = f"{what} waits to be sent since", since, cause
    else:
        again = "" if receipt.next_ms is None else f", next {moment(receipt.next_ms, now_ms).exact}"
        said, when, then = f"{what} was tried {tries} since", since, again + cause
    return Line(said, when, then, receipt.fate.value, receipt.is_open)
