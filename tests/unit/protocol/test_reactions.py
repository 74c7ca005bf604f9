"""Reactions of all dialects: one emoji, or nothing."""

from __future__ import annotations

from typing import Any

import pytest

from fediverse_node.protocol.activitystreams import Activity, inner_activity, parse_activity
from fediverse_node.protocol.reactions import Reaction, is_emoji

BOB, NOTE = "https://b.example/users/bob", "https://a.example/notes/1"
PICTURE = "https://b.example/blob.png"


def reaction_of(type_: str = "EmojiReact", **more: Any) -> Reaction | None:
    parsed = parse_activity({"id": "https://b.example/1", "type": type_, "actor": BOB, "object": NOTE, **more})
    assert isinstance(parsed, Activity)
    return parsed.reaction


def tag(name: str) -> dict[str, Any]:
    return {"type": "Emoji", "name": name, "icon": {"type": "Image", "url": PICTURE}}


@pytest.mark.parametrize("emoji", ["👌", "❤", "❤️", "👍🏽", "👨‍👩‍👧", "🏳️‍🌈", "🇪🇺", "5️⃣", "🏴󠁧󠁢󠁳󠁣󠁴󠁿", "⭐", "©️", "🫠", "↗️"])
def test_one_emoji_is_a_reaction(emoji: str) -> None:
    assert is_emoji(emoji)
    assert reaction_of(content=emoji) == Reaction(emoji)


@pytest.mark.parametrize(
    "text", ["", "~", "a", "👌👌", "👌 👌", "👌x", "12", "🇪", ":)", "<b>👌</b>", "👌" * 1000, "\u200d", "ok"]
)
def test_anything_else_is_none(text: str) -> None:
    assert not is_emoji(text)
    assert reaction_of(content=text) is None


@pytest.mark.parametrize(
    ("content", "name"),
    [
        pytest.param(":blob:", ":blob:", id="Misskey, Pleroma"),
        pytest.param(":blob:", "blob", id="Akkoma"),
        pytest.param("blob", ":blob:", id="without colons"),
        pytest.param(":blob@.:", ":blob:", id="Misskey's own"),
        pytest.param(":blob@c.example:", ":blob@c.example:", id="Misskey's foreign"),
    ],
)
def test_a_custom_emoji_comes_with_its_picture(content: str, name: str) -> None:
    reaction = reaction_of(content=content, tag=[tag(name)])
    assert reaction is not None
    assert reaction.content == ":blob:"
    assert reaction.emoji is not None
    assert reaction.emoji.url == PICTURE


def test_a_custom_emoji_without_its_picture_says_nothing() -> None:
    assert reaction_of(content=":blob:") is None
    assert reaction_of(content=":blob:", tag=[tag(":other:")]) is None


def test_misskey_likes_are_reactions_and_plain_likes_are_not() -> None:
    assert reaction_of("Like") is None
    assert reaction_of("Like", content="👌") == Reaction("👌")
    assert reaction_of("Like", _misskey_reaction="pudding") == Reaction("🍮")
    assert reaction_of("Like", content="unused words") is None
    assert reaction_of("Dislike", content="👌") is None


def test_an_activity_inside_an_activity_is_found_and_a_post_is_not_one() -> None:
    like = {"id": "https://b.example/2", "type": "Like", "actor": BOB, "object": NOTE}
    carrier = {"id": "https://g.example/1", "type": "Announce", "actor": "https://g.example/c/main", "object": like}
    announce = parse_activity(carrier)
    assert isinstance(announce, Activity)
    inner = inner_activity(announce)
    assert inner is not None
    assert (inner.type, inner.actor, inner.object_id) == ("Like", BOB, NOTE)
    for other in (NOTE, {"id": NOTE, "type": "Note", "actor": BOB}, {"id": NOTE}, None):
        parsed = parse_activity({**carrier, "object": other})
        assert isinstance(parsed, Activity)
        assert inner_activity(parsed) is None


def test_a_moderators_reason_and_end_and_an_approval_are_read() -> None:
    block = parse_activity(
        {
            "type": "Block",
            "actor": BOB,
            "object": "https://c.example/u",
            "summary": " spam ",
            "expires": "2026-01-01T00:00:00Z",
        }
    )
    assert isinstance(block, Activity)
    assert block.summary == "spam"
    assert block.ends is not None
    accept = parse_activity({"type": "Accept", "actor": BOB, "object": NOTE, "result": "https://b.example/stamps/1"})
    assert isinstance(accept, Activity)
    assert accept.result_id == "https://b.example/stamps/1"
