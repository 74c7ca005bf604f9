"""Whom a post, an edit, a deletion or a boost has to reach: read from the origin when it happens.

Followers come and go while requests are under way. So the origin is asked before the act and after it, and only those
who were there both times have to be told; those who were there once may be.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from fediverse_node.lab.ledger import Act, Ending, Ledger
from fediverse_node.lab.people import Readable
from fediverse_node.storage.queries import comparing

_SPEAKING = frozenset({"posts", "edits", "deletes", "boosts", "unboosts"})


@dataclass
class Reached:
    """Actors by URI, with their hosts: around one act."""

    followers_before: dict[str, str] = field(default_factory=dict)
    followers_after: dict[str, str] = field(default_factory=dict)
    holders_before: dict[str, str] = field(default_factory=dict)
    holders_after: dict[str, str] = field(default_factory=dict)

    @property
    def followers(self) -> dict[str, str]:
        """Those who certainly followed."""
        return {uri: host for uri, host in self.followers_before.items() if uri in self.followers_after}

    @property
    def maybe_followers(self) -> dict[str, str]:
        """Those who may have."""
        return {**self.followers_before, **self.followers_after}


class Reach:
    """Keeps what it sees, by the number of the act."""

    def __init__(self, ledger: Ledger, database_of: Callable[[str], Readable | None]) -> None:
        self._ledger = ledger
        self._database_of = database_of
        self._known: dict[int, Reached] = {}
        ledger.listeners.append(self._hear)

    def around(self, number: int) -> Reached:
        """What was seen around an act."""
        return self._known.get(number, Reached())

    def _hear(self, act: Act) -> None:
        if act.verb not in _SPEAKING:
            return
        database = self._database_of(act.host)
        if database is None:
            return
        followers = _hosts(database, who=actor_uri_of(act.who))
        holders = _hosts(database, what=act.target) if act.target else {}
        reached = self._known.setdefault(act.number, Reached())
        if act.ending is Ending.OPEN:
            reached.followers_before, reached.holders_before = followers, holders
        else:
            reached.followers_after, reached.holders_after = followers, holders


def actor_uri_of(address: str) -> str:
    """https://alpha.test/users/alice of `alice@alpha.test`."""
    name, _, host = address.partition("@")
    return f"https://{host}/users/{name}"


def _hosts(database: Readable, *, who: str = "", what: str = "") -> dict[str, str]:
    rows: list[Mapping[str, str]]
    rows = database.read(comparing.FOLLOWERS, uri=who) if who else database.read(comparing.HOLDERS, uri=what)
    return {row["uri"]: row["host"] for row in rows}
