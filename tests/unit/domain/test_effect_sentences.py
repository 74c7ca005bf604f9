"""What the database did, in sentences."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any, get_args

import pytest

from fediverse_node.base.clock import SystemClock
from fediverse_node.base.ids import IdFactory
from fediverse_node.base.outcome import Fail, TemporaryFail
from fediverse_node.base.randomness import SystemRandomness
from fediverse_node.base.trace import watched_by
from fediverse_node.domain import effects as e
from fediverse_node.domain.domains import DomainPolicy
from fediverse_node.domain.effect_sentences import Telling, sentence, sentences
from fediverse_node.domain.facts import Facts, World
from fediverse_node.domain.model import (
    Actor,
    Approval,
    Interaction,
    InteractionRequest,
    Object,
    Poll,
    Quote,
    Reaction,
    Visibility,
)
from fediverse_node.domain.names import Names

_CLOCK = SystemClock()
_HERE = "https://home.example"


def _actor(number: int, name: str, host: str = "home.example", **more: Any) -> Actor:
    uri = f"https://{host}/users/{name}"
    local = host == "home.example"
    return Actor(number, uri, "Person", local, name, host, inbox=f"{uri}/inbox", **more)


_ALICE, _BOB, _CAROL = _actor(1, "alice"), _actor(2, "bob", "b.example"), _actor(3, "carol", "c.example")
_DORA = _actor(4, "dora", "b.example", shared_inbox="https://b.example/inbox")
_EVE = _actor(5, "eve", "b.example", shared_inbox="https://b.example/inbox")
_BLOCKED, _GONE = _actor(6, "frank", "blocked.example"), _actor(7, "grace", "c.example", deleted=True)
_ACTORS = (_ALICE, _BOB, _CAROL, _DORA, _EVE, _BLOCKED, _GONE)
_POST = Object(50, f"{_HERE}/users/alice/statuses/50", "Note", 1, True, Visibility.PUBLIC)
_FACTS = Facts(
    World(_CLOCK, IdFactory(_CLOCK, SystemRandomness()), SystemRandomness(), Names(_HERE, "home.example")),
    actors={actor.uri: actor for actor in _ACTORS},
    actors_by_id={actor.id: actor for actor in _ACTORS},
    objects_by_id={50: _POST},
    domains=DomainPolicy.suspending("blocked.example"),
)
_NOW_MS = int(datetime(2026, 1, 1, tzinfo=UTC).timestamp() * 1000)
_NEW = e.NewObject(60, "https://b.example/notes/60", "Note", 2, False, Visibility.PUBLIC, _NOW_MS)
_REPLY = e.NewObject(
    61, "https://b.example/notes/61", "Note", 2, False, Visibility.PUBLIC, _NOW_MS, in_reply_to_uri=_POST.uri
)
_ANNOUNCE = e.NewObject(
    62, "https://b.example/announces/1", "Announce", 2, False, Visibility.PUBLIC, _NOW_MS, announce_of_id=50
)


_QUOTE = Quote(60, 2, _POST.uri, 50, 1)
_REQUEST = InteractionRequest(7, Interaction.REPLY, 2, 50, 1, "https://b.example/notes/61", object_id=61)


def _deliver(*to: int, **more: Any) -> e.Deliver:
    return e.Deliver(1, "Accept", f"{_HERE}/users/alice/accept/1", {}, to_actor_ids=to, **more)


_SAID = f"will deliver Accept {_HERE}/users/alice/accept/1"
_CASES: list[tuple[e.Effect, str]] = [
    (e.Put(_NEW), "kept the post https://b.example/notes/60"),
    (e.Put(_REPLY), f"kept the post https://b.example/notes/61, in reply to {_POST.uri}"),
    (e.Put(_ANNOUNCE), f"kept the Announce https://b.example/announces/1 of {_POST.uri}"),
    (e.Put(e.NewLike(9, 2, 50, None)), f"counts one like more for {_POST.uri}"),
    (
        e.Put(e.NewFollow(9, "https://b.example/f", 2, 1, True, False, _NOW_MS)),
        "@bob@b.example follows @alice@home.example now",
    ),
    (
        e.Put(e.NewFollow(9, "https://b.example/f", 2, 1, False, False, _NOW_MS)),
        "@bob@b.example asks to follow @alice@home.example",
    ),
    (
        e.Put(e.NewBlock(9, 2, 1, None)),
        "@bob@b.example blocks @alice@home.example now, and neither follows the other any more",
    ),
    (e.Put(e.NewVotes(50, 2, (0, 2))), f"counts the vote of @bob@b.example for 1 and 3 in {_POST.uri}"),
    (
        e.Put(e.NewVotes(50, 1, (1,), counts=False)),
        f"remembers the vote of @alice@home.example for 2 in {_POST.uri}, which its own server counts",
    ),
    (
        e.Put(e.NewReport(9, 2, 1, None, "rude")),
        "kept a report by @bob@b.example about @alice@home.example for the moderators",
    ),
    (e.Put(e.NewReaction(9, Reaction(2, 50, "🔥"))), f"keeps the reaction 🔥 of @bob@b.example to {_POST.uri}"),
    (e.Put(e.NewReaction(9, Reaction(2, 50, "dislike"))), f"counts one dislike more for {_POST.uri}"),
    (e.Put(e.NewGroupPost(50, 2)), f"knows that {_POST.uri} is in the group @bob@b.example"),
    (e.Put(e.NewToldVote(50, b"x", 2, 1)), f"counts a like for {_POST.uri} on the word of @bob@b.example"),
    (e.Put(e.NewToldVote(50, b"x", 2, -1)), f"counts a dislike for {_POST.uri} on the word of @bob@b.example"),
    (e.Put(e.NewModerator(1, 2)), "@bob@b.example moderates @alice@home.example now"),
    (e.Put(e.NewGroupBan(1, 2)), "@bob@b.example may not write in @alice@home.example any more"),
    (
        e.Put(e.NewErrand(9, "move", 2, 1)),
        "goes on with the followers of @bob@b.example, some at a time",
    ),
    (e.Put(e.NewErrand(9, "forget", 2)), "forgets what @bob@b.example said, piece by piece"),
    (e.Patch(e.ChangeGroupPost(50, 1, removed=True)), f"{_POST.uri} is out of the group @alice@home.example"),
    (e.Patch(e.ChangeGroupPost(50, 1, removed=False)), f"{_POST.uri} is back in the group @alice@home.example"),
    (e.Patch(e.ChangeGroupPost(50, 1, locked=True)), f"{_POST.uri} is closed in the group @alice@home.example"),
    (e.Patch(e.ChangeGroupPost(50, 1, locked=False)), f"{_POST.uri} is open again in the group @alice@home.example"),
    (
        e.Patch(e.SettleRelay("https://r.example/inbox", "accepted", "https://r.example/actor")),
        "the relay https://r.example/inbox has accepted us",
    ),
    (e.Remove(e.ReactionKey(2, 50, "🔥")), f"takes back a reaction of @bob@b.example to {_POST.uri}"),
    (e.Remove(e.ToldVoteKey(50, b"x")), f"takes back a vote for {_POST.uri} that a group told of"),
    (e.Remove(e.ModeratorKey(1, 2)), "@bob@b.example does not moderate @alice@home.example any more"),
    (e.Remove(e.GroupBanKey(1, 2)), "@bob@b.example may write in @alice@home.example again"),
    (e.Put(e.NewPin(9, 1, 50)), f"pinned {_POST.uri} to the profile of @alice@home.example"),
    (
        e.Put(e.NewTombstone("https://b.example/notes/60", _BOB.uri)),
        "remembers that https://b.example/notes/60 is gone",
    ),
    (e.Put(_QUOTE), f"keeps that it quotes {_POST.uri}: pending"),
    (
        e.Put(_REQUEST),
        "keeps that @bob@b.example asks @alice@home.example about the reply https://b.example/notes/61: pending",
    ),
    (
        e.Patch(e.SettleQuote(replace(_QUOTE, state=Approval.ACCEPTED))),
        f"the quote of {_POST.uri} in object 60 is accepted now",
    ),
    (
        e.Patch(e.SettleRequest(replace(_REQUEST, state=Approval.REJECTED))),
        "the reply https://b.example/notes/61 is rejected now",
    ),
    (e.Remove(e.QuoteKey(50)), f"{_POST.uri} quotes nothing any more"),
    (e.Remove(e.RequestKey(7)), "forgets a request that was taken back"),
    (
        e.Patch(e.EditObject(50, {"content": "new", "summary": ""})),
        f"changed the post {_POST.uri} (content and summary); the version before is kept",
    ),
    (
        e.Patch(e.EditObject(50, {}, poll=Poll(("a",), (1,)), keep_revision=False)),
        f"changed the post {_POST.uri} (poll)",
    ),
    (e.Patch(e.EditObject(50, {}, keep_revision=False)), f"changed the post {_POST.uri} (nothing of its text)"),
    (e.Patch(e.AcceptFollow(1, 2)), "@alice@home.example was accepted and follows @bob@b.example now"),
    (
        e.Patch(e.ChangeActor(2, {"name": "", "icon_url": "", "fields": ""})),
        "changed @bob@b.example (fields, icon_url and name)",
    ),
    (e.Remove(e.LikeKey(2, 50)), f"takes back the like of @bob@b.example for {_POST.uri}"),
    (e.Remove(e.FollowKey(2, 1)), "@bob@b.example does not follow @alice@home.example any more"),
    (e.Remove(e.BlockKey(2, 1)), "@bob@b.example does not block @alice@home.example any more"),
    (e.Remove(e.PinKey(1, 50)), f"took {_POST.uri} off the top of the profile of @alice@home.example"),
    (e.Remove(e.ObjectKey(50)), f"removed {_POST.uri} and remembers that it is gone"),
    (e.Remove(e.ObjectKey(50, tombstone=False)), f"removed {_POST.uri}"),
    (e.Remove(e.ActorKey(2)), "removed @bob@b.example and everything said and done by it"),
    (e.Place(50, (1, 8, 9)), f"put {_POST.uri} into the home timelines of 3 people"),
    (e.Place(50, (1,)), f"put {_POST.uri} into the home timeline of 1 person"),
    (e.Place(50, ()), f"put {_POST.uri} into no home timeline"),
    (
        e.Notify(1, "follow_request", 2),
        "notifies @alice@home.example: follow request by @bob@b.example",
    ),
    (e.Notify(1, "like", 2, 50), f"notifies @alice@home.example: like by @bob@b.example about {_POST.uri}"),
    (_deliver(2), f"{_SAID} to https://b.example/users/bob/inbox"),
    (_deliver(2, 3), f"{_SAID} to https://b.example/users/bob/inbox and https://c.example/users/carol/inbox"),
    (_deliver(4, 5), f"{_SAID} to https://b.example/inbox"),
    (_deliver(2, 98, 99), f"{_SAID} to https://b.example/users/bob/inbox and 2 more actors"),
    (_deliver(99), f"{_SAID} to 1 more actor"),
    (_deliver(followers_of=1), f"{_SAID} to the followers of @alice@home.example"),
    (
        _deliver(3, followers_of=1, except_host="b.example"),
        f"{_SAID} to https://c.example/users/carol/inbox and the followers of @alice@home.example,"
        " but not to b.example",
    ),
    (_deliver(1, 6, 7), f"{_SAID} to nobody: no recipient is on another server that may be sent to"),
    (
        e.FetchLater("https://c.example/notes/1", "object", 1),
        "will fetch the object https://c.example/notes/1 when there is time",
    ),
    (e.Refuse(e.Refusal.ALREADY_DONE), "did nothing: this was done before"),
    (
        e.Refuse(e.Refusal.UNKNOWN_OBJECT, "https://b.example/x"),
        "did nothing: the object is not known here (https://b.example/x)",
    ),
]


@pytest.mark.parametrize(("effect", "said"), _CASES, ids=[said[:60] for _, said in _CASES])
def test_each_effect_has_a_sentence(effect: e.Effect, said: str) -> None:
    assert sentence(effect, _FACTS) == said


def test_no_kind_of_effect_is_left_out() -> None:
    """A new kind of effect, record, change or key needs a sentence, and a line above."""
    seen = {type(part) for effect, _ in _CASES for part in (effect, *_inner(effect))}
    kinds = {*get_args(e.Effect), *get_args(e.Record), *get_args(e.Change), *get_args(e.Key)}
    assert kinds - {e.Patch, e.Remove} - seen == set()
    assert {e.Patch, e.Remove} <= seen


def _inner(effect: e.Effect) -> tuple[object, ...]:
    match effect:
        case e.Put(record):
            return (record,)
        case e.Patch(change):
            return (change,)
        case e.Remove(key):
            return (key,)
    return ()


def test_whoever_is_not_among_the_facts_is_called_by_number() -> None:
    assert sentence(e.Put(e.NewLike(9, 2, 77, None)), _FACTS) == "counts one like more for object 77"
    assert sentence(e.Remove(e.FollowKey(88, 1)), _FACTS) == ("actor 88 does not follow @alice@home.example any more")


def test_many_inboxes_are_counted_and_not_listed() -> None:
    many = {n: _actor(n, "x", f"h{n}.example") for n in range(100, 110)}
    facts = Facts(_FACTS.world, actors_by_id=many)
    said = sentence(_deliver(*many), facts)
    assert said.endswith("https://h104.example/users/x/inbox and 5 more inboxes")
    assert said.count("/inbox") == 5


def test_what_the_same_decision_made_is_it() -> None:
    effects: list[e.Effect] = [e.Put(_NEW), e.Place(60, (1, 2)), e.Notify(1, "mention", 2, 60)]
    assert sentences(effects, _FACTS) == [
        "kept the post https://b.example/notes/60",
        "put it into the home timelines of 2 people",
        "notifies @alice@home.example: mention by @bob@b.example about https://b.example/notes/60",
    ]


def test_of_a_refusal_only_what_leaves_all_the_same_is_told() -> None:
    effects: list[e.Effect] = [e.Put(_NEW), _deliver(2), e.Refuse(e.Refusal.NOT_PERMITTED)]
    assert sentences(effects, _FACTS) == [f"{_SAID} to https://b.example/users/bob/inbox"]


def _told_of(effects: list[e.Effect]) -> list[tuple[str, str, object]]:
    told: list[tuple[str, str, object]] = []

    def hear(step: str, outcome: Fail | TemporaryFail | None, detail: dict[str, object]) -> None:
        told.append((step, str(outcome or ""), detail))

    telling = Telling(lambda facts: effects)
    assert list(telling(_FACTS)) == effects
    with watched_by(hear):
        telling.note(effects, activity="https://b.example/like/1")
    return told


def test_a_decision_is_told_with_its_effects_and_what_it_sends() -> None:
    of = {"activity": "https://b.example/like/1"}
    said = [f"counts one like more for {_POST.uri}", f"{_SAID} to https://b.example/users/bob/inbox"]
    assert _told_of([e.Put(e.NewLike(9, 2, 50, None)), _deliver(2)]) == [
        ("rule.decided", "", of),
        ("effects", "", {"effects": said, "delivers": [f"{_HERE}/users/alice/accept/1"], **of}),
    ]


def test_a_refusal_is_told_with_its_reason_and_without_effects() -> None:
    of = {"activity": "https://b.example/like/1"}
    assert _told_of([e.Refuse(e.Refusal.ALREADY_DONE)]) == [("rule.decided", "this was done before", of)]
