"""Of each invariant, a rule of the node is broken on purpose: it is caught, and said where and by which exchange.

That nothing is reported where no rule is broken is in test_life.py: the same story, under faults too.
"""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
from sqlalchemy import select

from fediverse_node.delivery import sender
from fediverse_node.delivery.verdict import Outcome, Verdict, judge
from fediverse_node.domain import arrival, policy
from fediverse_node.domain.activities import RULES, Rule, create
from fediverse_node.domain.effects import Deliver, Effect, Refusal, Refuse
from fediverse_node.domain.facts import Facts
from fediverse_node.domain.verified import Verified
from fediverse_node.inbox import authenticate
from fediverse_node.lab import faults
from fediverse_node.lab.databases import Databases
from fediverse_node.lab.faults import FaultKind
from fediverse_node.lab.invariants import Checker
from fediverse_node.lab.world import World
from fediverse_node.outbox.submit import Outbox
from fediverse_node.storage.apply import deliveries, reactions
from fediverse_node.storage.apply.counting import count_objects
from fediverse_node.storage.statement import Statement
from fediverse_node.storage.tables import actors
from fediverse_node.storage.unit import Fetch, Unit
from fediverse_node.storage.writer import Decided, Decision, Writer
from tests.lab.invariants.life import BETA, broken_in, keys_of, life

_EVERYBODY = Statement(select(actors.c.inbox).where(actors.c.local.is_(False)))


@pytest.fixture
def everybody_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is for followers goes to every server that is known."""
    real = deliveries._inboxes

    def everywhere(effect: Deliver, facts: Facts) -> Unit[list[str]]:
        found = yield from real(effect, facts)
        if effect.type != "Create":
            return found
        rows = yield Fetch(_EVERYBODY, {})
        return list(dict.fromkeys([*found, *(row["inbox"] for row in rows)]))

    monkeypatch.setattr(deliveries, "_inboxes", everywhere)


async def _a_private_post(world: World, checker: Checker) -> None:
    alice, ben, cleo = await world.people("alice@alpha", "ben@beta", "cleo@gamma")
    await ben.follows(alice)
    await cleo.follows(alice)
    await world.quiet()
    await cleo.unfollows(alice)
    await world.quiet()
    await alice.posts("what only my followers may know", to="followers")
    checker.after_step(7)
    await world.quiet()
    checker.after_step(8)


@pytest.mark.usefixtures("everybody_is_told")
def test_private_words_that_are_sent_to_everybody_are_a_leak() -> None:
    found = broken_in(_a_private_post, seed=23)
    assert keys_of(found) == {("leaks", "followers words in a request")}
    text = str(found[0])
    assert "gamma.test is not one of those whom words of alice@alpha.test are for" in text
    assert "seed 23, step 7, exchange" in text
    assert "alpha.test -> gamma.test POST" in text
    assert "what only my followers may know" in text


@pytest.mark.usefixtures("everybody_is_told")
def test_private_words_that_a_stranger_stores_are_a_leak_in_its_database(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(policy, "is_relevant", lambda *_: True)
    found = broken_in(_a_private_post)
    assert ("leaks", "followers words in a database") in keys_of(found)


@pytest.mark.usefixtures("everybody_is_told")
def test_a_leak_into_a_postgresql_database_is_found(
    monkeypatch: pytest.MonkeyPatch, postgres_worlds: Databases
) -> None:
    monkeypatch.setattr(policy, "is_relevant", lambda *_: True)
    found = broken_in(_a_private_post, databases=postgres_worlds)
    assert ("leaks", "followers words in a database") in keys_of(found)


# An activity of this type is never sent to beta, and what is noticed by that.
_UNSENT = [
    ("Create", ("convergence", "a post is missing")),
    ("Update", ("convergence", "a copy differs in text")),
    ("Like", ("convergence", "a like is missing")),
    ("Announce", ("convergence", "a boost is missing")),
    ("Block", ("convergence", "a block is missing")),
    ("Accept", ("convergence", "a follow is asked for for the follower and accepted for the followed")),
    ("Delete", ("deletions", "a deleted post is left over")),
    ("Undo", ("convergence", "a like is left over")),
]


@pytest.mark.parametrize(("type_", "key"), _UNSENT, ids=[type_ for type_, _ in _UNSENT])
def test_what_is_not_sent_to_one_host_is_missed(
    type_: str, key: tuple[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    real = deliveries._inboxes

    def all_but_beta(effect: Deliver, facts: Facts) -> Unit[list[str]]:
        found = yield from real(effect, facts)
        return [inbox for inbox in found if effect.type != type_ or BETA not in inbox]

    monkeypatch.setattr(deliveries, "_inboxes", all_but_beta)
    assert key in keys_of(broken_in(_everything_with_beta))


async def _everything_with_beta(world: World, checker: Checker) -> None:
    alice, ben, cleo = await world.people("alice@alpha", "ben@beta", "cleo@gamma")
    await ben.follows(alice)
    theirs = await ben.posts("a post that ben has posted")
    mine = await alice.posts("the words of the first version", mentioning=[ben])
    await alice.posts("another one, that stays as it is", to="followers")
    await alice.likes(theirs)
    await cleo.boosts(theirs)
    await world.quiet()
    mine = await alice.edits(mine, "the words of the second version")
    await world.quiet()
    checker.at_quiet()
    await alice.unlikes(theirs)
    await cleo.blocks(ben)
    await alice.deletes(mine)


def test_a_refusal_without_a_true_reason_excuses_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    def refusing(verified: Verified, facts: Facts) -> Iterator[Effect]:
        yield Refuse(Refusal.NOT_RELEVANT)

    monkeypatch.setitem(RULES, "Create", Rule(create.needs, refusing))
    found = broken_in(_a_private_post)
    assert ("convergence", "a post is missing") in keys_of(found)
    assert "NOT_RELEVANT" in str(next(broken for broken in found if broken.kind == "a post is missing"))


def test_a_copy_that_ignores_a_deletion_is_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    def ignoring(verified: Verified, facts: Facts) -> Iterator[Effect]:
        yield from ()

    monkeypatch.setitem(RULES, "Delete", Rule(RULES["Delete"].needs, ignoring))
    found = broken_in(_everything_with_beta)
    assert ("deletions", "a deleted post is left over") in keys_of(found)
    assert ("accepted", "a post that was accepted is there again") not in keys_of(found)


def test_a_deleted_post_that_comes_back_by_a_late_copy_is_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    real = arrival.refusal_of

    def forgetful(*given: Any) -> Refuse | None:
        refusal = real(*given)
        return None if refusal is not None and refusal.reason is Refusal.DELETED else refusal

    async def overtaken(world: World, checker: Checker) -> None:
        alice, ben = await world.people("alice@alpha", "ben@beta")
        await ben.follows(alice)
        await world.quiet()
        late = world.faults.add(faults.Rule(FaultKind.DELAY, "alpha.test", BETA, amount=90.0, method="POST"))
        post = await alice.posts("said too early, and taken back", to="followers")
        await world.wait(seconds=2)
        world.faults.remove(late)
        await alice.deletes(post)
        await world.wait(seconds=70)
        checker.after_step()
        await world.quiet()
        checker.after_step()

    assert broken_in(overtaken) == []
    monkeypatch.setattr(arrival, "refusal_of", forgetful)
    found = broken_in(overtaken)
    assert ("deletions", "a deleted post came back") in keys_of(found)


def test_words_of_a_deleted_private_post_that_stay_in_a_row_are_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    real = create.deliver

    def keeping(*given: Any) -> Iterator[Effect]:
        """The payload does not go with the object any more."""
        for effect in real(*given):
            assert isinstance(effect, Deliver)
            yield replace(effect, object_id=None)

    monkeypatch.setattr(create, "deliver", keeping)
    assert keys_of(broken_in(life)) == {("deletions", "deleted words in payloads.body")}


def test_a_request_that_counts_twice_is_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    async def followed(world: World, checker: Checker) -> None:
        alice, ben = await world.people("alice@alpha", "ben@beta")
        world.faults.add(faults.Rule(FaultKind.DUPLICATE, method="POST"))
        await ben.follows(alice)
        await world.quiet()

    assert broken_in(followed) == []
    monkeypatch.setattr(authenticate, "replay_key", lambda claim: secrets.token_bytes(16))
    found = broken_in(followed)
    assert keys_of(found) == {("once", "a Follow is accepted twice")}


def test_what_is_sent_again_after_it_was_taken_is_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    real = judge

    def never_content(answer: Any, attempts: int, now: Any) -> Outcome:
        verdict = real(answer, attempts, now)
        return Outcome(Verdict.LATER) if attempts == 1 else verdict

    monkeypatch.setattr(sender, "judge", never_content)
    found = broken_in(_everything_with_beta)
    assert ("once", "Create is sent again") in keys_of(found)


def test_an_activity_that_is_accepted_and_not_committed_is_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    real = Writer.decide

    async def lying(self: Writer, decision: Decision) -> Decided:
        # Only what comes from elsewhere: our own people are told the truth.
        is_ours = self._world.names.host in decision.needs.acting or not decision.beside
        return await real(self, decision) if is_ours else Decided([])

    monkeypatch.setattr(Writer, "decide", lying)
    found = broken_in(_everything_with_beta)
    assert ("accepted", "a like that was accepted is not there") in keys_of(found)
    assert ("accepted", "a post that was accepted is not there") in keys_of(found)
    sentence = str(next(broken for broken in found if broken.kind.startswith("a like")))
    assert "alpha.test -> beta.test POST /inbox Like" in sentence


def test_an_answer_before_the_commit_is_caught_when_the_node_crashes(monkeypatch: pytest.MonkeyPatch) -> None:
    async def crashing(world: World, checker: Checker) -> None:
        alice, ben = await world.people("alice@alpha", "ben@beta")
        await ben.follows(alice)
        await world.quiet()
        await alice.posts("the last that was heard")
        await world.wait(seconds=1)
        await world.node_of(ben).crash()
        await world.wait(minutes=1)
        await world.node_of(ben).start()

    real = Writer.decide

    async def hasty(self: Writer, decision: Decision) -> Decided:
        if self._world.names.host in decision.needs.acting or "/users/alice" not in decision.needs.acting:
            return await real(self, decision)

        async def later() -> None:
            await asyncio.sleep(5)
            await real(self, decision)

        self._late = asyncio.create_task(later())  # type: ignore[attr-defined]
        return Decided([])

    assert broken_in(crashing) == []
    monkeypatch.setattr(Writer, "decide", hasty)
    assert ("accepted", "a post that was accepted is not there") in keys_of(broken_in(crashing))


def test_what_a_person_is_told_is_done_and_is_not_is_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    async def idle(self: Outbox, actor_id: int, object_id: int) -> None:
        return None

    monkeypatch.setattr(Outbox, "unlike", idle)
    found = broken_in(life)
    assert ("accepted", "a like that was accepted is there again") in keys_of(found)
    assert "ben@beta.test was told that this is done: unlikes" in str(found[0])


def test_a_counter_that_is_not_taken_back_is_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    real = count_objects

    def only_up(name: str, ids: list[int], by: int = 1) -> Unit[None]:
        if by > 0:
            yield from real(name, ids, by)

    monkeypatch.setattr(reactions, "count_objects", only_up)
    found = broken_in(life)
    assert keys_of(found) == {("counts", "objects.likes_count is wrong")}
    assert "stores 1 as objects.likes_count" in str(found[0])


def test_a_rule_that_raises_is_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    def raising(verified: Verified, facts: Facts) -> Iterator[Effect]:
        known: dict[str, tuple[Effect, ...]] = {}
        yield from known["nobody thought of this"]

    monkeypatch.setitem(RULES, "Like", Rule(RULES["Like"].needs, raising))
    found = broken_in(_everything_with_beta)
    assert {("unbroken", "an error in the log: KeyError"), ("unbroken", "an answer of 503")} <= keys_of(found)


def test_an_exception_that_nobody_hears_is_caught() -> None:
    async def unheard(world: World, checker: Checker) -> None:
        node = await world.node("alpha")

        async def falling() -> None:
            raise ValueError("in a task that nobody awaits")

        async def begin() -> None:
            asyncio.get_running_loop().create_task(falling())

        await node.inside(begin())
        await world.wait(seconds=1)

    assert keys_of(broken_in(unheard)) == {("unbroken", "an error in the log: ValueError")}
