"""What a person wants to say, before it has an id."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from fediverse_node.domain.model import InteractionPolicy, Poll, Visibility


@dataclass(frozen=True, slots=True)
class Written:
    """What an ActivityPub client says itself, where the client API leaves it to us to find it in the text.

    `content` is sanitised HTML; None: the draft's text is rendered. `people` are all whom it is for, by a key (the one
    that a mention in the text has, else any): of them `silent_ids` are addressed without being mentioned, and
    `unnamed_ids` (`bto`, `bcc`) are told to nobody. `source_type` is the media type of the draft's text.
    """

    people: Mapping[str, int]
    content: str | None = None
    hashtags: tuple[str, ...] = ()
    silent_ids: frozenset[int] = frozenset()
    unnamed_ids: frozenset[int] = frozenset()
    type: str = "Note"
    title: str = ""
    source_type: str | None = None


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
    quoted_id: int | None = None
    policy: InteractionPolicy | None = None
    written: Written | None = None
