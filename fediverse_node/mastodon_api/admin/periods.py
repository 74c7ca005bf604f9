"""The period that the figures of the dashboard are asked for."""

from __future__ import annotations

from fediverse_node.base.clock import from_ms
from fediverse_node.mastodon_api.entities.moments import parse_moment, render_midnight
from fediverse_node.mastodon_api.errors import bad_request
from fediverse_node.mastodon_api.routing import Call
from fediverse_node.storage.queries.admin_figures import DAY_MS, Days

_MOST_DAYS = 800
_USUAL_DAYS = 30
# The first day of year 1 and the last of 9999 are as far as dates go; ids begin with the epoch.
_LATEST_DAY = 100_000


def period_of(call: Call, *, is_required: bool = True, most_days: int = _MOST_DAYS) -> Days:
    """From `start_at` to `end_at`, whole days; 400 where they are missing, no dates, or too far apart."""
    today = call.context.world.clock.now_ms() // DAY_MS
    last = _day(call, "end_at", is_required=is_required)
    last = today if last is None else last
    first = _day(call, "start_at", is_required=is_required)
    first = last - _USUAL_DAYS + 1 if first is None else first
    if first > last:
        raise bad_request("start_at is after end_at")
    if last - first >= most_days:
        raise bad_request(f"start_at and end_at are more than {most_days} days apart")
    return Days(first, last)


def _day(call: Call, name: str, *, is_required: bool) -> int | None:
    text = (call.params.text(name) or "").strip()
    if not text:
        if is_required:
            raise bad_request(f"{name} is missing")
        return None
    moment = parse_moment(text)
    if moment is None or not 0 <= moment // DAY_MS <= _LATEST_DAY:
        raise bad_request(f"{name} is not a date")
    return moment // DAY_MS


def render_date(day: int) -> str:
    """The midnight with which a day begins."""
    return render_midnight(day * DAY_MS)


def month_of(day: int) -> int:
    """202611 for a day of November 2026."""
    moment = from_ms(day * DAY_MS)
    return moment.year * 100 + moment.month
