"""How a quote stands when it comes in, who may quote, and what the answers to a request change."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from fediverse_node.domain import quotes
from fediverse_node.domain.activities import accept, create, delete, quote_request, reject, update
from fediverse_node.domain.effects import Deliver, NewObject, Put, SettleQuote
from fediverse_node.domain.facts import Facts
from fediverse_node.domain.interaction_policy import Standing
from fediverse_node.domain.model import Actor, Approval, InteractionPolicy, Object, Permission, Quote, Visibility
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
    a_version,
    a_world,
    an_announce,
    an_object,
    mentioning,
    only,
    outline,
    received,
)


def quotable(*words: str, manual: tuple[str, ...] = ()) -> InteractionPolicy:
    """Whom a post lets quote it."""
    return InteractionPolicy(quote=Permission(words, manual))


OPEN, FOLLOWERS, CLOSED = quotable("public"), quotable("followers"), quotable("author")
OURS = an_object(ALICE, policy=OPEN)
THEIRS = an_object(ZOE, 101, policy=OPEN)
STAMP = f"{ZOE.uri}/stamps/1"


@pytest.mark.parametrize(
    "given, quoted, stamp, state, kept",
    [
        pytest.param(Given(), an_object(BOB, 102), None, "accepted", None, id="everybody quotes themselves"),
        pytest.param(Given(), OURS, None, "accepted", "ours", id="of ours where all may"),
        pytest.param(Given(), OURS, STAMP, "accepted", "ours", id="a claimed stamp means nothing for ours"),
        pytest.param(Given(), replace(OURS, policy=CLOSED), None, "rejected", None, id="of ours where nobody may"),
        pytest.param(
            Given(), replace(OURS, policy=None), None, "rejected", None, id="of ours before there were quotes"
        ),
        pytest.param(Given(), replace(OURS, policy=FOLLOWERS), None, "rejected", None, id="of ours by a stranger"),
        pytest.param(
            Given(follows=[(BOB, ALICE)]), replace(OURS, policy=FOLLOWERS), None, "accepted", "ours", id="by a follower"
        ),
        pytest.param(Given(blocks=[(ALICE, BOB)]), OURS, None, "rejected", None, id="of ours by somebody blocked"),
        pytest.param(Given(), THEIRS, None, "pending", None, id="elsewhere, unproven"),
        pytest.param(Given(), THEIRS, STAMP, "pending", STAMP, id="elsewhere, a stamp to look up"),
        pytest.param(Given(), THEIRS, f"{BOB.uri}/stamps/1", "pending", None, id="a stamp of the wrong server"),
        pytest.param(Given(), replace(THEIRS, policy=None), None, "accepted", None, id="where no server can approve"),
        pytest.param(
            Given(), replace(THEIRS, policy=InteractionPolicy()), None, "pending", None, id="a policy without quotes"
        ),
        pytest.param(
            Given(), an_object(ZOE, 103, Visibility.FOLLOWERS), STAMP, "rejected", None, id="of a private post"
        ),
        pytest.param(Given(), an_announce(ZOE, OURS), None, "rejected", None, id="of a boost"),
        pytest.param(Given(), None, STAMP, "pending", STAMP, id="of what is not here"),
    ],
)
def test_a_quote_that_comes_in(given: Given, quoted: Object | None, stamp: str | None, state: str, kept: Any) -> None:
    uri = quoted.uri if quoted is not None else f"{ZOE.uri}/statuses/9"
    facts = a_world(replace(given, objects=[quoted] if quoted is not None else []))
    quote = quotes.assess(500, BOB, uri, stamp, quoted, facts)
    assert quote.state.value == state
    own = "https://home.example/users/alice/quote_authorizations/500"
    assert quote.stamp_uri == (own if kept == "ours" else kept)


@pytest.mark.parametrize(
    "author, post, found",
    [
        pytest.param(ALICE, an_object(ALICE, policy=CLOSED), Standing.ALLOWED, id="one's own"),
        pytest.param(
            ALICE, an_object(ALICE, visibility=Visibility.FOLLOWERS), Standing.ALLOWED, id="one's own private one"
        ),
        pytest.param(
            ALICE, an_object(ALICE, visibility=Visibility.DIRECT), Standing.DENIED, id="not even one's own secrets"
        ),
        pytest.param(ALICE, an_object(ZOE), Standing.DENIED, id="whoever said nothing did not agree"),
        pytest.param(ALICE, an_object(ZOE, policy=OPEN), Standing.ALLOWED, id="all may"),
        pytest.param(ALICE, an_object(ZOE, policy=quotable(manual=("public",))), Standing.ASK, id="all may ask"),
        pytest.param(ALICE, an_object(ZOE, policy=FOLLOWERS), Standing.DENIED, id="followers may"),
        pytest.param(CAROL, an_object(ZOE, policy=FOLLOWERS), Standing.VOUCHED, id="a follower may"),
        pytest.param(ALICE, an_object(ZOE, policy=quotable("author", ALICE.uri)), Standing.ALLOWED, id="named"),
        pytest.param(
            ALICE,
            an_object(ZOE, policy=quotable("public", manual=(ALICE.uri,))),
            Standing.ASK,
            id="named as an exception",
        ),
    ],
)
def test_who_may_quote(author: Actor, post: Object, found: Standing) -> None:
    facts = a_world(Given(follows=[(CAROL, ZOE)], objects=[post]))
    assert quotes.may_be_quoted_by(author, post, facts) is found


QUOTING = an_object(BOB, 500)
QUOTE = Quote(QUOTING.id, BOB.id, THEIRS.uri, THEIRS.id, ZOE.id, stamp_uri=STAMP)
TRUE = Authorization(STAMP, "quote", ZOE.uri, QUOTING.uri, THEIRS.uri)


@pytest.mark.parametrize(
    "stamp, state",
    [
        pytest.param(TRUE, "accepted", id="it says all that it must"),
        pytest.param(None, "rejected", id="there is none"),
        pytest.param(replace(TRUE, kind="reply"), "rejected", id="for an answer"),
        pytest.param(replace(TRUE, kind=""), "rejected", id="an Accept"),
        pytest.param(replace(TRUE, id=f"{ZOE.uri}/stamps/2"), "rejected", id="under another id"),
        pytest.param(replace(TRUE, attributed_to=EVE.uri), "rejected", id="the word of somebody else"),
        pytest.param(replace(TRUE, interacting_object=f"{EVE.uri}/1"), "rejected", id="for another post"),
        pytest.param(replace(TRUE, interaction_target=OURS.uri), "rejected", id="about another post"),
        pytest.param(replace(TRUE, interaction_target=None), "rejected", id="about nothing"),
    ],
)
def test_a_stamp_is_held_against_the_quote(stamp: Authorization | None, state: str) -> None:
    facts = a_world(Given(objects=[QUOTING, THEIRS]))
    assert outline(quotes.verified(stamp, QUOTE, facts)) == [f"quote of 101 is {state}"]
    again = replace(QUOTE, state=Approval.ACCEPTED)
    later = "accepted" if state == "accepted" else "revoked"
    assert outline(quotes.verified(stamp, again, facts)) == [f"quote of 101 is {later}"]


def _requested(note: dict[str, Any] | str, **more: Any) -> Any:
    verified = received("QuoteRequest", BOB, OURS.uri, instrument=note, **more)
    if isinstance(note, dict):
        verified = replace(verified, object=received("Create", BOB, note).object)
    return verified


ASKING = a_note(BOB, 500, quote=OURS.uri)


@pytest.mark.parametrize(
    "facts, note, expected",
    [
        pytest.param(
            a_world(Given(objects=[OURS])),
            ASKING,
            [
                "store public Note by bob",
                "show nobody",
                "quote of 100 by bob: accepted",
                "tell alice of quote by bob",
                "send Accept to bob",
            ],
            id="granted by the policy",
        ),
        pytest.param(
            a_world(Given(objects=[replace(OURS, policy=CLOSED)])),
            ASKING,
            ["refuse NOT_PERMITTED", "send Reject to bob"],
            id="refused by the policy",
        ),
        pytest.param(
            a_world(Given(objects=[OURS], blocks=[(ALICE, BOB)])),
            ASKING,
            ["refuse NOT_PERMITTED", "send Reject to bob"],
            id="somebody blocked is refused",
        ),
        pytest.param(
            a_world(Given(objects=[OURS])),
            a_note(BOB, 500),
            ["refuse NOT_PERMITTED", "send Reject to bob"],
            id="it does not quote what is asked for",
        ),
        pytest.param(
            a_world(Given(objects=[OURS, an_object(BOB, 500)]), quotes={500: Quote(500, BOB.id, OURS.uri, 100, 1)}),
            f"{BOB.uri}/statuses/500",
            ["quote of 100 is accepted", "tell alice of quote by bob", "send Accept to bob"],
            id="the post came before the question",
        ),
        pytest.param(
            a_world(
                Given(objects=[OURS, an_object(BOB, 500)]),
                quotes={500: Quote(500, BOB.id, OURS.uri, 100, 1, state=Approval.REVOKED)},
            ),
            f"{BOB.uri}/statuses/500",
            ["refuse NOT_PERMITTED", "send Reject to bob"],
            id="what was taken back is not granted again",
        ),
        pytest.param(a_world(), ASKING, ["refuse UNKNOWN_OBJECT"], id="of nothing"),
        pytest.param(
            a_world(Given(objects=[OURS])),
            f"{EVE.uri}/statuses/1",
            ["refuse WRONG_ORIGIN"],
            id="for somebody else's post",
        ),
    ],
)
def test_a_request_to_quote(facts: Facts, note: Any, expected: list[str]) -> None:
    assert outline(quote_request.decide(_requested(note), facts)) == expected


def test_an_acceptance_brings_the_stamp() -> None:
    facts = a_world(Given(objects=[OURS]))
    answer = [x for x in quote_request.decide(_requested(ASKING), facts) if isinstance(x, Deliver)][-1]
    record = next(x.record for x in quote_request.decide(_requested(ASKING), facts) if isinstance(x, Put))
    assert isinstance(record, NewObject)
    assert str(answer.document["result"]).startswith("https://home.example/users/alice/quote_authorizations/")
    assert answer.document["object"]["instrument"] == f"{BOB.uri}/statuses/500"


OWN = an_object(ALICE, 600)
ASKED = Quote(600, ALICE.id, THEIRS.uri, THEIRS.id, ZOE.id, request_uri=f"{ALICE.uri}/activities/quote_request/600")
WHOLE = NewObject(600, OWN.uri, "Note", ALICE.id, True, Visibility.PUBLIC, NOW_MS, parts={"quote": THEIRS.uri})


def _answers(quote: Quote = ASKED) -> Facts:
    return a_world(
        Given(objects=[OWN, THEIRS]),
        quotes={600: quote},
        quotes_by_request={quote.request_uri: quote},
        quotes_by_stamp={quote.stamp_uri: (quote,)} if quote.stamp_uri else {},
        records={600: WHOLE},
    )


@pytest.mark.parametrize(
    "actor, result, expected",
    [
        pytest.param(ZOE, STAMP, ["quote of 101 is accepted", "send Update to followers"], id="granted"),
        pytest.param(EVE, f"{EVE.uri}/1", ["refuse NOT_PERMITTED"], id="by somebody else"),
        pytest.param(ZOE, f"{EVE.uri}/1", ["refuse MALFORMED"], id="with a stamp of another server"),
        pytest.param(ZOE, None, ["refuse MALFORMED"], id="without a stamp"),
    ],
)
@pytest.mark.parametrize("named", ["by id", "whole", "by instrument"])
def test_our_request_is_accepted(actor: Actor, result: str | None, expected: list[str], named: str) -> None:
    object_: Any = ASKED.request_uri
    if named != "by id":
        made_up = f"{ZOE.uri}/lost" if named == "by instrument" else ASKED.request_uri
        object_ = {
            "type": "QuoteRequest",
            "id": made_up,
            "actor": ALICE.uri,
            "object": THEIRS.uri,
            "instrument": OWN.uri,
        }
    more: dict[str, Any] = {"result": result} if result else {}
    verified = received("Accept", actor, object_, **more)
    assert outline(accept.decide(verified, _answers())) == expected


def test_the_post_names_its_stamp_once_it_is_granted() -> None:
    verified = received("Accept", ZOE, ASKED.request_uri, result=STAMP)
    note = only(Deliver, accept.decide(verified, _answers())).document["object"]
    assert (note["quote"], note["quoteAuthorization"]) == (THEIRS.uri, STAMP)


@pytest.mark.parametrize(
    "kind, state, actor, expected",
    [
        pytest.param("Reject", Approval.PENDING, ZOE, ["quote of 101 is rejected"], id="refused"),
        pytest.param("Reject", Approval.PENDING, EVE, ["refuse NOT_PERMITTED"], id="refused by somebody else"),
        pytest.param(
            "Reject",
            Approval.ACCEPTED,
            ZOE,
            ["quote of 101 is revoked", "send Update to followers"],
            id="refused afterwards",
        ),
        pytest.param(
            "Delete", Approval.ACCEPTED, ZOE, ["quote of 101 is revoked", "send Update to followers"], id="taken back"
        ),
        pytest.param("Delete", Approval.ACCEPTED, EVE, ["refuse NOT_THE_OWNER"], id="taken back by somebody else"),
        pytest.param("Delete", Approval.REVOKED, ZOE, ["refuse ALREADY_DONE"], id="taken back twice"),
    ],
)
def test_our_quote_is_not_wanted(kind: str, state: Approval, actor: Actor, expected: list[str]) -> None:
    facts = _answers(replace(ASKED, state=state, stamp_uri=STAMP))
    rule = reject if kind == "Reject" else delete
    verified = received(kind, actor, ASKED.request_uri if kind == "Reject" else STAMP)
    assert outline(rule.decide(verified, facts)) == expected


@pytest.mark.parametrize(
    "author, quoted, expected",
    [
        pytest.param(
            ALICE,
            THEIRS,
            [
                "store public Note by alice",
                "show alice",
                "send Create to followers",
                "quote of 101 by alice: pending",
                "send QuoteRequest to zoe",
            ],
            id="elsewhere: asked for",
        ),
        pytest.param(
            CAROL,
            OURS,
            [
                "store public Note by carol",
                "show carol",
                "send Create to followers",
                "quote of 100 by carol: accepted",
                "tell alice of quote by carol",
            ],
            id="here: granted at once",
        ),
        pytest.param(CAROL, replace(OURS, policy=CLOSED), ["refuse NOT_PERMITTED"], id="here: not permitted"),
        pytest.param(ALICE, an_object(ZOE, 104), ["refuse NOT_PERMITTED"], id="elsewhere: not permitted"),
    ],
)  # fmt: skip
def test_one_of_ours_quotes(author: Actor, quoted: Object, expected: list[str]) -> None:
    facts = a_world(Given(objects=[quoted]))
    record = replace(WHOLE, actor_id=author.id, parts={}, uri=f"{author.uri}/statuses/600")
    assert outline(create.compose(record, author, None, (), facts, quoted=quoted)) == expected


def test_a_quote_is_taken_back_from_whom_it_was_given() -> None:
    ours = Quote(500, BOB.id, OURS.uri, 100, ALICE.id, state=Approval.ACCEPTED, stamp_uri="https://home.example/s/1")
    facts = a_world(Given(objects=[OURS, QUOTING]))
    effects = list(quotes.compose_revoke(ours, ALICE, facts))
    assert outline(effects) == ["quote of 100 is revoked", "send Delete to followers bob"]
    document = only(Deliver, effects).document
    assert document["object"] == "https://home.example/s/1", "the posts are not named"
    assert outline(quotes.compose_revoke(ours, CAROL, facts)) == ["refuse NOT_THE_OWNER"]


@pytest.mark.parametrize(
    "state, claims, expected",
    [
        pytest.param(Approval.PENDING, STAMP, ["quote of 101 is pending", "fetch stamp"], id="a stamp comes later"),
        pytest.param(Approval.ACCEPTED, None, ["fetch stamp"], id="it is looked up again when it is named no more"),
        pytest.param(Approval.REVOKED, None, ["refuse ALREADY_DONE"], id="nothing new"),
    ],
)
def test_an_update_with_the_old_date_brings_a_stamp(state: Approval, claims: str | None, expected: list[str]) -> None:
    stamp = STAMP if state is Approval.ACCEPTED else None
    quote = Quote(500, BOB.id, THEIRS.uri, THEIRS.id, ZOE.id, state=state, stamp_uri=stamp)
    facts = a_world(Given(objects=[QUOTING, THEIRS]), versions={500: a_version()}, quotes={500: quote})
    note = a_note(BOB, 500, quote=THEIRS.uri, **({"quoteAuthorization": claims} if claims else {}))
    assert outline(update.decide(received("Update", BOB, note), facts)) == expected


@pytest.mark.parametrize("state", [Approval.ACCEPTED, Approval.REJECTED, Approval.REVOKED])
@pytest.mark.parametrize("claims", [None, "https://home.example/users/alice/quote_authorizations/7"])
def test_nobody_brings_back_with_an_update_what_one_of_ours_has_refused(state: Approval, claims: str | None) -> None:
    quote = Quote(500, BOB.id, OURS.uri, OURS.id, ALICE.id, state=state)
    facts = a_world(Given(objects=[QUOTING, OURS]), versions={500: a_version()}, quotes={500: quote})
    note = a_note(BOB, 500, quote=OURS.uri, **({"quoteAuthorization": claims} if claims else {}))
    assert outline(update.decide(received("Update", BOB, note), facts)) == ["refuse ALREADY_DONE"]


def test_what_quotes_is_settled_when_the_quoted_post_arrives() -> None:
    waiting = Quote(500, BOB.id, f"{ZOE.uri}/statuses/9", stamp_uri=STAMP)
    facts = a_world(Given(objects=[QUOTING]), waiting_quotes={waiting.quoted_uri: (waiting,)})
    note = a_note(ZOE, 9, interactionPolicy={"canQuote": {"automaticApproval": [ZOE.uri]}})
    effects = list(create.decide(received("Create", ZOE, note), facts))
    assert outline(effects) == ["store public Note by zoe", "show nobody", "quote of 9 is pending", "fetch stamp"]
    settled = next(x.change for x in effects if hasattr(x, "change"))
    assert isinstance(settled, SettleQuote)
    assert settled.quote.quoted_actor_id == ZOE.id


def test_chains_of_quotes_end() -> None:
    note = a_note(BOB, 500, quote=f"{ZOE.uri}/statuses/9", tag=mentioning(ALICE), cc=[ALICE.uri])
    for depth, fetches in ((0, True), (120, True), (150, False)):
        verified = replace(received("Create", BOB, note), depth=depth)
        assert ("fetch quoted" in outline(create.decide(verified, a_world()))) == fetches
