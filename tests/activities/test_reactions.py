from __future__ import annotations

from typing import Any

import pytest

from fediverse_node.domain import reactions
from fediverse_node.domain.activities import RULES
from fediverse_node.domain.domains import DomainPolicy
from fediverse_node.domain.effects import Deliver, NewReaction, Put, ReactionKey, Remove
from fediverse_node.domain.facts import Facts
from fediverse_node.domain.model import InteractionPolicy, Permission, Reaction, Visibility
from fediverse_node.domain.reactions import MOST_PER_PERSON, Picture
from tests.activities.builders import ALICE, BOB, CAROL, ZOE, Given, a_world, an_object, only, outline, received

NOTE = an_object(ALICE)
PRIVATE = an_object(ALICE, 101, Visibility.FOLLOWERS)
THEIRS = an_object(ZOE, 102)
CLOSED = an_object(ALICE, 104, policy=InteractionPolicy(like=Permission(("author",))))
ALL = [NOTE, PRIVATE, THEIRS, CLOSED]
LIKE_ID = f"{BOB.uri}/activities/Like/7"


def said(content: str, *, uri: str | None = None, host: str = "") -> Reaction:
    return Reaction(BOB.id, NOTE.id, content, host, uri=uri)


def with_reactions(*found: Reaction, given: Given | None = None, **facts: Any) -> Facts:
    """A world in which these were said before."""
    said_by: dict[tuple[int, int], tuple[Reaction, ...]] = {}
    for each in found:
        key = (each.actor_id, each.object_id)
        said_by[key] = (*said_by.get(key, ()), each)
    by_uri = {each.uri: each for each in found if each.uri}
    return a_world(given or Given(objects=ALL), reactions=said_by, reactions_by_uri=by_uri, **facts)


def an_emoji(name: str, url: str, id_: str | None = None) -> dict[str, Any]:
    tag: dict[str, Any] = {"type": "Emoji", "name": f":{name}:", "icon": {"type": "Image", "url": url}}
    return {**tag, "id": id_} if id_ else tag


CAT = "https://far.example/cat.png"


@pytest.mark.parametrize(
    "kind, more, facts, expected",
    [
        pytest.param(
            "EmojiReact",
            {"content": "🔥"},
            with_reactions(),
            ["reaction 🔥 to 100 by bob", "tell alice of reaction by bob"],
            id="Pleroma's reaction is stored and its author is told",
        ),
        pytest.param(
            "Like",
            {"content": "🔥", "_misskey_reaction": "🔥"},
            with_reactions(),
            ["reaction 🔥 to 100 by bob", "tell alice of reaction by bob"],
            id="Misskey's Like with a picture is the same",
        ),
        pytest.param(
            "Like", {}, with_reactions(), ["like of 100 by bob", "tell alice of like by bob"], id="a plain like"
        ),
        pytest.param(
            "EmojiReact",
            {"content": ":cat:", "tag": [an_emoji("cat", CAT)]},
            with_reactions(),
            ["reaction :cat:@far.example to 100 by bob", "tell alice of reaction by bob"],
            id="a custom emoji belongs to whoever sends it",
        ),
        pytest.param(
            "EmojiReact",
            {"content": ":cat:", "tag": [an_emoji("cat", CAT, "https://third.example/emojis/cat")]},
            with_reactions(),
            ["reaction :cat:@far.example to 100 by bob", "tell alice of reaction by bob"],
            id="nobody sends their own picture under the name of another server",
        ),
        pytest.param(
            "EmojiReact",
            {
                "content": ":cat:",
                "tag": [an_emoji("cat", "https://third.example/c.png", "https://third.example/e/cat")],
            },
            with_reactions(),
            ["reaction :cat:@third.example to 100 by bob", "tell alice of reaction by bob"],
            id="an emoji of a third server keeps its home if its picture is from there",
        ),
        pytest.param(
            "EmojiReact", {"content": ":cat:"}, with_reactions(), ["refuse MALFORMED"], id="without a picture"
        ),
        pytest.param(
            "EmojiReact", {"content": "x" * 10_000}, with_reactions(), ["refuse MALFORMED"], id="10 kB of text"
        ),
        pytest.param("EmojiReact", {"content": "🔥🔥"}, with_reactions(), ["refuse MALFORMED"], id="two emojis"),
        pytest.param("EmojiReact", {}, with_reactions(), ["refuse MALFORMED"], id="nothing at all"),
        pytest.param(
            "Dislike", {}, with_reactions(), ["reaction dislike to 100 by bob"], id="a dislike is told nobody"
        ),
        pytest.param(
            "EmojiReact", {"content": "🔥"}, with_reactions(said("🔥")), ["refuse ALREADY_DONE"], id="the same again"
        ),
        pytest.param(
            "EmojiReact",
            {"content": "🔥"},
            with_reactions(said("👍")),
            ["reaction 🔥 to 100 by bob"],
            id="a second one does not ring again",
        ),
        pytest.param(
            "EmojiReact",
            {"content": "🔥"},
            with_reactions(said("dislike")),
            ["reaction 🔥 to 100 by bob", "tell alice of reaction by bob"],
            id="who was against it is heard when they are for it",
        ),
        pytest.param(
            "EmojiReact",
            {"content": "🔥"},
            with_reactions(*(said(f":e{number}:") for number in range(MOST_PER_PERSON))),
            ["refuse NOT_PERMITTED"],
            id="nobody fills the space below a post",
        ),
        pytest.param(
            "EmojiReact",
            {"content": "🔥"},
            with_reactions(given=Given(objects=ALL, blocks=[(ALICE, BOB)])),
            ["refuse NOT_PERMITTED"],
            id="a blocked actor does not react",
        ),
        pytest.param(
            "EmojiReact",
            {"content": "🔥"},
            with_reactions(given=Given(objects=ALL, mutes=[(ALICE, BOB)])),
            ["reaction 🔥 to 100 by bob"],
            id="a muted actor's reaction is told nobody",
        ),
        pytest.param(
            "EmojiReact",
            {"content": "🔥"},
            with_reactions(domains=DomainPolicy.suspending("far.example")),
            ["refuse SUSPENDED"],
            id="a blocked host does not react",
        ),
    ],
)
def test_somebody_elsewhere_reacts(kind: str, more: dict[str, Any], facts: Facts, expected: list[str]) -> None:
    assert outline(RULES[kind].decide(received(kind, BOB, NOTE.uri, **more), facts)) == expected


@pytest.mark.parametrize("target", [PRIVATE, CLOSED, an_object(ALICE, 999)], ids=["unseen", "not wanted", "unknown"])
def test_nobody_reacts_to_what_they_may_not_like(target: Any) -> None:
    effects = outline(
        RULES["EmojiReact"].decide(received("EmojiReact", BOB, target.uri, content="🔥"), with_reactions())
    )
    assert effects in (["refuse NOT_PERMITTED"], ["refuse UNKNOWN_OBJECT"])


def test_the_same_activity_with_another_picture_takes_the_place_of_the_first() -> None:
    facts = with_reactions(*(said(f":e{n}:", uri=LIKE_ID if n == 0 else None) for n in range(MOST_PER_PERSON)))
    [put] = RULES["Like"].decide(received("Like", BOB, NOTE.uri, content="🔥", id=LIKE_ID), facts)
    assert isinstance(put, Put)
    assert isinstance(put.record, NewReaction)
    assert put.record.reaction.uri == LIKE_ID


@pytest.mark.parametrize(
    "undone, facts, expected",
    [
        pytest.param(LIKE_ID, with_reactions(said("🔥", uri=LIKE_ID)), ["unreact 🔥 to 100 by bob"], id="by its id"),
        pytest.param(
            {"id": LIKE_ID, "type": "EmojiReact", "actor": BOB.uri, "object": NOTE.uri, "content": "🔥"},
            with_reactions(said("👍"), said("🔥")),
            ["unreact 🔥 to 100 by bob"],
            id="by what it says",
        ),
        pytest.param(
            {"id": LIKE_ID, "type": "Like", "actor": BOB.uri, "object": NOTE.uri, "content": "🔥"},
            with_reactions(said("🔥", uri=LIKE_ID), given=Given(objects=ALL, likes=[(BOB, NOTE)])),
            ["unreact 🔥 to 100 by bob"],
            id="the plain like beside it stays",
        ),
        pytest.param(
            {"id": f"{BOB.uri}/d/1", "type": "Dislike", "actor": BOB.uri, "object": NOTE.uri},
            with_reactions(said("dislike")),
            ["unreact dislike to 100 by bob"],
            id="a dislike",
        ),
        pytest.param(
            f"{ZOE.uri}/activities/Like/7",
            with_reactions(Reaction(ZOE.id, NOTE.id, "🔥", uri=f"{ZOE.uri}/activities/Like/7")),
            ["refuse NOT_THE_OWNER"],
            id="not somebody else's",
        ),
        pytest.param(
            {"id": LIKE_ID, "type": "EmojiReact", "actor": BOB.uri, "object": NOTE.uri, "content": "🔥"},
            with_reactions(),
            ["refuse UNKNOWN_OBJECT"],
            id="not what was never said",
        ),
    ],
)
def test_reactions_are_taken_back(undone: Any, facts: Facts, expected: list[str]) -> None:
    assert outline(RULES["Undo"].decide(received("Undo", BOB, undone), facts)) == expected


@pytest.mark.parametrize(
    "before, liked, kind",
    [
        pytest.param((), (), "Like", id="a first one counts everywhere"),
        pytest.param((Reaction(CAROL.id, THEIRS.id, "👍"),), (), "EmojiReact", id="a second one is no second like"),
        pytest.param((), ((CAROL, THEIRS),), "EmojiReact", id="nor is one beside a like"),
    ],
)
def test_one_of_ours_reacts(before: tuple[Reaction, ...], liked: Any, kind: str) -> None:
    facts = with_reactions(*before, given=Given(objects=ALL, likes=liked))
    effects = list(reactions.compose(CAROL, THEIRS, Picture("🔥"), facts))
    assert outline(effects) == ["reaction 🔥 to 102 by carol", f"send {kind} to zoe"]
    document = only(Deliver, effects).document
    assert (document["type"], document["content"], document["to"]) == (kind, "🔥", [ZOE.uri])
    assert ("_misskey_reaction" in document) == (kind == "Like")


def test_our_own_emoji_goes_out_with_its_picture_and_its_home() -> None:
    picture = Picture(":cat:", "https://home.example/media/c.png", uri="https://home.example/emojis/cat")
    document = only(Deliver, reactions.compose(CAROL, THEIRS, picture, with_reactions())).document
    assert document["tag"] == [
        {
            "id": "https://home.example/emojis/cat",
            "type": "Emoji",
            "name": ":cat:",
            "icon": {"type": "Image", "url": "https://home.example/media/c.png"},
        }
    ]


def test_taking_a_reaction_back_names_it_as_it_was_sent() -> None:
    sent = f"{CAROL.uri}/activities/emoji_react/5"
    facts = with_reactions(Reaction(CAROL.id, THEIRS.id, "🔥", uri=sent))
    effects = list(reactions.compose_undo(CAROL, THEIRS, "🔥", "", facts))
    assert only(Remove, effects).key == ReactionKey(CAROL.id, THEIRS.id, "🔥")
    inner = only(Deliver, effects).document["object"]
    assert (inner["id"], inner["type"], inner["content"]) == (sent, "EmojiReact", "🔥")
    assert outline(reactions.compose_undo(CAROL, THEIRS, "👍", "", facts)) == ["refuse ALREADY_DONE"]
