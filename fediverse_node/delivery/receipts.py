"""What became of a post at each server it was sent to: delivered when, refused why, tried again since when.

Read from the rows that the sender writes; they are kept for a month. A server that took a post may still have hidden
or dropped it: that only it knows.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import Enum
from typing import Any

from fediverse_node.base.clock import to_ms
from fediverse_node.base.ids import moment_of
from fediverse_node.storage.engine import Database
from fediverse_node.storage.queries.deliveries import DELIVERED, GIVEN_UP, REFUSED
from fediverse_node.storage.queries.receipts import RECEIPTS

_WHAT = {
    "Create": "the post",
    "Update": "an edit",
    "Announce": "the boost",
    "Delete": "the deletion",
    "Undo": "that it was taken back",
}


class Fate(Enum):
    """What became of one delivery. The values are what the client API says."""

    DELIVERED = "delivered"
    REFUSED = "refused"
    GIVEN_UP = "given_up"
    WAITING = "waiting"
    RETRYING = "retrying"


@dataclass(frozen=True, slots=True)
class Receipt:
    """One activity about the post, to one inbox. Moments in milliseconds; `since_ms` is when it was to leave."""

    host: str
    inbox: str
    type: str
    uri: str
    fate: Fate
    attempts: int
    since_ms: int
    done_ms: int | None
    next_ms: int | None
    cause: str

    @property
    def is_open(self) -> bool:
        """Whether it may still arrive."""
        return self.fate in (Fate.WAITING, Fate.RETRYING)

    @property
    def what(self) -> str:
        """What was sent, in words: `the post`, `an edit`."""
        return _WHAT.get(self.type, f"a {self.type}")


async def load_receipts(database: Database, object_id: int) -> tuple[Receipt, ...]:
    """All of a post that are still kept, by host and in the order in which they were to leave."""
    found = [_receipt(row) for row in await database.fetch(RECEIPTS, object_id=object_id)]
    return tuple(sorted(found, key=lambda receipt: (receipt.host, receipt.since_ms)))


@dataclass(frozen=True, slots=True)
class Summary:
    """How many servers have the post as it was said first, how many refuse it, how many are still tried."""

    delivered: int
    refused: int
    open: int

    @property
    def all(self) -> int:
        """How many servers it was sent to."""
        return self.delivered + self.refused + self.open


def summarise(receipts: Iterable[Receipt]) -> Summary:
    """By host: one that took it at one of its inboxes has it."""
    hosts: dict[str, set[Fate]] = {}
    for receipt in receipts:
        if receipt.type in ("Create", "Announce"):
            hosts.setdefault(receipt.host, set()).add(receipt.fate)
    delivered = sum(Fate.DELIVERED in fates for fates in hosts.values())
    is_open = sum(
        Fate.DELIVERED not in fates and bool(fates & {Fate.WAITING, Fate.RETRYING}) for fates in hosts.values()
    )
    return Summary(delivered, len(hosts) - delivered - is_open, is_open)


def _receipt(row: Any) -> Receipt:
    state, attempts = row["state"], row["attempts"]
    ended = {DELIVERED: Fate.DELIVERED, REFUSED: Fate.REFUSED, GIVEN_UP: Fate.GIVEN_UP}
    fate = ended.get(state, Fate.RETRYING if attempts else Fate.WAITING)
    is_open = state not in ended
    return Receipt(
        host=row["host"],
        inbox=row["inbox"],
        type=row["type"],
        uri=row["uri"],
        fate=fate,
        attempts=attempts,
        since_ms=to_ms(moment_of(row["payload_id"])),
        done_ms=None if is_open else row["done_ms"],
        next_ms=row["due_ms"] if is_open else None,
        cause="" if state == DELIVERED else row["last_error"] or "",
    )
