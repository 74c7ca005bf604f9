"""Whom private words are for, and where else they are found."""

from __future__ import annotations

import base64
import logging

from fediverse_node.lab.invariants import Checker
from fediverse_node.lab.people import Person
from fediverse_node.lab.world import World
from tests.lab.invariants.life import broken_in, keys_of

_WORDS = "what only ben and I may know"


async def _told(world: World, words: str = _WORDS, **to: str) -> tuple[Person, Person, Person]:
    alice, ben, cleo = await world.people("alice@alpha", "ben@beta", "cleo@gamma")
    await ben.follows(alice)
    await world.quiet()
    await alice.posts(words, to=to.get("to", "direct"), mentioning=[ben])
    await world.quiet()
    return alice, ben, cleo


def test_words_in_the_log_of_another_host_are_found() -> None:
    async def story(world: World, checker: Checker) -> None:
        await _told(world)

        async def talk() -> None:
            logging.getLogger("fediverse_node.test").info("somebody said: %s", _WORDS)

        await world.nodes["beta.test"].inside(talk())
        checker.after_step()
        assert checker.broken == []
        await world.nodes["gamma.test"].inside(talk())

    [broken] = broken_in(story)
    assert broken.key == ("leaks", "direct words in a log")
    assert "the log of gamma.test" in broken.sentence


def test_words_hidden_in_base64_are_found_in_a_request() -> None:
    async def story(world: World, checker: Checker) -> None:
        _, _, cleo = await _told(world)
        await cleo.ask("GET", f"/api/v1/instance?x={base64.urlsafe_b64encode(_WORDS.encode()).decode()}")

    [broken] = broken_in(story)
    assert broken.key == ("leaks", "direct words in a request")
    assert "cleo@gamma.test" in broken.sentence


def test_words_that_an_app_of_somebody_else_on_the_same_host_gets_are_found() -> None:
    async def story(world: World, checker: Checker) -> None:
        alice, ben, _ = await _told(world)
        eve = await world.person("eve@beta")
        for who in (alice, ben):
            await who.ask("GET", "/api/v1/timelines/home")
        checker.after_step()
        assert checker.broken == []
        # As if she had got his token.
        eve.token = ben.token
        await eve.ask("GET", "/api/v1/timelines/home")

    [broken] = broken_in(story)
    assert broken.key == ("leaks", "direct words in an answer")
    assert broken.sentence.startswith("eve@beta.test is not one of those")


def test_followers_who_come_later_may_read_what_was_said_before() -> None:
    async def story(world: World, checker: Checker) -> None:
        alice, _, cleo = await _told(world, to="followers")
        dora = await world.person("dora@alpha")
        await dora.follows(alice)
        await world.quiet()
        checker.after_step()
        home = await dora.ask("GET", "/api/v1/timelines/home")
        assert any(_WORDS in status["content"] for status in home)
        await cleo.follows(alice)

    assert broken_in(story) == []


def test_words_that_were_said_in_public_too_are_no_secret() -> None:
    async def story(world: World, checker: Checker) -> None:
        alice, _, cleo = await _told(world)
        await cleo.follows(alice)
        await world.quiet()
        await alice.posts(f"everybody knows now {_WORDS}")

    assert broken_in(story) == []


def test_a_warning_and_what_a_poll_offers_are_private_words_too() -> None:
    async def story(world: World, checker: Checker) -> None:
        alice, ben, cleo = await world.people("alice@alpha", "ben@beta", "cleo@gamma")
        await alice.posts(
            "which of them?",
            to="direct",
            mentioning=[ben],
            warning="about the secret garden",
            poll=["behind the red door", "under the big stone"],
        )
        await world.quiet()
        checker.after_step()
        assert checker.broken == []
        for words in ("about the secret garden", "under the big stone"):
            await cleo.ask("GET", f"/api/v1/instance?x={words.replace(' ', '+')}")
            checker.after_step()

    found = broken_in(story)
    assert [dict(broken.details)["words"] for broken in found] == ["about the secret garden", "under the big stone"]


def test_a_broken_invariant_tells_seed_step_exchange_and_words() -> None:
    async def story(world: World, checker: Checker) -> None:
        _, _, cleo = await _told(world)
        await cleo.ask("GET", "/api/v1/instance?x=what%20only%20ben%20and%20I%20may%20know")
        world.ledger.step = 12

    [broken] = broken_in(story, seed=77)
    assert keys_of([broken]) == {("leaks", "direct words in a request")}
    text = str(broken)
    assert "seed 77, step 12, exchange" in text
    assert f"words: {_WORDS}" in text
    assert "cleo@gamma.test -> gamma.test GET /api/v1/instance" in text
    assert broken.exchanges
