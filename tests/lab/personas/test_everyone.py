"""What every software has in common: follows, posts, answers, likes, edits and deletions, both ways."""

from __future__ import annotations

import pytest

from fediverse_node.lab.personas import PERSONAS
from fediverse_node.lab.personas.drafts import CannotDoError
from fediverse_node.lab.personas.persona import Persona
from tests.lab.personas.conftest import Alice, Open, eventually, soon

EVERYBODY = pytest.mark.parametrize("kind", PERSONAS.values(), ids=PERSONAS)
# Which of them do nothing with what, in that version.
DEAF_TO_LIKES = {"mobilizon"}
DEAF_TO_BOOSTS = {"lemmy"}
DEAF_TO_EDITS = {"misskey"}


def having(*verbs: str) -> pytest.MarkDecorator:
    """The personas whose people can do this."""
    found = {name: kind for name, kind in PERSONAS.items() if kind.habits.verbs.issuperset(verbs)}
    return pytest.mark.parametrize("kind", found.values(), ids=found)


def hearing(deaf: set[str]) -> pytest.MarkDecorator:
    """The personas that are not deaf to something."""
    found = {name: kind for name, kind in PERSONAS.items() if name not in deaf}
    return pytest.mark.parametrize("kind", found.values(), ids=found)


@having("follows")
async def test_somebody_there_follows_alice(kind: type[Persona], alice: Alice, opened: Open) -> None:
    ann = (await opened(kind)).person("ann")
    await ann.follows(alice.uri)
    await soon(lambda: ann.is_following(alice.uri), "our Accept")
    told = await alice.is_told("follow")
    assert told["account"]["acct"] == ann.handle
    await ann.unfollows(alice.uri)
    assert not (await alice.relationship(ann.uri))["followed_by"]


@EVERYBODY
async def test_alice_follows_somebody_there_by_handle(kind: type[Persona], alice: Alice, opened: Open) -> None:
    persona = await opened(kind)
    ann = persona.person("ann")
    account = await alice.follows(f"@{ann.handle}")
    assert account["acct"] == ann.handle
    assert account["uri"] == ann.uri
    assert ann.is_followed_by(alice.uri)
    await alice.api.post(f"/api/v1/accounts/{account['id']}/unfollow")
    await soon(lambda: not ann.is_followed_by(alice.uri), "our Undo")
    assert not persona.refused


@EVERYBODY
async def test_what_is_said_there_arrives_and_is_answered(kind: type[Persona], alice: Alice, opened: Open) -> None:
    persona = await opened(kind)
    ann = persona.person("ann")
    await alice.follows(ann.uri)
    post = await ann.posts("The boat is painted red")
    status = await alice.reads(post.uri)
    assert "The boat is painted red" in status["content"]
    assert status["visibility"] == "public"
    assert status["account"]["uri"] == ann.uri
    answer = await alice.says(f"@{ann.handle} It was blue", in_reply_to_id=status["id"])
    await soon(lambda: post.replies == [answer["uri"]], "our answer")
    assert persona.sees("It was blue")
    assert ann.sees("It was blue")
    again = await ann.replies(answer["uri"], "And green before")
    told = await alice.is_told("mention")
    assert told["status"]["uri"] == again.uri
    assert told["status"]["in_reply_to_id"] == answer["id"]
    assert "And green before" in told["status"]["content"]
    assert not persona.refused


@hearing(DEAF_TO_LIKES)
async def test_alices_like_arrives_and_goes(kind: type[Persona], alice: Alice, opened: Open) -> None:
    ann = (await opened(kind)).person("ann")
    await alice.follows(ann.uri)
    post = await ann.posts("Ropes for sale")
    status = await alice.reads(post.uri)
    await alice.does(status, "favourite")
    await soon(lambda: alice.uri in post.likes, "our Like")
    await alice.does(status, "unfavourite")
    await soon(lambda: alice.uri not in post.likes, "our Undo")


@hearing(DEAF_TO_BOOSTS)
async def test_alices_boost_arrives_and_goes(kind: type[Persona], alice: Alice, opened: Open) -> None:
    ann = (await opened(kind)).person("ann")
    await alice.follows(ann.uri)
    post = await ann.posts("Ropes for sale")
    status = await alice.reads(post.uri)
    await alice.does(status, "reblog")
    await soon(lambda: alice.uri in post.boosts, "our Announce")
    await alice.does(status, "unreblog")
    await soon(lambda: alice.uri not in post.boosts, "our Undo")


@having("follows", "likes")
async def test_a_like_from_there_counts_until_it_is_taken_back(kind: type[Persona], alice: Alice, opened: Open) -> None:
    persona = await opened(kind)
    ann = persona.person("ann")
    await ann.follows(alice.uri)
    await soon(lambda: ann.is_following(alice.uri), "our Accept")
    status = await alice.says("Good morning")
    if kind.habits.software != "pixelfed":  # which takes nothing without a picture
        await soon(lambda: ann.sees("Good morning"), "our post")
    await ann.likes(status["uri"])
    assert (await alice.is_told("favourite"))["status"]["id"] == status["id"]
    await ann.unlikes(status["uri"])
    assert (await alice.api.get(f"/api/v1/statuses/{status['id']}"))["favourites_count"] == 0


@having("follows", "boosts")
async def test_a_boost_from_there_counts_until_it_is_taken_back(
    kind: type[Persona], alice: Alice, opened: Open
) -> None:
    ann = (await opened(kind)).person("ann")
    status = await alice.says("Good morning")
    await ann.boosts(status["uri"])
    assert (await alice.is_told("reblog"))["status"]["id"] == status["id"]
    await ann.unboosts(status["uri"])
    assert (await alice.api.get(f"/api/v1/statuses/{status['id']}"))["reblogs_count"] == 0


@having("edits")
async def test_an_edit_there_changes_what_alice_reads(kind: type[Persona], alice: Alice, opened: Open) -> None:
    ann = (await opened(kind)).person("ann")
    await alice.follows(ann.uri)
    post = await ann.posts("High tide at six", title="Tides")
    assert "at six" in (await alice.reads(post.uri))["content"]
    await ann.edits(post, "High tide at seven")

    async def changed() -> bool:
        status = await alice.status(post.uri)
        return "at seven" in status["content"] and status["edited_at"] is not None

    await eventually(changed, "the edit")


@EVERYBODY
async def test_what_is_deleted_there_is_gone_here(kind: type[Persona], alice: Alice, opened: Open) -> None:
    ann = (await opened(kind)).person("ann")
    await alice.follows(ann.uri)
    post = await ann.posts("I will regret this")
    await alice.reads(post.uri)
    await ann.deletes(post)

    async def gone() -> bool:
        return all(status["uri"] != post.uri for status in await alice.api.home())

    await eventually(gone, "the deletion")


@EVERYBODY
async def test_alices_edit_and_deletion_arrive_there(kind: type[Persona], alice: Alice, opened: Open) -> None:
    persona = await opened(kind)
    ann = persona.person("ann")
    await alice.follows(ann.uri)
    post = await ann.posts("What colour was it?")
    status = await alice.reads(post.uri)
    answer = await alice.says(f"@{ann.handle} blue", in_reply_to_id=status["id"])
    await soon(lambda: answer["uri"] in persona.held, "our answer")
    if kind.habits.software not in DEAF_TO_EDITS:
        await alice.api.put(f"/api/v1/statuses/{answer['id']}", status=f"@{ann.handle} green")
        await soon(lambda: persona.sees("green"), "our edit")
    await alice.api.delete(f"/api/v1/statuses/{answer['id']}")
    await soon(lambda: answer["uri"] not in persona.held, "our deletion")


@EVERYBODY
async def test_somebody_who_leaves_takes_everything_along(kind: type[Persona], alice: Alice, opened: Open) -> None:
    ann = (await opened(kind)).person("ann")
    await alice.follows(ann.uri)
    post = await ann.posts("Goodbye")
    await alice.reads(post.uri)
    await ann.leaves()

    async def gone() -> bool:
        return all(status["uri"] != post.uri for status in await alice.api.home())

    await eventually(gone, "the departure")


@EVERYBODY
async def test_a_verb_that_a_software_lacks_is_refused_with_its_name(kind: type[Persona], opened: Open) -> None:
    persona = await opened(kind)
    ann = persona.person("ann")
    if "quotes" not in kind.habits.verbs:
        with pytest.raises(CannotDoError, match=kind.habits.software):
            await ann.quotes("https://alpha.test/1", "look")
    post = await persona.person("ben").posts("mine")
    with pytest.raises(CannotDoError, match="not ann's"):
        await ann.deletes(post)
