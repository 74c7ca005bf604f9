"""Polls. spec: as2#Question, fep-9967"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

from fediverse_node.protocol.bidi import contain_direction
from fediverse_node.protocol.reading import boolean, integer, mapping, mappings, moment, text

OPTIONS_LIMIT = 32
OPTION_LENGTH_LIMIT = 500

_LONG_AGO = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Poll:
    """A question: `options` are (text, votes).

    `closed` is when it was closed. Pleroma puts the coming end there, so compare it with the clock: see
    `has_ended`.
    """

    multiple: bool
    options: tuple[tuple[str, int], ...]
    end_time: datetime | None = None
    closed: datetime | None = None
    voters_count: int | None = None

    def has_ended(self, now: datetime) -> bool:
        """Whether no more votes are taken at `now`."""
        return any(moment_ is not None and moment_ <= now for moment_ in (self.closed, self.end_time))


def parse_poll(doc: Mapping[str, object]) -> Poll | None:
    """The poll of a Question, or None when it offers nothing to choose from."""
    multiple = bool(doc.get("anyOf"))
    options: dict[str, int] = {}
    for item in mappings(doc.get("anyOf") if multiple else doc.get("oneOf"), OPTIONS_LIMIT):
        name = contain_direction(text(item.get("name"), OPTION_LENGTH_LIMIT))
        if not name:
            continue
        votes = integer(mapping(item.get("replies")).get("totalItems"))
        options.setdefault(name, votes if votes is not None else integer(item.get("_misskey_votes")) or 0)
    if not options:
        return None
    end_time, closed = moment(doc.get("endTime")), moment(doc.get("closed"))
    if closed is None and boolean(doc.get("closed")):
        closed = end_time or moment(doc.get("updated")) or moment(doc.get("published")) or _LONG_AGO
    voters = integer(doc.get("votersCount"))
    return Poll(multiple, tuple(options.items()), end_time, closed, voters)
