"""What somebody in a persona wants to say, and what a persona knows of what was said, there and elsewhere."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from fediverse_node.base.errors import NodeError
from fediverse_node.protocol import html

Document = dict[str, Any]

PUBLIC = "https://www.w3.org/ns/activitystreams#Public"
AUDIENCES = ("public", "unlisted", "followers", "direct")


class CannotDoError(NodeError):
    """The story asks a persona for what its software does not have."""


@dataclass(frozen=True, slots=True)
class Poll:
    """A question with answers to choose from."""

    options: tuple[str, ...]
    multiple: bool = False
    lasts_s: int = 86_400


@dataclass(frozen=True, slots=True, kw_only=True)
class Draft:
    """A post before it is one. `to` is a word of AUDIENCES; `mentions` are URIs of people; `pictures` their texts."""

    text: str
    to: str = "public"
    mentions: tuple[str, ...] = ()
    warning: str = ""
    pictures: tuple[str, ...] = ()
    hashtags: tuple[str, ...] = ()
    poll: Poll | None = None
    reply_to: str | None = None
    quote: str | None = None
    title: str = ""
    link: str = ""
    group: str = ""  # the community or channel it is said in

    def __post_init__(self) -> None:
        if self.to not in AUDIENCES:
            raise ValueError(f"a post is for one of {', '.join(AUDIENCES)}, not {self.to!r}")


@dataclass(slots=True)
class Post:
    """Something that was said, here (then with its draft) or elsewhere, as a persona holds it.

    `likes` are URIs of people with what they reacted with ("" for a plain like), `boosts` with the id of the Announce.
    """

    uri: str
    author: str
    document: Document
    draft: Draft | None = None
    likes: dict[str, str] = field(default_factory=dict)
    boosts: dict[str, str] = field(default_factory=dict)
    replies: list[str] = field(default_factory=list)
    votes: dict[str, list[str]] = field(default_factory=dict)
    edits: int = 0

    @property
    def text(self) -> str:
        """Title, warning and words, without markup."""
        parts = [self.document.get(name) for name in ("name", "summary", "content")]
        return "\n".join(html.to_plain_text(part) for part in parts if isinstance(part, str) and part)


@dataclass(slots=True)
class Arrived:
    """An activity that came to an inbox with a good signature. `ignored` says why nothing followed, if so."""

    activity: Document
    signer: str
    scheme: str
    path: str
    ignored: str = ""


@dataclass(frozen=True, slots=True)
class Refused:
    """A request to an inbox that was not believed: why, and the status that said so."""

    path: str
    reason: str
    status: int
    body: bytes = b""


@dataclass(frozen=True, slots=True)
class Sent:
    """One attempt to deliver. `status` is None where there was no answer."""

    inbox: str
    activity: Document
    status: int | None
    form: str


def first_uri(value: object) -> str:
    """The id of what stands there: a string, an object with an id, or the first of a list of such; "" without one."""
    if isinstance(value, list):
        value = value[0] if value else None
    if isinstance(value, dict):
        value = value.get("id") or value.get("href")
    return value if isinstance(value, str) else ""


def all_uris(*values: object) -> list[str]:
    """The ids in addressing properties, in order, each once."""
    found: dict[str, None] = {}
    for value in values:
        for item in value if isinstance(value, list) else [value]:
            uri = first_uri(item)
            if uri:
                found[PUBLIC if uri in ("as:Public", "Public") else uri] = None
    return list(found)


def embedded(value: object) -> Document | None:
    """The object itself where it is there, and not its id alone."""
    return value if isinstance(value, dict) else None


def objects(value: object) -> Sequence[object]:
    """A property that may be one value or a list of them."""
    if value is None:
        return ()
    return value if isinstance(value, list) else (value,)
