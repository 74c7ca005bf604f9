"""Moments as people read them: how long ago, and exactly."""

from __future__ import annotations

from dataclasses import dataclass

from fediverse_node.base.clock import from_ms

_MONTHS = (
    "January", "February", "March", "April", "May", "June",
    "July", "August", "September", "October", "November", "December",
)  # fmt: skip
_MINUTE_MS = 60_000
_HOUR_MS = 60 * _MINUTE_MS
_DAY_MS = 24 * _HOUR_MS


@dataclass(frozen=True, slots=True)
class Moment:
    """`iso` for machines, `exact` in full (UTC), `short` as one would say it today."""

    iso: str
    exact: str
    short: str


def moment(ms: int, now_ms: int) -> Moment:
    """How to write a moment, seen from now."""
    when = from_ms(ms)
    iso = when.strftime("%Y-%m-%dT%H:%M:%SZ")
    exact = f"{when.day} {_MONTHS[when.month - 1]} {when.year}, {when:%H:%M} UTC"
    return Moment(iso, exact, _ago(ms, now_ms))


def date(ms: int) -> str:
    """`4 March 2026`."""
    when = from_ms(ms)
    return f"{when.day} {_MONTHS[when.month - 1]} {when.year}"


def _ago(ms: int, now_ms: int) -> str:
    passed_ms = now_ms - ms
    if passed_ms < _MINUTE_MS:
        return "just now"
    for unit_ms, name, until_ms in ((_MINUTE_MS, "minute", _HOUR_MS), (_HOUR_MS, "hour", _DAY_MS)):
        if passed_ms < until_ms:
            return _counted(passed_ms // unit_ms, name)
    if passed_ms < 7 * _DAY_MS:
        return _counted(passed_ms // _DAY_MS, "day")
    when, now = from_ms(ms), from_ms(now_ms)
    return f"{when.day} {_MONTHS[when.month - 1]}" + (f" {when.year}" if when.year != now.year else "")


def _counted(number: int, name: str) -> str:
    return f"{number} {name}{'' if number == 1 else 's'} ago"
