"""Why did this not reach them? The first stage that was not passed is named, with what to do."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

import pytest

from fediverse_node.lab.faults import FaultKind, Rule
from fediverse_node.lab.people import Person, Post
from fediverse_node.lab.recording import Recording, parse_recording
from fediverse_node.lab.why.explain import explain
from fediverse_node.lab.why.finding import Explanation, Stage, State
from fediverse_node.lab.world import World

Story = Callable[[World, Person, Person], Awaitable[Post]]


def why(world: World, post: Post, host: str = "beta.test") -> Explanation:
    return explain(post.uri, host, world.recording, world.looks())


def why_from_file(world: World, post: Post) -> Explanation:
    """With the recording alone, as after a test run that is over."""
    recording: Recording = parse_recording(world.recording.dump().splitlines(), name="kept")
    return explain(post.uri, "beta.test", recording)


async def _nobody_follows(world: World, alice: Person, ben: Person) -> Post:
    return await alice.posts("hello")


async def _asked_and_not_accepted(world: World, alice: Person, ben: Person) -> Post:
    await alice.ask("PATCH", "/api/v1/accounts/update_credentials", locked=True)
    await ben.follows(alice)
    await world.quiet()
    return await alice.posts("hello")


async def _followed_too_late(world: World, alice: Person, ben: Person) -> Post:
    post = await alice.posts("hello")
    await ben.follows(alice)
    await world.quiet()
    return post


async def _parted(world: World, alice: Person, ben: Person) -> Post:
    await ben.follows(alice)
    await world.quiet()
    world.faults.add(Rule(FaultKind.PARTITION, "alpha.test", "beta.test"))
    post = await alice.posts("hello")
    await world.wait(minutes=5)
    return post


async def _down(world: World, alice: Person, ben: Person) -> Post:
    await ben.follows(alice)
    await world.quiet()
    await world.node_of(ben).crash()
    post = await alice.posts("hello")
    await world.wait(minutes=5)
    return post


async def _down_for_weeks(world: World, alice: Person, ben: Person) -> Post:
    await ben.follows(alice)
    await world.quiet()
    await world.node_of(ben).stop()
    post = await alice.posts("hello")
    await world.wait(days=20)
    return post


async def _wrong_clock(world: World, alice: Person, ben: Person) -> Post:
    await ben.follows(alice)
    await world.quiet()
    world.node_of(alice).clock.skew_s = 2 * 86_400
    post = await alice.posts("hello")
    await world.wait(minutes=1)
    return post


async def _changed_on_the_way(world: World, alice: Person, ben: Person) -> Post:
    await ben.follows(alice)
    await world.quiet()
    world.faults.add(Rule(FaultKind.WRONG_DIGEST, "alpha.test", "beta.test"))
    post = await alice.posts("hello")
    await world.wait(minutes=1)
    return post


async def _busy(world: World, alice: Person, ben: Person) -> Post:
    await ben.follows(alice)
    await world.quiet()
    world.faults.add(Rule(FaultKind.STATUS, "alpha.test", "beta.test", amount=503))
    post = await alice.posts("hello")
    await world.wait(minutes=1)
    return post


async def _refused_for_good(world: World, alice: Person, ben: Person) -> Post:
    await ben.follows(alice)
    await world.quiet()
    world.faults.add(Rule(FaultKind.STATUS, "alpha.test", "beta.test", amount=403))
    post = await alice.posts("hello")
    await world.wait(minutes=1)
    return post


async def _blocked(world: World, alice: Person, ben: Person) -> Post:
    await ben.looks_up(alice)
    world.faults.add(Rule(FaultKind.PARTITION, "alpha.test", "beta.test"))
    await ben.blocks(alice)  # she does not learn of it in time
    world.faults.heal()
    post = await alice.posts("hello", mentioning=[ben])
    await world.wait(seconds=5)
    return post


async def _deleted(world: World, alice: Person, ben: Person) -> Post:
    await ben.follows(alice)
    await world.quiet()
    post = await alice.posts("hello")
    await world.quiet()
    await alice.deletes(post)
    await world.quiet()
    return post


@pytest.mark.parametrize(
    ("story", "stage", "state", "words"),
    [
        (_nobody_follows, Stage.AUDIENCE, State.FAILED, "Nobody at beta.test follows its author"),
        (_asked_and_not_accepted, Stage.AUDIENCE, State.FAILED, "ben at beta.test has asked to follow"),
        (_followed_too_late, Stage.AUDIENCE, State.FAILED, "ben at beta.test can see it now, but nothing was sent"),
        (_parted, Stage.RESOLVE, State.WAITING, "Attempt"),
        (_down, Stage.RESOLVE, State.WAITING, "beta.test"),
        (_down_for_weeks, Stage.RESOLVE, State.FAILED, "it was given up"),
        (_wrong_clock, Stage.SIGN, State.FAILED, "did not believe the signature (signature.time)"),
        (_changed_on_the_way, Stage.SIGN, State.FAILED, "did not believe the signature (signature.digest)"),
        (_busy, Stage.INBOX, State.WAITING, "made by the lab"),
        (_refused_for_good, Stage.SIGN, State.FAILED, "403"),
        (_blocked, Stage.SHOWN, State.FAILED, "nobody's app there shows it"),
        (_deleted, Stage.SAID, State.FAILED, "alpha.test has deleted it"),
    ],
    ids=lambda value: value.__name__.strip("_").replace("_", " ") if callable(value) else "",
)
async def test_the_stage_that_kept_it_is_named(
    world: World, story: Story, stage: Stage, state: State, words: str
) -> None:
    alice, ben = await world.people("alice@alpha", "ben@beta")
    post = await story(world, alice, ben)
    explanation = why(world, post)
    assert explanation.culprit is not None, explanation.text()
    assert (explanation.culprit.stage, explanation.culprit.state) == (stage, state), explanation.text()
    assert words in explanation.verdict, explanation.text()
    assert not explanation.has_arrived
    # The wire does not tell what was deleted or hidden later.
    assert not why_from_file(world, post).has_arrived or story in (_deleted, _blocked)


async def test_what_did_reach_them_is_said_to_have(world: World) -> None:
    alice, ben = await world.people("alice@alpha", "ben@beta")
    await ben.follows(alice)
    await world.quiet()
    post = await alice.posts("hello")
    await world.quiet()
    for explanation in (why(world, post), why_from_file(world, post)):
        assert explanation.has_arrived, explanation.text()
        assert explanation.verdict == "It did reach beta.test."
        assert "kept the post" in explanation.text()


async def test_the_address_of_its_page_will_do(world: World) -> None:
    alice = await world.person("alice@alpha")
    post = await alice.posts("hello")
    [status] = await alice.ask("GET", "/api/v1/timelines/home")
    assert status["url"] != post.uri
    assert "Nobody at beta.test follows" in explain(status["url"], "beta.test", world.recording, world.looks()).verdict


async def test_a_post_that_nobody_knows_is_said_to_be_unknown(world: World) -> None:
    await world.people("alice@alpha", "ben@beta")
    post = Post("https://alpha.test/users/alice/statuses/1", "alice@alpha.test", "", "public")
    assert "knows no post" in why(world, post).verdict
    assert "Nothing that was recorded" in why_from_file(world, post).verdict
