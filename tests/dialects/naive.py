"""A second, simpler reading of recorded documents, which shares no line with the node's: the table is held against it.

It takes the JSON as it lies there, the way one looks at it by eye: no JSON-LD, no limits, no care for strangers.
"""

from __future__ import annotations

import re
from html.parser import HTMLParser
from typing import Any

PUBLIC = "https://www.w3.org/ns/activitystreams#Public"
_PUBLIC_NAMES = {PUBLIC, "as:Public", "Public"}
_QUOTES = ("quote", "quoteUrl", "quoteUri", "quoteURL", "_misskey_quote")
_FILES = {"Image", "Video", "Audio", "Document"}
_SILENT = {"script", "style", "title", "svg", "math", "iframe", "noscript", "textarea", "object", "template", "xmp"}


class _Words(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.text: list[str] = []
        self._silent = 0

    def handle_starttag(self, tag: str, attrs: Any) -> None:
        self.text.append(" ")
        self._silent += tag in _SILENT

    def handle_endtag(self, tag: str) -> None:
        self.text.append(" ")
        self._silent = max(0, self._silent - (tag in _SILENT))

    def handle_data(self, data: str) -> None:
        if not self._silent:
            self.text.append(data)


def words(html: str) -> list[str]:
    """The words somebody would read, in order."""
    reader = _Words()
    reader.feed(html)
    reader.close()
    return re.findall(r"\w+", "".join(reader.text))


def read_post(post: dict[str, Any]) -> dict[str, Any]:
    """What a post says at first sight, under the names of the table."""
    to, cc = _addresses(post.get("to")), _addresses(post.get("cc"))
    tags = [tag for tag in _list(post.get("tag")) if isinstance(tag, dict)]
    return {
        "author": _author(post),
        "visibility": _reach(to, cc),
        "parent": _address(post.get("inReplyTo")),
        "context": _address(post.get("context")) or _address(post.get("inConversation")),
        "title": post.get("name") if isinstance(post.get("name"), str) else None,
        "quote": next((_address(post[key]) for key in _QUOTES if _address(post.get(key))), None),
        "mentions": {tag["href"] for tag in tags if tag.get("type") == "Mention" and isinstance(tag.get("href"), str)},
        "hashtags": {
            str(tag.get("name")).lstrip("#").casefold()
            for tag in tags
            if tag.get("type") == "Hashtag" and tag.get("name")
        },
        "emojis": {str(tag.get("name")).strip(":") for tag in tags if str(tag.get("type")).endswith("Emoji")},
        "files": {file for item in _list(post.get("attachment")) if (file := _file(item))},
        "options": [
            item.get("name") for item in _list(post.get("oneOf") or post.get("anyOf")) if isinstance(item, dict)
        ],
        "groups": {
            item["id"]
            for item in _list(post.get("attributedTo"))
            if isinstance(item, dict) and item.get("type") == "Group"
        },
        "words": words(_content(post)),
        "starts": post.get("startTime"),
    }


def _content(post: dict[str, Any]) -> str:
    content = post.get("content")
    if isinstance(content, str):
        return content
    by_language = post.get("contentMap")
    if isinstance(by_language, dict):
        return next((text for text in by_language.values() if isinstance(text, str)), "")
    return ""


def _author(post: dict[str, Any]) -> str | None:
    people = [
        item for item in _list(post.get("attributedTo")) if not (isinstance(item, dict) and item.get("type") == "Group")
    ]
    return _address(people or post.get("actor") or post.get("attributedTo"))


def _reach(to: list[str], cc: list[str]) -> str:
    if _PUBLIC_NAMES & set(to):
        return "public"
    if _PUBLIC_NAMES & set(cc):
        return "unlisted"
    if any(re.search(r"/(followers|subscribers)(/[^/]+)?$", address) for address in (*to, *cc)):
        return "followers"
    return "direct"


def _list(value: Any) -> list[Any]:
    if value is None:
        return []
    return value if isinstance(value, list) else [value]


def _address(value: Any) -> str | None:
    for item in _list(value):
        found = (item.get("id") or item.get("href")) if isinstance(item, dict) else item
        if isinstance(found, str) and ":" in found and " " not in found:
            return found
    return None


def _addresses(value: Any) -> list[str]:
    return [address for item in _list(value) if (address := _address(item) or (item if item == "Public" else None))]


def _file(item: Any) -> str | None:
    if not isinstance(item, dict) or item.get("type") not in _FILES:
        return None
    url = item.get("url") or item.get("href")
    url = _list(url)[0] if _list(url) else None
    url = (url.get("href") or url.get("url")) if isinstance(url, dict) else url
    return url if isinstance(url, str) and url.startswith("http") else None


def read_actor(actor: dict[str, Any]) -> dict[str, Any]:
    """What an actor says at first sight, under the names of the table."""
    endpoints = actor.get("endpoints")
    shared = endpoints.get("sharedInbox") if isinstance(endpoints, dict) else None
    keys = [key for name in ("publicKey", "assertionMethod") for key in _list(actor.get(name)) if isinstance(key, dict)]
    return {
        "id": actor.get("id"),
        "inbox": actor.get("inbox") if str(actor.get("inbox")).startswith("http") else None,
        "shared_inbox": shared or actor.get("sharedInbox"),
        "username": actor.get("preferredUsername"),
        "followers": actor.get("followers"),
        "moved_to": _address(actor.get("movedTo")),
        "also_known_as": {address for address in _list(actor.get("alsoKnownAs")) if ":" in address},
        "keys": {key["id"] for key in keys if key.get("publicKeyPem") or key.get("publicKeyMultibase")},
        "fields": [item.get("name") for item in _list(actor.get("attachment")) if item.get("type") == "PropertyValue"],
    }


def read_activity(activity: dict[str, Any]) -> dict[str, Any]:
    """What an activity says at first sight, under the names of the table."""
    to, cc = _addresses(activity.get("to")), _addresses(activity.get("cc"))
    kind = activity.get("type")
    reaction = activity.get("content") or activity.get("_misskey_reaction")
    return {
        "actor": _address(activity.get("actor")),
        "object": _address(activity.get("object")),
        "target": _address(activity.get("target")),
        "result": _address(activity.get("result")),
        "visibility": _reach(to, cc),
        "reaction": reaction if kind in ("EmojiReact", "Like") else None,
    }
