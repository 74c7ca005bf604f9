"""The OAuth scopes and what satisfies what.  spec: mastodon-client-api#oauth-scopes"""

from __future__ import annotations

from collections.abc import Mapping

_READS = (
    *("accounts", "blocks", "bookmarks", "collections", "favourites", "filters"),
    *("follows", "lists", "mutes", "notifications", "search", "statuses"),
)
_WRITES = (
    *("accounts", "blocks", "bookmarks", "collections", "conversations", "favourites", "filters"),
    *("follows", "lists", "media", "mutes", "notifications", "reports", "statuses"),
)
_ADMIN = (
    *("accounts", "reports", "domain_allows", "domain_blocks", "ip_blocks"),
    *("email_domain_blocks", "canonical_email_blocks"),
)
_FOLLOW_FAMILY = frozenset(("blocks", "follows", "mutes"))

ALL_SCOPES: tuple[str, ...] = (
    "profile",
    "read",
    *(f"read:{name}" for name in _READS),
    "write",
    *(f"write:{name}" for name in _WRITES),
    "follow",
    "push",
    "admin:read",
    *(f"admin:read:{name}" for name in _ADMIN),
    "admin:write",
    *(f"admin:write:{name}" for name in _ADMIN),
)
_KNOWN = frozenset(ALL_SCOPES)
DEFAULT_SCOPE = "read"
SCOPE_WORDS: Mapping[str, str] = {
    "profile": "See your name and picture",
    "read": "Read everything in your account: posts, messages, notifications, lists and settings",
    "write": "Act as you: write and delete posts, upload pictures, change your profile and settings",
    "follow": "Follow, block and mute people for you",
    "push": "Send you notifications",
    "admin:read": "Read everything an administrator of this server can see",
    "admin:write": "Change everything an administrator of this server can change",
}


def parse_scopes(text: str) -> tuple[str, ...] | None:
    """The scopes in a text, separated by white space (some apps send `+` or commas not: those are refused).

    None when one is unknown. Empty means the default.
    """
    names = tuple(dict.fromkeys(text.split())) or (DEFAULT_SCOPE,)
    return names if all(name in _KNOWN for name in names) else None


def acceptable(scope: str | tuple[str, ...]) -> frozenset[str]:
    """Scopes of which a token must hold one; empty when any token will do."""
    names = (scope,) if isinstance(scope, str) else scope
    found: set[str] = set()
    for name in names:
        if not name:
            continue
        found.add(name)
        broad, _, part = name.rpartition(":")
        if broad:
            found.add(broad)
        if part in _FOLLOW_FAMILY and broad in ("read", "write"):
            found.add("follow")
    return frozenset(found)


def is_within(asked: tuple[str, ...], allowed: tuple[str, ...]) -> bool:
    """Whether each asked scope is among the allowed ones or a part of one."""
    have = frozenset(allowed)
    return all(not have.isdisjoint(acceptable(name)) for name in asked)


def describe_scopes(scopes: tuple[str, ...]) -> list[str]:
    """What the scopes mean, a sentence each; the parts of one together."""
    sentences: list[str] = []
    parts: dict[str, list[str]] = {}
    for scope in scopes:
        if scope in SCOPE_WORDS:
            sentences.append(SCOPE_WORDS[scope])
        else:
            broad, _, part = scope.rpartition(":")
            parts.setdefault(broad, []).append(part.replace("_", " "))
    verbs = {"read": "Read your", "write": "Change your", "admin:read": "As administrator, read"}
    for broad, named in parts.items():
        sentences.append(f"{verbs.get(broad, 'As administrator, change')} {', '.join(named)}")
    return sentences
