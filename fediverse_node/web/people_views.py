"""People as pages show them: names, handles, pictures, and initials in place of pictures from elsewhere."""

from __future__ import annotations

import zlib
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

import orjson
from markupsafe import Markup

from fediverse_node.web.moments import date
from fediverse_node.web.rich_text import content_html, field_html, name_html, plain_name

Row = Any
_HUES = 12
_KINDS = {"Organization": "Organisation", "Service": "Automated account", "Group": "Group", "Application": "App"}


@dataclass(frozen=True, slots=True)
class Person:
    """Who wrote something. `avatar` is a path here; without one there are `initials` on a colour (`hue`)."""

    name: Markup
    plain_name: str
    handle: str
    link: str
    local: bool
    avatar: str | None
    avatar_description: str
    initials: str
    hue: int


@dataclass(frozen=True, slots=True)
class ProfileField:
    """One line of the table on a profile. `verified` says since when the page links back."""

    name: Markup
    value: Markup
    verified: str | None


@dataclass(frozen=True, slots=True)
class ProfileView:
    """A profile of ours."""

    person: Person
    username: str
    kind: str | None
    summary: Markup
    fields: tuple[ProfileField, ...]
    header: str | None
    header_description: str
    joined: str
    posts: int
    followers: int | None
    following: int | None
    locked: bool
    memorial: bool
    moved_to: str | None
    may_be_found: bool


def media_path(path: str) -> str:
    """Where a file below the media folder is served."""
    return f"/media/{quote(path)}"


def person_of(row: Row, base_url: str, prefix: str = "author_") -> Person:
    """The person in the columns that begin with `prefix`."""
    emojis = orjson.loads(row[prefix + "emojis"])
    username, host, local = row[prefix + "username"], row[prefix + "host"], bool(row[prefix + "local"])
    name = row[prefix + "name"]
    shown_name = plain_name(name, emojis) or username
    icon = row[prefix + "icon_url"]
    return Person(
        name=name_html(name, emojis, base_url) or Markup.escape(username),
        plain_name=shown_name,
        handle=f"@{username}@{host}",
        link=f"/@{username}" if local else (_web_address(row[prefix + "url"]) or _web_address(row[prefix + "uri"])),
        local=local,
        avatar=media_path(icon) if local and icon else None,
        avatar_description=row[prefix + "icon_description"],
        initials=initials_of(shown_name),
        hue=zlib.crc32(f"{username}@{host}".lower().encode()) % _HUES,
    )


def profile_view(row: Row, base_url: str) -> ProfileView:
    """The profile in a row of `actors`."""
    emojis = orjson.loads(row["emojis"])
    image = row["image_url"]
    hidden = bool(row["hide_collections"])
    return ProfileView(
        person=person_of(row, base_url, prefix=""),
        username=row["username"],
        kind=_KINDS.get(row["type"]),
        summary=content_html(row["summary"], emojis, base_url),
        fields=tuple(_field(item, emojis, base_url) for item in orjson.loads(row["fields"])),
        header=media_path(image) if image else None,
        header_description=row["image_description"],
        joined=date(row["created_ms"]),
        posts=row["statuses_count"],
        followers=None if hidden else row["followers_count"],
        following=None if hidden else row["following_count"],
        locked=bool(row["locked"]),
        memorial=bool(row["memorial"]),
        moved_to=_web_address(row["moved_to_uri"]) or None,
        may_be_found=may_be_found(row),
    )


def may_be_found(row: Row, prefix: str = "") -> bool:
    """Whether search engines may list the actor: only if asked to."""
    return bool(row[prefix + "discoverable"]) and bool(row[prefix + "indexable"])


def initials_of(name: str) -> str:
    """One or two letters that stand for a name in any script; a dot where there is no letter."""
    letters = [next((c for c in word if c.isalnum()), "") for word in name.split()]
    letters = [letter for letter in letters if letter]
    chosen = letters[:1] + letters[-1:] if len(letters) > 1 else letters[:1]
    return "".join(chosen).upper() or "·"


def _field(item: dict[str, Any], emojis: list[dict[str, Any]], base_url: str) -> ProfileField:
    verified = item.get("verified_at")
    return ProfileField(
        name=name_html(str(item.get("name") or ""), emojis, base_url),
        value=field_html(str(item.get("value") or ""), emojis, base_url),
        verified=_verified_date(verified),
    )


def _verified_date(value: object) -> str | None:
    """As stored: milliseconds, or an ISO date of which the day is enough."""
    if isinstance(value, int) and not isinstance(value, bool):
        return date(value)
    return str(value)[:10] if value else None


def _web_address(url: str | None) -> str:
    # What a stranger's document calls its page must not become a script.
    return url if url and url.startswith(("https://", "http://")) else ""
