"""What somebody's year was like, from what they did in it.  spec: mastodon-client-api#AnnualReport"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime

from fediverse_node.base.clock import from_ms, to_ms

FIRST_YEAR, LAST_YEAR = 2000, 9998
_FEW = 50
# From the tenth of December on there is enough of a year to look back on, as in Mastodon.
_MONTH_OF_LOOKING_BACK, _DAY_OF_LOOKING_BACK = 12, 10


@dataclass(frozen=True, slots=True)
class Doings:
    """How often somebody did what in a year. `said`: neither boosts nor answers to others."""

    said: int
    replies: int
    announces: int
    polls: int


def archetype_of(done: Doings) -> str:
    """A playful word for how somebody takes part: lurker, booster, pollster, replier or oracle."""
    if done.said + done.replies + done.announces < _FEW:
        return "lurker"
    if done.announces > 2 * done.said:
        return "booster"
    if 10 * done.polls > done.said:
        return "pollster"
    return "replier" if done.replies > 2 * done.said else "oracle"


def may_look_back(year: int, now_ms: int) -> bool:
    """Whether that year is over, or about to be. Years of UTC."""
    first_ms = to_ms(datetime(year, _MONTH_OF_LOOKING_BACK, _DAY_OF_LOOKING_BACK, tzinfo=UTC))
    return first_ms <= now_ms


def month_starts(year: int) -> tuple[int, ...]:
    """Thirteen moments in milliseconds: when each month of a year begins, and when the last one ends."""
    moments = [datetime(year, month, 1, tzinfo=UTC) for month in range(1, 13)]
    return tuple(to_ms(moment) for moment in (*moments, datetime(year + 1, 1, 1, tzinfo=UTC)))


def months_so_far(year: int, now_ms: int) -> int:
    """How many months of the year have begun."""
    now = from_ms(now_ms)
    return 12 if now.year > year else now.month
