"""What a post is found by: its words, and marks that say who may find it, whose it is and what is in it.

A mark is a word that nobody can type: it begins with `~`. Marks only narrow down what is looked at; whether somebody
really finds a post is decided by `domain/searching.py` over what is stored, each time anew.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from fediverse_node.domain.searching import EVERYBODY, FOLLOWERS
from fediverse_node.protocol.html import to_plain_text
from fediverse_node.protocol.link_preview import first_link
from fediverse_node.protocol.words import name_word, words_of

# More who kept a post are not told apart by its words.
MOST_KEEPERS = 100
BY_EVERYBODY, BY_FOLLOWERS, BY_MANY = "~e", "~f", "~k"
IS_REPLY, IS_SENSITIVE = "~ireply", "~isensitive"
_KINDS = {"image": "image", "gifv": "video", "video": "video", "audio": "audio"}
_SHOWN_IN_PLACE = frozenset({"video", "rich"})


@dataclass(frozen=True, slots=True)
class Wording:
    """What is stored of a post that its words come from. `card`: what the page it links to says, or nothing."""

    actor_id: int
    content: str  # HTML
    summary: str
    language: str | None
    sensitive: bool
    is_reply: bool
    parts: Mapping[str, Any]
    attachments: Sequence[Mapping[str, Any]]
    options: Sequence[str] | None  # of its poll
    card: Mapping[str, Any] | None
    searchable: int | None  # domain/searching.py
    indexable: bool  # what its author says


def is_for_everybody(searchable: int | None, *, indexable: bool) -> bool:
    """Whether whoever may read a post may find it."""
    return indexable if searchable is None else bool(searchable & EVERYBODY)


def by_author(actor_id: int) -> str:
    """The mark of all that an actor said."""
    return f"~a{actor_id}"


def by_person(actor_id: int) -> str:
    """The mark of what somebody here said, was told, liked or kept."""
    return f"~v{actor_id}"


def with_tag(name: str) -> str:
    """The mark of a hashtag."""
    return f"~t{name_word(name)}"


def with_part(name: str) -> str:
    """The mark of posts that have `media`, `image`, `video`, `audio`, `poll`, `link` or `embed`."""
    return f"~h{name}"


def in_language(tag: str) -> str:
    """The mark of a language."""
    return f"~l{name_word(tag.replace('-', '_'))}"


def text_of(wording: Wording) -> str:
    """All that a reader sees of a post, in pieces that no phrase reaches across a line of."""
    pieces = [wording.summary, str(wording.parts.get("title") or ""), to_plain_text(wording.content)]
    pieces += wording.options or ()
    pieces += [str(item.get("description") or "") for item in wording.attachments]
    pieces += [f"#{name}" for name in wording.parts.get("tags") or ()]
    if wording.card is not None:
        pieces.append(str(wording.card.get("title") or ""))
    return "\n".join(piece for piece in pieces if piece)


def index_words(wording: Wording, finders: Iterable[int]) -> str:
    """Words and marks, with spaces between. `finders`: people here who said it, are named in it, liked or kept it."""
    marks = [by_author(wording.actor_id), *_finders(wording, finders), *_parts(wording)]
    if wording.is_reply:
        marks.append(IS_REPLY)
    if wording.sensitive:
        marks.append(IS_SENSITIVE)
    if wording.language:
        marks += dict.fromkeys((in_language(wording.language), in_language(wording.language.partition("-")[0])))
    marks += [with_tag(name) for name in wording.parts.get("tags") or () if name_word(name)]
    return " ".join((*words_of(text_of(wording)), *marks))


def _finders(wording: Wording, finders: Iterable[int]) -> Iterable[str]:
    if is_for_everybody(wording.searchable, indexable=wording.indexable):
        yield BY_EVERYBODY
    if wording.searchable is not None and wording.searchable & FOLLOWERS:
        yield BY_FOLLOWERS
    for number, actor_id in enumerate(sorted(set(finders))):
        if number == MOST_KEEPERS:
            yield BY_MANY
            return
        yield by_person(actor_id)


def _parts(wording: Wording) -> Iterable[str]:
    kinds = {_KINDS[kind] for item in wording.attachments if (kind := item.get("type")) in _KINDS}
    if wording.attachments:
        yield with_part("media")
    yield from (with_part(kind) for kind in sorted(kinds))
    if wording.options is not None:
        yield with_part("poll")
    people = {str(who.get(name)) for who in wording.parts.get("mentions") or () for name in ("uri", "url")}
    if wording.card is not None or first_link(wording.content, besides=people) is not None:
        yield with_part("link")
    if wording.card is not None and wording.card.get("type") in _SHOWN_IN_PLACE:
        yield with_part("embed")
