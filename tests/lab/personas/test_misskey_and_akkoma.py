"""Misskey and Akkoma talk with our node: reactions, quotes in their spellings, polls, and what they refuse."""

from __future__ import annotations

import pytest

from fediverse_node.lab.personas.akkoma import Akkoma
from fediverse_node.lab.personas.drafts import Poll
from fediverse_node.lab.personas.misskey import Misskey
from fediverse_node.lab.personas.persona import Persona
from fediverse_node.lab.personas.snac import Snac
from tests.lab.personas.conftest import Alice, Open, eventually, soon


async def test_a_reaction_of_misskey_is_a_like_with_an_emoji(alice: Alice, opened: Open) -> None:
    misskey = await opened(Misskey)
    mika = misskey.person("mika")
    status = await alice.says("We have a boat")
    await mika.reacts(status["uri"], ":party:")
    assert misskey.sent[-1].activity["tag"][0]["name"] == ":party:"
    assert misskey.sent[-1].status == 202
    found = await alice.api.get(f"/api/v1/statuses/{status['id']}")
    assert found["favourites_count"] == 1
    await mika.unlikes(status["uri"])
    assert (await alice.api.get(f"/api/v1/statuses/{status['id']}"))["favourites_count"] == 0


@pytest.mark.parametrize("kind", [Akkoma, Snac])
async def test_an_emoji_react_is_accepted(kind: type[Persona], alice: Alice, opened: Open) -> None:
    persona = await opened(kind)
    ann = persona.person("ann")
    status = await alice.says("We have a boat")
    await ann.reacts(status["uri"], "🦊")
    assert persona.sent[-1].activity["type"] == "EmojiReact"
    await ann.unlikes(status["uri"])
    assert [each.status for each in persona.sent] == [202, 202]


@pytest.mark.parametrize("kind", [Misskey, Akkoma])
async def test_a_quote_arrives_with_the_address_of_what_it_quotes(
    kind: type[Persona], alice: Alice, opened: Open
) -> None:
    ann = (await opened(kind)).person("ann")
    await alice.follows(ann.uri)
    said = await alice.says("The harbour is closed")
    quote = await ann.quotes(said["uri"], "Until when?")
    status = await alice.reads(quote.uri)
    assert "Until when?" in status["content"]
    assert f'href="{said["uri"]}"' in status["content"]
    # They ask nobody, and hers may be quoted by everybody.
    assert (status["quote"]["state"], status["quote"]["quoted_status"]["id"]) == ("accepted", said["id"])
    assert (await alice.is_told("quote"))["status"]["uri"] == quote.uri


@pytest.mark.parametrize("kind", [Misskey, Akkoma, Snac])
async def test_a_poll_is_read_and_voted_in_both_ways(kind: type[Persona], alice: Alice, opened: Open) -> None:
    ann = (await opened(kind)).person("ann")
    await alice.follows(ann.uri)
    asked = await ann.posts("Which way?", poll=Poll(("left", "right", "on"), multiple=True))
    status = await alice.reads(asked.uri)
    poll = status["poll"]
    assert ([option["title"] for option in poll["options"]], poll["multiple"]) == (["left", "right", "on"], True)
    assert poll["expires_at"]
    assert not poll["expired"]
    await alice.api.post(f"/api/v1/polls/{poll['id']}/votes", choices=[0, 2])
    await soon(lambda: sorted(asked.votes.get(alice.uri, [])) == ["left", "on"], "the votes")
    ours = await alice.says("Soup?", poll={"options": ["yes", "no"], "expires_in": 3600})
    await ann.votes(ours["uri"], "no")

    async def counted() -> bool:
        found = await alice.api.get(f"/api/v1/statuses/{ours['id']}")
        return [option["votes_count"] for option in found["poll"]["options"]] == [0, 1]

    await eventually(counted, "the vote counted")


async def test_misskey_drops_what_is_named_after_another_host(opened: Open) -> None:
    here, there = await opened(Misskey), await opened(Akkoma)
    mika, ann = here.person("mika"), there.person("ann")
    activity = there.follow(ann.resident, mika.uri) | {"id": "https://alpha.test/follows/1"}
    assert await there.deliver(ann.resident, activity, f"{mika.uri}/inbox") == 202
    await here.settle()
    assert here.arrived[0].ignored == "the activity's id is on another host than its signer"
    assert not mika.is_followed_by(ann.uri)


async def test_pictures_whose_address_is_a_list_are_found(alice: Alice, opened: Open) -> None:
    ann = (await opened(Akkoma)).person("ann")
    await alice.follows(ann.uri)
    post = await ann.posts("Look", pictures=["a heron", "a reed"], warning="birds")
    status = await alice.reads(post.uri)
    assert [each["description"] for each in status["media_attachments"]] == ["a heron", "a reed"]
    assert status["media_attachments"][0]["remote_url"].endswith("-1.png")
    assert status["spoiler_text"] == "birds"


async def test_akkoma_that_shows_nothing_to_unsigned_requests_can_be_read(alice: Alice, opened: Open) -> None:
    akkoma = await opened(Akkoma, authorized_fetch=True)
    ann = akkoma.person("ann")
    post = await ann.posts("Behind the door", mentions=[alice.uri])
    assert (await alice.is_told("mention"))["status"]["uri"] == post.uri
    assert (await alice.follows(f"@{ann.handle}"))["uri"] == ann.uri
