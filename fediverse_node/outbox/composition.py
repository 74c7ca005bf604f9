"""How long, how many, how late: what every post here keeps to, whatever a client speaks. Refusals are sentences."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from fediverse_node.base.config import Config
from fediverse_node.protocol.plain_text import count_characters

MAX_MEDIA = 4
MAX_POLL_OPTIONS = 4
MAX_OPTION_CHARACTERS = 50
MIN_POLL_S, MAX_POLL_S = 300, 2_629_746
DESCRIPTION_LIMIT = 1500
# Of profiles.
NAME_LIMIT = 100
NOTE_LIMIT = 2000
MOST_FIELDS = 8
FIELD_LIMIT = 255
_FILMS = frozenset(("video", "gifv", "audio"))


def refusal_of_text(config: Config, text: str, summary: str, *, has_more: bool) -> str | None:
    """Something is said, and not too much. `text` is plain; `has_more`: files or a poll."""
    if not text and not has_more:
        return "Text can't be blank"
    most = config.posts.max_characters
    if count_characters(text) + count_characters(summary) > most:
        return f"Text character limit of {most} exceeded"
    return None


def refusal_of_options(options: Sequence[str]) -> str | None:
    """What may be chosen from in a poll."""
    if len(options) < 2:
        return "Poll options must have more than one item"
    if not all(options):
        return "Poll options can't be blank"
    if len(options) > MAX_POLL_OPTIONS:
        return f"Poll options can't contain more than {MAX_POLL_OPTIONS} items"
    if any(len(option) > MAX_OPTION_CHARACTERS for option in options):
        return f"Poll options cannot be longer than {MAX_OPTION_CHARACTERS} characters each"
    if len({option.casefold() for option in options}) < len(options):
        return "Poll options contain duplicate items"
    return None


def refusal_of_duration(expires_in_s: float | None) -> str | None:
    """How long a poll may run."""
    if expires_in_s is None:
        return "Poll expires at can't be blank"
    if expires_in_s < MIN_POLL_S:
        return "Poll expires at is too soon"
    if expires_in_s > MAX_POLL_S:
        return "Poll expires at is too far into the future"
    return None


def refusal_of_files(rows: Sequence[Mapping[str, Any]]) -> str | None:
    """Which files go together."""
    if len(rows) > MAX_MEDIA:
        return f"Cannot attach more than {MAX_MEDIA} files"
    if len(rows) > 1 and any(row["type"] in _FILMS for row in rows):
        return "Cannot attach a video to a post that already contains images"
    return None
