"""Posts that say who may answer, like and pass them on: ours and others', and what the answers change."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from fediverse_node.domain import approvals
from fediverse_node.domain.activities import accept, announce, create, delete, interaction_request, like, reject, undo
from fediverse_node.domain.effects import Deliver, NewObject, Put, Refusal, Refuse
from fediverse_node.domain.facts import Facts
from fediverse_node.domain.model import (
    Actor,
    Approval,
    Interaction,
    InteractionPolicy,
    InteractionRequest,
    Object,
    Permission,
    Visibility,
)
from fediverse_node.protocol.authorizations import Authorization
from tests.activities.builders import (
    ALICE,
    BOB,
    CAROL,
    EVE,
    NOW_MS,
    ZOE,
    Given,
    a_note,
    a_world,
    an_object,
    mentioning,
    only,
    outline,
    received,
)

ASK = Permission(("author",), ("public",))
NOBODY = Permission(("author",))
FOLLOWERS = Permission(("author", "followers"))
STAMP = f"{ZOE.uri}/stamps/1"


def _policy(permission: Permission, **more: Any) -> InteractionPolicy:
    return InteractionPolicy(like=permission, reply=permission, announce=permission, **more)


def _ours(permission: Permission) -> Object:
    return an_object(ALICE, policy=_policy(permission))


def _theirs(permission: Permission, **more: Any) -> Object:
    return an_object(ZOE, 101, policy=_policy(permission, **more))


def _note(of: Object, **more: Any) -> dict[str, Any]:
    return a_note(BOB, 500, inReplyTo=of.uri, tag=mentioning(ALICE), cc=[ALICE.uri], **more)


HELD = ["store direct Note by bob", "reply asked of alice: pending", "tell alice of mention by bob"]
SHOWN = ["store public Note by bob", "show nobody", "tell alice of mention by bob"]


@pytest.mark.parametrize(
    "permission, given, expected",
    [
        pytest.param(ASK, Given(), HELD, id="who has to ask waits"),
        pytest.param(NOBODY, Given(), ["send Reject to bob", "refuse NOT_PERMITTED"], id="who may not is told so"),
        pytest.param(FOLLOWERS, Given(), ["send Reject to bob", "refuse NOT_PERMITTED"], id="nor may a stranger"),
        pytest.param(
            FOLLOWERS,
            Given(follows=[(BOB, ALICE)]),
            [*SHOWN, "reply asked of alice: accepted", "send Accept to bob"],
            id="a follower may, and is given a stamp for others",
        ),
        pytest.param(Permission(("public",)), Given(), SHOWN, id="everybody may"),
        pytest.param(Permission(("author", BOB.uri)), Given(), SHOWN, id="whoever is named may"),
        pytest.param(NOBODY, Given(mentions=[(an_object(ALICE), BOB)]), SHOWN, id="whoever is mentioned may"),
    ],
)
def test_an_answer_to_a_post_of_ours(permission: Permission, given: Given, expected: list[str]) -> None:
    post = _ours(permission)
    facts = a_world(replace(given, objects=[post]))
    assert outline(create.decide(received("Create", BOB, _note(post)), facts)) == expected


def test_an_answer_that_waits_is_kept_from_everybody_else() -> None:
    post = _ours(ASK)
    note = _note(post) | {"tag": mentioning(ALICE, CAROL), "cc": [ALICE.uri, CAROL.uri]}
    effects = create.decide(received("Create", BOB, note), a_world(Given(objects=[post])))
    record = next(x.record for x in effects if isinstance(x, Put))
    assert isinstance(record, NewObject)
    assert (record.visibility, record.mention_ids) == (Visibility.DIRECT, (ALICE.id,))
    assert record.parts["held_for"] == [ALICE.id, CAROL.id]
    assert record.policy is not None
    assert record.policy.held


@pytest.mark.parametrize(
    "permission, claims, expected",
    [
        pytest.param(ASK, None, ["reply asked of zoe: pending"], id="unproven"),
        pytest.param(ASK, STAMP, ["reply asked of zoe: pending", "fetch stamp"], id="a stamp to look up"),
        pytest.param(ASK, f"{BOB.uri}/stamps/1", ["reply asked of zoe: pending"], id="a stamp of the wrong server"),
        pytest.param(NOBODY, None, ["reply asked of zoe: pending"], id="not permitted, as far as one can see"),
        pytest.param(FOLLOWERS, None, ["reply asked of zoe: pending"], id="nobody here knows who follows whom"),
        pytest.param(Permission(("public",)), None, None, id="everybody may"),
    ],
)
def test_an_answer_of_one_stranger_to_another(
    permission: Permission, claims: str | None, expected: list[str] | None
) -> None:
    post = _theirs(permission)
    note = _note(post, **({"replyAuthorization": claims} if claims else {}))
    said = outline(create.decide(received("Create", BOB, note), a_world(Given(objects=[post]))))
    assert said == (SHOWN if expected is None else ["store direct Note by bob", *expected])


def test_what_answers_an_answer_that_waits_waits_with_it() -> None:
    held = an_object(EVE, 102, Visibility.DIRECT, policy=InteractionPolicy(held=True))
    said = outline(create.decide(received("Create", BOB, _note(held)), a_world(Given(objects=[held]))))
    assert said == ["store direct Note by bob", "reply asked of eve: pending"]


@pytest.mark.parametrize(
    "kind, permission, expected",
    [
        pytest.param(
            "Like", ASK, ["like asked of alice: pending", "tell alice of like_request by bob"], id="a like waits"
        ),
        pytest.param("Like", NOBODY, ["send Reject to bob", "refuse NOT_PERMITTED"], id="a like is not wanted"),
        pytest.param("Like", Permission(("public",)), ["like of 100 by bob", "tell alice of like by bob"], id="a like"),
        pytest.param(
            "Announce",
            ASK,
            ["announce asked of alice: pending", "tell alice of announce_request by bob"],
            id="a boost waits",
        ),
        pytest.param("Announce", NOBODY, ["send Reject to bob", "refuse NOT_PERMITTED"], id="a boost is not wanted"),
    ],
)
@pytest.mark.parametrize("politely", [False, True])
def test_a_like_or_boost_of_a_post_of_ours(
    kind: str, permission: Permission, expected: list[str], politely: bool
) -> None:
    post = _ours(permission)
    facts = a_world(Given(objects=[post]))
    uri = f"{BOB.uri}/activities/{kind}/7"
    if politely:
        wanted = {"type": kind, "id": uri, "actor": BOB.uri, "object": post.uri}
        verified = received(f"{kind}Request", BOB, post.uri, instrument=wanted)
        effects = list(interaction_request.decide(verified, facts))
        granted = permission == Permission(("public",))
        expected = [*expected, "like asked of alice: accepted", "send Accept to bob"] if granted else expected
    else:
        rule = like if kind == "Like" else announce
        effects = list(rule.decide(received(kind, BOB, post.uri), facts))
    assert outline(effects) == expected


@pytest.mark.parametrize(
    "wanted, reason",
    [
        pytest.param({"type": "Like", "id": f"{EVE.uri}/likes/1"}, Refusal.MALFORMED, id="somebody else's like"),
        pytest.param({"type": "Announce", "id": f"{BOB.uri}/1"}, Refusal.MALFORMED, id="something else"),
        pytest.param(
            {"type": "Like", "id": f"{BOB.uri}/1", "object": "https://x.example/1"}, Refusal.MALFORMED, id="of another"
        ),
        pytest.param(None, Refusal.MALFORMED, id="nothing"),
    ],
)  # fmt: skip
def test_a_request_that_makes_no_sense(wanted: Any, reason: Refusal) -> None:
    post = _ours(ASK)
    verified = received("LikeRequest", BOB, post.uri, **({"instrument": wanted} if wanted else {}))
    refusal = only(Refuse, interaction_request.decide(verified, a_world(Given(objects=[post]))))
    assert refusal.reason is reason


def test_an_unapproved_boost_by_a_stranger_is_not_shown() -> None:
    post = _theirs(ASK)
    facts = a_world(Given(objects=[post], follows=[(CAROL, BOB)]))
    assert outline(announce.decide(received("Announce", BOB, post.uri), facts)) == ["refuse NOT_PERMITTED"]
    verified = received("Announce", BOB, post.uri, announceAuthorization=STAMP)
    assert outline(announce.decide(verified, facts)) == ["announce asked of zoe: pending", "fetch stamp"]


RECORD = NewObject(
    600, f"{ALICE.uri}/statuses/600", "Note", ALICE.id, True, Visibility.PUBLIC, NOW_MS, in_reply_to_actor_id=ZOE.id
)


@pytest.mark.parametrize(
    "post, expected",
    [
        pytest.param(
            _theirs(ASK),
            ["store direct Note by alice", "show alice", "reply asked of zoe: pending", "send ReplyRequest to zoe"],
            id="asked politely",
        ),
        pytest.param(
            _theirs(ASK, polite=False),
            ["store direct Note by alice", "show alice", "reply asked of zoe: pending", "send Create to zoe"],
            id="an older server is sent the answer itself, and nobody else is",
        ),
        pytest.param(_theirs(NOBODY), ["refuse NOT_PERMITTED"], id="not permitted"),
        pytest.param(
            _theirs(Permission(("public",))),
            ["store public Note by alice", "show alice", "send Create to followers zoe"],
            id="permitted",
        ),
    ],
)
def test_one_of_ours_answers(post: Object, expected: list[str]) -> None:
    record = replace(RECORD, in_reply_to_id=post.id, in_reply_to_uri=post.uri)
    assert outline(create.compose(record, ALICE, post, (), a_world(Given(objects=[post])))) == expected


def test_one_of_ours_likes_and_boosts_what_has_to_be_asked_for() -> None:
    facts = a_world(Given(objects=[_theirs(ASK)]))
    assert outline(like.compose(ALICE, _theirs(ASK), facts)) == [
        "like asked of zoe: pending",
        "send LikeRequest to zoe",
    ]
    said = outline(announce.compose(ALICE, _theirs(ASK), Visibility.PUBLIC, facts))
    assert said == ["announce asked of zoe: pending", "send AnnounceRequest to zoe"]
    assert outline(like.compose(ALICE, _theirs(NOBODY), facts)) == ["refuse NOT_PERMITTED"]
    asked = only(Deliver, like.compose(ALICE, _theirs(ASK), facts)).document
    assert asked["instrument"]["type"] == "Like"
    assert asked["to"] == [ZOE.uri]


REPLY = an_object(ALICE, 600, Visibility.DIRECT, policy=InteractionPolicy(held=True))
WAITING = InteractionRequest(
    7,
    Interaction.REPLY,
    ALICE.id,
    101,
    ZOE.id,
    REPLY.uri,
    object_id=600,
    request_uri=f"{ALICE.uri}/activities/reply_request/7",
    visibility=Visibility.PUBLIC,
)


def _waiting(request: InteractionRequest = WAITING) -> Facts:
    held = replace(
        RECORD, visibility=Visibility.DIRECT, parts={"held_for": [ZOE.id]}, policy=InteractionPolicy(held=True)
    )
    return a_world(
        Given(objects=[REPLY, _theirs(ASK)]),
        requests={7: request},
        requests_by_uri={request.uri: request, request.request_uri: request},
        requests_by_object={600: request},
        requests_by_stamp={STAMP: (request,)},
        records={600: held},
    )


@pytest.mark.parametrize("named", [WAITING.request_uri, WAITING.uri], ids=["the request", "the answer itself"])
@pytest.mark.parametrize(
    "actor, expected",
    [
        pytest.param(
            ZOE, ["reply asked of zoe is accepted", "show alice", "send Create to followers zoe"], id="its author"
        ),
        pytest.param(EVE, ["refuse NOT_PERMITTED"], id="somebody else"),
    ],
)
def test_an_answer_of_ours_is_accepted(actor: Actor, expected: list[str], named: str) -> None:
    effects = list(accept.decide(received("Accept", actor, named, result=STAMP), _waiting()))
    assert outline(effects) == expected
    if actor is ZOE:
        note = only(Deliver, effects).document["object"]
        assert note["replyAuthorization"] == note["approvedBy"] == STAMP
        assert note["to"] == ["https://www.w3.org/ns/activitystreams#Public"]


@pytest.mark.parametrize(
    "kind, actor, state, expected",
    [
        pytest.param("Reject", ZOE, Approval.PENDING, ["reply asked of zoe is rejected"], id="refused"),
        pytest.param("Reject", EVE, Approval.PENDING, ["refuse NOT_PERMITTED"], id="refused by somebody else"),
        pytest.param("Delete", ZOE, Approval.ACCEPTED, ["reply asked of zoe is revoked"], id="taken back"),
        pytest.param("Delete", EVE, Approval.ACCEPTED, ["refuse NOT_PERMITTED"], id="taken back by somebody else"),
    ],
)
def test_an_answer_of_ours_is_not_wanted(kind: str, actor: Actor, state: Approval, expected: list[str]) -> None:
    facts = _waiting(replace(WAITING, state=state, stamp_uri=STAMP))
    rule, what = (reject, WAITING.uri) if kind == "Reject" else (delete, STAMP)
    assert outline(rule.decide(received(kind, actor, what), facts)) == expected


TRUE = Authorization(STAMP, "reply", ZOE.uri, WAITING.uri, f"{ZOE.uri}/statuses/101")


@pytest.mark.parametrize(
    "stamp, is_believed",
    [
        pytest.param(TRUE, True, id="it says all that it must"),
        pytest.param(replace(TRUE, kind="", interaction_target=None), True, id="an Accept of an old GoToSocial"),
        pytest.param(None, False, id="there is none"),
        pytest.param(replace(TRUE, kind="quote"), False, id="for a quote"),
        pytest.param(replace(TRUE, attributed_to=EVE.uri), False, id="the word of somebody else"),
        pytest.param(replace(TRUE, interacting_object=f"{EVE.uri}/1"), False, id="for another answer"),
        pytest.param(replace(TRUE, interaction_target=f"{ZOE.uri}/1"), False, id="about another post"),
    ],
)
def test_a_stamp_for_an_answer(stamp: Authorization | None, is_believed: bool) -> None:
    request = replace(WAITING, stamp_uri=STAMP)
    said = outline(approvals.verified(stamp, request, _waiting(request)))
    assert said[0] == f"reply asked of zoe is {'accepted' if is_believed else 'rejected'}"


def test_one_of_ours_agrees_or_does_not() -> None:
    asked = InteractionRequest(8, Interaction.LIKE, BOB.id, 100, ALICE.id, f"{BOB.uri}/likes/1")
    facts = a_world(Given(objects=[_ours(ASK)]), requests={8: asked})
    yes = outline(approvals.compose_decision(asked, ALICE, accept=True, facts=facts))
    assert yes == [
        "like asked of alice is accepted",
        "like of 100 by bob",
        "tell alice of like by bob",
        "send Accept to bob",
    ]
    no = outline(approvals.compose_decision(asked, ALICE, accept=False, facts=facts))
    assert no == ["like asked of alice is rejected", "send Reject to bob"]
    assert outline(approvals.compose_decision(asked, CAROL, accept=True, facts=facts)) == ["refuse UNKNOWN_OBJECT"]


def test_what_waits_is_taken_back() -> None:
    asked = InteractionRequest(8, Interaction.LIKE, BOB.id, 100, ALICE.id, f"{BOB.uri}/likes/1")
    facts = a_world(Given(objects=[_ours(ASK)]), requests_by_uri={asked.uri: asked})
    taken = {"type": "Like", "id": asked.uri, "actor": BOB.uri, "object": _ours(ASK).uri}
    assert outline(undo.decide(received("Undo", BOB, taken), facts)) == ["forget a request"]
    by_eve = received("Undo", EVE, asked.uri)
    assert outline(undo.decide(by_eve, facts)) == ["refuse NOT_THE_OWNER"]
