from __future__ import annotations

from dataclasses import replace

import pytest

from fediverse_node.domain import policy
from fediverse_node.domain.domains import DomainPolicy
from fediverse_node.domain.model import Actor, Object, Visibility
from tests.activities.builders import (
    ALICE,
    BOB,
    CAROL,
    EVE,
    NAMES,
    ZOE,
    Given,
    a_world,
    an_announce,
    an_object,
)

NOTES = {reach: an_object(ALICE, 100 + n, reach) for n, reach in enumerate(Visibility)}
PUBLIC, UNLISTED, FOLLOWERS, DIRECT = (NOTES[reach] for reach in Visibility)
FOLLOWER, ASKER, BLOCKED, BLOCKER = BOB, CAROL, EVE, ZOE
# Bob follows Alice, Carol asked to, Alice blocks Eve, Zoe blocks Alice.
FACTS = a_world(
    Given(
        objects=tuple(NOTES.values()),
        follows=[(BOB, ALICE)],
        requests=[(CAROL, ALICE)],
        blocks=[(ALICE, EVE), (ZOE, ALICE)],
    )
)
MENTIONED = a_world(
    Given(
        objects=tuple(NOTES.values()),
        blocks=[(ALICE, EVE)],
        mentions=[(note, person) for note in NOTES.values() for person in (CAROL, EVE)],
    )
)


@pytest.mark.parametrize(
    "reader, public, unlisted, followers, direct",
    [
        pytest.param(ALICE, True, True, True, True, id="the author"),
        pytest.param(FOLLOWER, True, True, True, False, id="a follower"),
        pytest.param(ASKER, True, True, False, False, id="who only asked to follow"),
        pytest.param(BLOCKED, False, False, False, False, id="who is blocked"),
        pytest.param(BLOCKER, True, True, False, False, id="a stranger who blocks the author"),
    ],
)
def test_who_sees_what(reader: Actor, public: bool, unlisted: bool, followers: bool, direct: bool) -> None:
    seen = [policy.may_see(reader, note, FACTS) for note in (PUBLIC, UNLISTED, FOLLOWERS, DIRECT)]
    assert seen == [public, unlisted, followers, direct]


@pytest.mark.parametrize("reach", list(Visibility))
def test_who_is_mentioned_sees_it_unless_blocked(reach: Visibility) -> None:
    assert policy.may_see(CAROL, NOTES[reach], MENTIONED)
    assert not policy.may_see(EVE, NOTES[reach], MENTIONED)


@pytest.mark.parametrize(
    "actor, note, allowed",
    [
        pytest.param(FOLLOWER, PUBLIC, True, id="a follower a public note"),
        pytest.param(FOLLOWER, UNLISTED, True, id="a follower an unlisted note"),
        pytest.param(FOLLOWER, FOLLOWERS, False, id="a follower a followers-only note"),
        pytest.param(ALICE, FOLLOWERS, True, id="the author their followers-only note"),
        pytest.param(ALICE, DIRECT, False, id="the author their direct note"),
        pytest.param(BLOCKED, PUBLIC, False, id="who is blocked"),
        pytest.param(BLOCKER, PUBLIC, False, id="who blocks"),
        pytest.param(FOLLOWER, an_announce(ALICE, PUBLIC), False, id="an announce"),
    ],
)
def test_who_passes_on_what(actor: Actor, note: Object, allowed: bool) -> None:
    assert policy.may_announce(actor, note, FACTS) is allowed


@pytest.mark.parametrize("actor, allowed", [(FOLLOWER, True), (ASKER, True), (BLOCKED, False), (BLOCKER, False)])
def test_nobody_interacts_across_a_block_in_either_direction(actor: Actor, allowed: bool) -> None:
    assert policy.may_interact(actor, PUBLIC, FACTS) is allowed
    assert policy.may_follow(actor, ALICE, FACTS) is allowed


@pytest.mark.parametrize(
    "recipient, sender, thread, allowed",
    [
        pytest.param(ALICE, BOB, None, True, id="from anybody"),
        pytest.param(BOB, ALICE, None, False, id="not to other servers' people"),
        pytest.param(ALICE, ALICE, None, False, id="not from oneself"),
        pytest.param(ALICE, EVE, None, False, id="not from whom one blocks"),
        pytest.param(ALICE, ZOE, None, False, id="not from who blocks one"),
        pytest.param(replace(ALICE, suspended=True), BOB, None, False, id="not to who is suspended"),
        pytest.param(replace(ALICE, deleted=True), BOB, None, False, id="not to who is gone"),
        pytest.param(CAROL, BOB, 7, False, id="not from a muted thread"),
        pytest.param(CAROL, BOB, 8, True, id="from another thread"),
        pytest.param(CAROL, ZOE, None, False, id="not from whom one muted"),
        pytest.param(CAROL, EVE, None, True, id="from whom one muted in timelines only"),
    ],
)
def test_who_is_notified(recipient: Actor, sender: Actor, thread: int | None, allowed: bool) -> None:
    facts = a_world(
        Given(blocks=[(ALICE, EVE), (ZOE, ALICE)]),
        thread_mutes={(CAROL.id, 7)},
        mutes={(CAROL.id, ZOE.id): True, (CAROL.id, EVE.id): False},
    )
    assert policy.may_notify(recipient, sender.id, thread, facts) is allowed


@pytest.mark.parametrize(
    "actor, gone",
    [
        (BOB, False),
        (EVE, True),
        (replace(BOB, suspended=True), True),
        (replace(BOB, deleted=True), True),
        (ALICE, False),
    ],
)
def test_who_counts_no_longer(actor: Actor, gone: bool) -> None:
    assert policy.is_gone(actor, a_world(domains=DomainPolicy.suspending("evil.example"))) is gone


@pytest.mark.parametrize(
    "uri, ours",
    [
        ("https://home.example/users/alice", True),
        ("https://home.example", True),
        ("https://home.example.evil.example/users/alice", False),
        ("https://home.example:444/users/alice", False),
        ("http://home.example/users/alice", False),
    ],
)
def test_which_addresses_are_ours(uri: str, ours: bool) -> None:
    assert NAMES.is_ours(uri) is ours


def test_names_with_other_letters_make_valid_addresses() -> None:
    assert NAMES.hashtag_page("füße/../x") == "https://home.example/tags/f%C3%BC%C3%9Fe%2F..%2Fx"
    assert NAMES.media("1/a b.png") == "https://home.example/media/1/a%20b.png"


# Alice wants nothing of Bob's whole host.
AWAY = a_world(Given(objects=tuple(NOTES.values()), follows=[(BOB, ALICE)]), domain_blocks={(ALICE.id, BOB.host)})


def test_whoever_keeps_away_from_a_host_shows_it_nothing_and_follows_nobody_there() -> None:
    assert not any(policy.may_see(BOB, note, AWAY) for note in NOTES.values())
    assert policy.may_see(CAROL, PUBLIC, AWAY)
    assert not policy.may_follow(BOB, ALICE, AWAY)
    assert not policy.may_follow(ALICE, BOB, AWAY)
    assert policy.may_follow(CAROL, ALICE, AWAY)
    assert not policy.may_notify(ALICE, BOB.id, None, AWAY)
    assert policy.may_notify(CAROL, BOB.id, None, AWAY)


@pytest.mark.parametrize("domain", ["far.example", "example"])
def test_an_actor_is_gone_whose_handle_or_id_is_of_a_suspended_host(domain: str) -> None:
    facts = a_world(domains=DomainPolicy.suspending(domain))
    assert policy.is_gone(BOB, facts)
    assert policy.is_gone(replace(BOB, host="elsewhere.test"), facts)
    assert policy.is_gone(replace(BOB, uri="https://elsewhere.test/bob"), facts)
