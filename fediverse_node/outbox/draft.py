"""What a person wants to say, before it has an id."""

from __future__ import annotations

from dataclasses import dataclass

from fediverse_node.domain.model import Poll, Visibility


@dataclass(frozen=True, slots=True)
class Draft:
    """A post to be made, or the new version of one.

    `text` is plain text as typed. `media_ids` are uploads of the same actor that hang on nothing yet (or, in
    an edit, on this post).
    """

    text: str
    visibility: Visibility = Visibility.PUBLIC
    summary: str = ""
    sensitive: bool = False
    language: str | None = None
    in_reply_to_id: int | None = None
    media_ids: tuple[int, ...] = ()
    poll: Poll | None = None
    app_id: int | None = None
