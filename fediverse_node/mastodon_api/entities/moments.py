"""Moments as the client API writes them. IceCubes reads dates with exactly three decimals and nothing else."""

from __future__ import annotations

from datetime import UTC, datetime

from fediverse_node.base.clock import from_ms


def render_moment(ms: int) -> str:
    """`2026-11-21T22:47:36.123Z`."""
    return from_ms(ms).strftime("%Y-%m-%dT%H:%M:%S.") + f"{ms % 1000:03d}Z"


def render_moment_or_none(ms: int | None) -> str | None:
    """The same, or null."""
    return None if ms is None else render_moment(ms)


def render_day(ms: int) -> str:
    """The day alone: `2026-11-21`."""
    return from_ms(ms).strftime("%Y-%m-%d")


def render_midnight(ms: int) -> str:
    """The day as a moment, where the hour is nobody's business."""
    return from_ms(ms).strftime("%Y-%m-%dT00:00:00.000Z")


def parse_moment(text: str) -> int | None:
    """Milliseconds of an ISO 8601 moment (UTC when it names no zone), or None."""
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return None
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    try:
        return int(moment.timestamp() * 1000)
    except (OverflowError, ValueError):
        return None
