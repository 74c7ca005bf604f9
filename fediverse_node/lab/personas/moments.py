"""Dates as servers write them: each software has its own number of digits and its own way to say UTC."""

from __future__ import annotations

from datetime import datetime


def seconds(moment: datetime) -> str:
    """2026-01-31T12:00:00Z: Mastodon, GoToSocial, WordPress, snac2."""
    return f"{moment:%Y-%m-%dT%H:%M:%S}Z"


def milliseconds(moment: datetime) -> str:
    """2026-01-31T12:00:00.123Z: Misskey, PeerTube, Ghost."""
    return f"{moment:%Y-%m-%dT%H:%M:%S}.{moment.microsecond // 1000:03d}Z"


def microseconds(moment: datetime) -> str:
    """2026-01-31T12:00:00.123456Z: Lemmy, Akkoma."""
    return f"{moment:%Y-%m-%dT%H:%M:%S}.{moment.microsecond:06d}Z"


def offset(moment: datetime) -> str:
    """2026-01-31T12:00:00+00:00: Pixelfed."""
    return f"{moment:%Y-%m-%dT%H:%M:%S}+00:00"
