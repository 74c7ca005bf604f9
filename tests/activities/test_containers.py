"""The owner of a conversation tells what was added to it: of others a hint at a reply; and what ours tell, and whom."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import replace
from typing import Any

import pytest

from fediverse_node.domain import approvals
from fediverse_node.domain.activities import add, create
from fediverse_node.domain.domains import DomainPolicy
from fediverse_node.domain.effects import Deliver, Effect, FetchLater, NewObject, Put
from fediverse_node.domain.facts import Facts
from fediverse_node.domain.model import Actor, Container, InteractionPolicy, Object, Permission, Visibility
from fediverse_node.domain.verified import Verified
from fediverse_node.protocol.addressing import PUBLIC
from tests.activities.builders import (
    ALICE,
    BOB,
    CAROL,
    EVE,
    NAMES,
    PEOPLE,
    ZOE,
    Given,
    a_note,
    a_world,
    an_object,
    only,
    outline,
    received,
)

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


# Conversations of ours

ROOT = an_object(ALICE, 1)
LISTENERS = ("https://third.example/inbox",)
OURS = Container(ROOT.id, ALICE.id, ALICE.uri, ALICE.followers_uri, Visibility.PUBLIC, LISTENERS)
ACTIVITY = f"{BOB.uri}/statuses/7/activity"


def _talk(*more: Object, container: Container | None = OURS, **given: Any) -> Facts:
    facts = given.pop("facts", {})
    kept = {OURS.thread_id: container} if container is not None else {}
    return a_world(Given(objects=[ROOT, *more], **given), containers=kept, **facts)


def _answer(author: Actor = BOB, parent: Object = ROOT, **more: Any) -> dict[str, Any]:
    return a_note(author, 7, inReplyTo=parent.uri, **more)


def _said(note: dict[str, Any], author: Actor = BOB, *, id_: str = ACTIVITY, **more: Any) -> Verified:
    return received("Create", author, note, id=id_, **more)


def _told_by_ours(effects: Iterable[Effect]) -> Deliver | None:
    found = [effect for effect in effects if isinstance(effect, Deliver) and effect.type == "Add"]
    return found[0] if found else None


def test_the_owner_tells_those_who_listen_of_a_reply() -> None:
    effects = list(create.decide(_said(_answer()), _talk()))
    record = next(
        effect.record for effect in effects if isinstance(effect, Put) and isinstance(effect.record, NewObject)
    )
    told = _told_by_ours(effects)
    assert told is not None
    assert (told.signer_id, told.inboxes, told.to_actor_ids, told.followers_of) == (ALICE.id, LISTENERS, (), None)
    assert told.uri == f"{NAMES.base_url}/contexts/1/history/{record.id}"
    assert told.object_id == record.id
    assert record.activity_uri == ACTIVITY
    assert {
        key: told.document[key] for key in ("id", "type", "actor", "object", "to", "cc", "target", "published")
    } == {
        "id": told.uri,
        "type": "Add",
        "actor": ALICE.uri,
        "object": ACTIVITY,
        "to": [PUBLIC],
        "cc": [ALICE.followers_uri],
        "target": {
            "type": "OrderedCollection",
            "id": f"{NAMES.base_url}/contexts/1/history",
            "attributedTo": ALICE.uri,
        },
        "published": "2026-11-21T11:00:00Z",
    }


def test_what_proves_itself_is_told_whole_and_as_it_came() -> None:
    came = {"@context": ["https://x.example"], "type": "Create", "weight": 1.0, "proof": {"type": "DataIntegrityProof"}}
    said = replace(_said(_answer()), received=json.dumps(came).encode())
    told = _told_by_ours(create.decide(said, _talk()))
    assert told is not None
    assert told.document["object"] == came
    # A signature that only the whole of a document carries proves nothing inside of another.
    unproven = replace(
        said, received=json.dumps({**came, "proof": None} | {"signature": {}}).replace("proof", "p").encode()
    )
    told = _told_by_ours(create.decide(unproven, _talk()))
    assert told is not None
    assert told.document["object"] == ACTIVITY


DEEPER = an_object(CAROL, 5, thread_id=ROOT.id, in_reply_to_id=ROOT.id)
ASKING = an_object(ALICE, 1, policy=InteractionPolicy(reply=Permission(("author",), ("public",))))
FOLLOWERS_ONLY: dict[str, Any] = {"to": [BOB.followers_uri], "cc": [ALICE.uri]}
UNLISTED: dict[str, Any] = {"to": [BOB.followers_uri], "cc": [PUBLIC]}


@pytest.mark.parametrize(
    ("said", "facts", "is_told"),
    [
        pytest.param(_said(_answer()), _talk(), True, id="a reply"),
        pytest.param(_said(_answer(parent=DEEPER)), _talk(DEEPER), True, id="a reply to a reply"),
        pytest.param(_said(_answer(**UNLISTED)), _talk(), True, id="an unlisted one"),
        pytest.param(_said(_answer(**FOLLOWERS_ONLY)), _talk(), False, id="one for followers"),
        pytest.param(_said(_answer(to=[ALICE.uri], cc=[])), _talk(), False, id="one for her alone"),
        pytest.param(_said(_answer()), _talk(container=None), False, id="where nobody listens"),
        pytest.param(
            _said(_answer(parent=DEEPER)), _talk(DEEPER, blocks=[(ALICE, BOB)]), False, id="by whom she blocks"
        ),
        pytest.param(
            _said(_answer(parent=DEEPER)), _talk(DEEPER, blocks=[(BOB, ALICE)]), False, id="by whom she is blocked"
        ),
        pytest.param(
            _said(_answer(parent=DEEPER)),
            _talk(DEEPER, facts={"domain_blocks": {(ALICE.id, BOB.host)}}),
            False,
            id="from where she wants nothing",
        ),
        pytest.param(
            _said(_answer()),
            _talk(facts={"domains": DomainPolicy.suspending(BOB.host)}),
            False,
            id="from a blocked host",
        ),
        pytest.param(
            _said(_answer(parent=DEEPER)),
            _talk(DEEPER, actors=[*(p for p in PEOPLE if p is not ALICE), replace(ALICE, suspended=True)]),
            False,
            id="while she is suspended",
        ),
        pytest.param(
            _said(_answer(parent=DEEPER)),
            _talk(DEEPER, actors=[*(p for p in PEOPLE if p is not ALICE), replace(ALICE, moved_to_uri=ZOE.uri)]),
            False,
            id="after she has moved",
        ),
        pytest.param(_said(_answer()), replace(_talk(), objects={ROOT.uri: ASKING}), False, id="one that has to wait"),
        pytest.param(_said(_answer(), id_=f"{EVE.uri}/1"), _talk(), False, id="with an id of somebody else's"),
        pytest.param(
            _said(_answer(), id_=f"{ACTIVITY}#Create"), _talk(), False, id="with an id that leads to the post"
        ),
        pytest.param(_said(a_note(BOB, 7), solicited=True), _talk(), False, id="no reply"),
        pytest.param(
            replace(_said(_answer()), method="fetched", activity=replace(_said(_answer()).activity, id=None)),
            _talk(),
            False,
            id="a post that was fetched",
        ),
    ],
)
def test_only_of_replies_for_everybody_that_she_wants_is_told(said: Verified, facts: Facts, is_told: bool) -> None:
    assert (_told_by_ours(create.decide(said, facts)) is not None) is is_told


def test_what_waited_is_told_when_it_is_approved() -> None:
    facts = replace(_talk(), objects={ROOT.uri: ASKING}, objects_by_id={ROOT.id: ASKING})
    effects = list(create.decide(_said(_answer()), facts))
    assert _told_by_ours(effects) is None
    records = [effect.record for effect in effects if isinstance(effect, Put)]
    [held] = [record for record in records if isinstance(record, NewObject)]
    [request] = [record for record in records if not isinstance(record, NewObject)]
    later = replace(facts, records={held.id: held})
    told = _told_by_ours(approvals.compose_decision(request, ALICE, accept=True, facts=later))  # type: ignore[arg-type]
    assert told is not None
    assert told.document["object"] == ACTIVITY
    refused = approvals.compose_decision(request, ALICE, accept=False, facts=later)  # type: ignore[arg-type]
    assert _told_by_ours(refused) is None


def _ours(author: Actor, visibility: Visibility = Visibility.PUBLIC, parent: Object | None = ROOT) -> NewObject:
    return NewObject(
        id=900,
        uri=f"{author.uri}/statuses/900",
        type="Note",
        actor_id=author.id,
        local=True,
        visibility=visibility,
        published_ms=0,
        in_reply_to_uri=parent.uri if parent else None,
        in_reply_to_id=parent.id if parent else None,
        thread_id=parent.thread_id if parent else 900,
    )


@pytest.mark.parametrize(
    ("author", "visibility", "is_told"),
    [
        (ALICE, Visibility.PUBLIC, True),
        (CAROL, Visibility.UNLISTED, True),
        (CAROL, Visibility.FOLLOWERS, False),
        (CAROL, Visibility.DIRECT, False),
    ],
)
def test_what_ours_answer_is_told_with_its_create_whole(author: Actor, visibility: Visibility, is_told: bool) -> None:
    effects = list(create.compose(_ours(author, visibility), author, ROOT, (), _talk()))
    said = next(effect for effect in effects if isinstance(effect, Deliver) and effect.type == "Create")
    told = _told_by_ours(effects)
    assert (told is not None) is is_told
    if told is not None:
        assert (told.signer_id, told.document["object"]) == (ALICE.id, said.document)


def test_what_begins_a_conversation_is_told_by_its_create_alone() -> None:
    effects = list(create.compose(_ours(ALICE, parent=None), ALICE, None, (), _talk()))
    assert only(Deliver, effects).type == "Create"
