"""The owner of a conversation tells what was added to it: a hint at a reply, and nothing more."""

from __future__ import annotations

from typing import Any

import pytest

from fediverse_node.domain.activities import add
from fediverse_node.domain.effects import FetchLater
from fediverse_node.domain.model import Actor
from tests.activities.builders import ALICE, BOB, CAROL, EVE, Given, a_world, an_object, outline, received

QUESTION = an_object(BOB, 1)
KNOWN = a_world(Given(objects=[QUESTION]))
REPLY = "https://third.example/posts/9"
CONTAINER = {"type": "OrderedCollection", "id": f"{BOB.uri}/contexts/1/history", "attributedTo": BOB.uri}


def _create(post: object, kind: str = "Create") -> dict[str, Any]:
    return {"type": kind, "id": f"{REPLY}/activity", "actor": "https://third.example/users/zoe", "object": post}


def _reply(**more: Any) -> dict[str, Any]:
    return {"type": "Note", "id": REPLY, "inReplyTo": QUESTION.uri, "content": "This is a reply", **more}


def _told(who: Actor, object_: object, target: object) -> list[str]:
    return outline(add.decide(received("Add", who, object_, target=target), KNOWN))


def test_the_reply_is_asked_for_where_it_was_written_and_not_taken_from_the_owner() -> None:
    told = received("Add", BOB, _create(_reply()), target=CONTAINER)
    assert list(add.decide(told, KNOWN)) == [FetchLater(REPLY, "object")]
    assert add.needs(received("Add", BOB, _create(_reply()), target=CONTAINER)).objects == (REPLY, QUESTION.uri)


@pytest.mark.parametrize(
    ("who", "object_", "target"),
    [
        pytest.param(EVE, _create(_reply()), CONTAINER, id="somebody else's conversation"),
        pytest.param(BOB, _create(_reply()), {**CONTAINER, "attributedTo": CAROL.uri}, id="another owner"),
        pytest.param(BOB, _create(_reply()), {**CONTAINER, "id": "https://x.example/c"}, id="at home elsewhere"),
        pytest.param(BOB, _create(_reply()), {**CONTAINER, "type": "Note"}, id="no collection"),
        pytest.param(BOB, _create(_reply()), CONTAINER["id"], id="an address alone"),
        pytest.param(BOB, _create(_reply(), "Like"), CONTAINER, id="a like"),
        pytest.param(BOB, _create(_reply(), "Delete"), CONTAINER, id="a deletion of somebody else's"),
        pytest.param(BOB, _create(REPLY), CONTAINER, id="a post by its address"),
        pytest.param(BOB, _create(_reply(inReplyTo=None)), CONTAINER, id="no reply"),
        pytest.param(BOB, _create(_reply(inReplyTo="https://x.example/1")), CONTAINER, id="to what is not here"),
        pytest.param(BOB, _create(_reply(id="javascript:alert(1)")), CONTAINER, id="no address"),
        pytest.param(BOB, _create(_reply(id=QUESTION.uri)), CONTAINER, id="what is here"),
        pytest.param(BOB, _create(_reply(id=f"{ALICE.uri}/statuses/404")), CONTAINER, id="ours, and unknown"),
        pytest.param(BOB, _create({"type": "Note"}), CONTAINER, id="nothing in it"),
        pytest.param(BOB, [[]], CONTAINER, id="nonsense"),
    ],
)
def test_whatever_else_is_added_has_no_effect(who: Actor, object_: object, target: object) -> None:
    [sentence] = _told(who, object_, target)
    assert sentence.startswith("refuse"), sentence
