"""Reactions below a status, in Pleroma's form and in that of announcements.  spec: fep-c0e0

`reactions` is a field of our own: a list of {name, count, me, url, static_url}, as Mastodon has it for announcements.
Apps that know Pleroma read the same in `pleroma.emoji_reactions`. A custom emoji of another server is `name@host`.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any

import orjson


@dataclass(frozen=True, slots=True)
class Said:
    """How often something was said: an emoji, or `:name:` of a custom emoji of `host`."""

    content: str
    host: str
    count: int
    url: str | None = None

    @property
    def name(self) -> str:
        """What apps call it by."""
        return name_of(self.content, self.host)


def name_of(content: str, host: str) -> str:
    """`👍`, `cat` for an emoji of ours, `cat@far.example` for one of others."""
    name = content.strip(":") if content.startswith(":") and len(content) > 2 else content
    return f"{name}@{host}" if host and name != content else name


def render_reactions(said: Sequence[Said], own: Collection[tuple[str, str]]) -> bytes:
    """The two members of a Status, with a comma in front. `own` are (content, host) of the viewer."""
    listed = [_rendered(each, (each.content, each.host) in own) for each in said]
    return b',"reactions":%b,"pleroma":{"emoji_reactions":%b}' % (
        orjson.dumps([each | {"static_url": each["url"]} if each["url"] else _plain(each) for each in listed]),
        orjson.dumps(listed),
    )


NO_REACTIONS = render_reactions((), ())


def _rendered(said: Said, is_own: bool) -> dict[str, Any]:
    return {"name": said.name, "count": said.count, "me": is_own, "url": said.url}


def _plain(entity: dict[str, Any]) -> dict[str, Any]:
    return {name: entity[name] for name in ("name", "count", "me")}
