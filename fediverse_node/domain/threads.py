"""How complete a conversation is, as far as this server knows, and how long it is left alone before it asks again.

Four numbers are kept apart: what others claim (`totalItems` proves nothing), what is known of by address, what is held
here, and what of the rest was not to be had, and why. Only posts that everybody may read are counted.
spec: fep-7888, fep-f228. It does not fetch and does not store.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from fediverse_node.base.outcome import Reason

_MINUTE_MS = 60_000
_HOUR_MS = 60 * _MINUTE_MS
_DAY_MS = 24 * _HOUR_MS

# After news a while for others to answer too; between two walks of the same thread at least the rest.
SOON_MS = _MINUTE_MS
SHORTEST_REST_MS = 15 * _MINUTE_MS
LONGEST_REST_MS = 7 * _DAY_MS
# In which nothing was said for this long is not looked through again unasked.
ASLEEP_AFTER_MS = 14 * _DAY_MS


class Lack(Reason):
    """Why something that belongs to a conversation is not here."""

    WAITING = "it was not asked for yet"
    REFUSED = "its server refused to show it"
    GONE = "it was deleted"
    MISSING = "its server does not know it, or does not show it"
    UNREACHABLE = "its server could not be reached"
    BLOCKED = "this server has nothing to do with its author or their server"
    PRIVATE = "it is not for everybody"
    UNREADABLE = "what its server answered is no post that can be shown"
    DETACHED = "it answers a post that is not to be had, so nobody can tell that it belongs here"
    FOREIGN = "it was named as a part of this conversation, and says itself that it is not"


class Ended(Reason):
    """Why a walk ended before everything was asked."""

    BUDGET = "it had used up its requests or its time, and goes on later"
    TOO_LARGE = "the conversation is larger than one that is followed to its end"
    BROKEN = "something went wrong here"


# Not asked about again.
FINAL = frozenset({Lack.GONE, Lack.FOREIGN})


@dataclass(frozen=True, slots=True)
class Completeness:
    """What is known of a conversation. `lacking` counts replies by why they are not here.

    `held`: replies that are here and for everybody. `claimed`: how many replies others speak of, if more are
    spoken of anywhere. `beginning`: why the post above the first one that is here is not, if there is one.
    Hosts are those that refused, or did not answer, a post or a collection.
    """

    held: int
    lacking: Mapping[Lack, int] = field(default_factory=dict)
    beginning: Lack | None = None
    claimed: int | None = None
    refusing_hosts: tuple[str, ...] = ()
    silent_hosts: tuple[str, ...] = ()
    walked_ms: int | None = None
    is_running: bool = False
    ended: Ended | None = None

    @property
    def known(self) -> int:
        """Replies that are known of: those that are here, and those that were named and are not."""
        return self.held + sum(self.lacking.values())

    def lacks(self, why: Lack) -> int:
        """How many replies are not here for this reason."""
        return self.lacking.get(why, 0)

    @property
    def is_whole(self) -> bool:
        """Whether nothing is missing that is known of, and everybody who was asked has answered."""
        return (
            not self.lacking
            and self.beginning is None
            and not self.refusing_hosts
            and not self.silent_hosts
            and self.ended is None
        )


def rest_ms(age_ms: int) -> int:
    """How long a conversation is left alone whose newest post is this old: a quarter of its age, within bounds."""
    return max(SHORTEST_REST_MS, min(age_ms // 4, LONGEST_REST_MS))


def patience_ms(why: Lack, attempts: int) -> int | None:
    """How long to wait before asking again for something that was not to be had; None: for ever."""
    if why in FINAL:
        return None
    first = SHORTEST_REST_MS if why in (Lack.UNREACHABLE, Lack.WAITING) else _DAY_MS
    return min(first << min(max(attempts - 1, 0), 12), 30 * _DAY_MS)
