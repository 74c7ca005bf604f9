"""Quotes that claim an approval nobody gave, tried as an attacker would, over real sockets."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest
from sqlalchemy import Text, bindparam, select

from fediverse_node.domain.interaction_policy import quote_permission
from fediverse_node.domain.model import InteractionPolicy, Visibility
from fediverse_node.outbox.draft import Draft
from fediverse_node.storage import tables as t
from fediverse_node.storage.rows import quote_of
from fediverse_node.storage.statement import Statement
from tests.fake_peer import AS2, FakePeer, Person, fake_peer
from tests.inprocess import Running

GTS = "https://gotosocial.org/ns#"
_QUOTE = Statement(
    select(t.quotes)
    .select_from(t.quotes.join(t.objects, t.objects.c.id == t.quotes.c.object_id))
    .where(t.objects.c.uri == bindparam("uri", type_=Text()))
)
_FETCHES = Statement(select(t.fetches.c.uri))


@pytest.fixture
async def good() -> AsyncIterator[FakePeer]:
    """The server of whoever is quoted."""
    async with fake_peer() as found:
        yield found


@pytest.fixture
async def evil() -> AsyncIterator[FakePeer]:
    """The server of whoever quotes."""
    async with fake_peer() as found:
        yield found


def policied(good: FakePeer, yolanda: Person, text: str = "mine") -> dict[str, Any]:
    """A post whose author answers requests."""
    return good.note(yolanda, text, interactionPolicy={"canQuote": {"automaticApproval": [yolanda.uri]}})


def a_stamp(uri: str, owner: str, quoting: str, quoted: str, **more: Any) -> dict[str, Any]:
    """The document of a QuoteAuthorization."""
    context = {
        "QuoteAuthorization": "https://w3id.org/fep/044f#QuoteAuthorization",
        "gts": GTS,
        "interactingObject": {"@id": "gts:interactingObject", "@type": "@id"},
        "interactionTarget": {"@id": "gts:interactionTarget", "@type": "@id"},
    }
    return {
        "@context": [AS2, context],
        "type": "QuoteAuthorization",
        "id": uri,
        "attributedTo": owner,
        "interactingObject": quoting,
        "interactionTarget": quoted,
        **more,
    }


async def settled(home: Running, uri: str) -> str:
    """How the quote in a post stands once nothing more is to be fetched."""
    database = home.node.core.database
    async with asyncio.timeout(15):
        while await database.fetch(_FETCHES) or (row := await database.fetch_one(_QUOTE, uri=uri)) is None:
            await asyncio.sleep(0.02)
    return quote_of(row).state.value


async def quotes(home: Running, evil: FakePeer, mallory: Person, quoted: str, stamp: str | None, **more: Any) -> str:
    """Mallory quotes something and tells Alice; the address of the post."""
    alice = f"{home.base_url}/users/alice"
    claims = {"quote": quoted, **({"quoteAuthorization": stamp} if stamp else {}), **more}
    tags = [{"type": "Mention", "href": alice, "name": "@alice"}]
    note = evil.note(mallory, "look at this fool", tag=tags, cc=[alice], **claims)
    assert await evil.deliver(mallory, f"{home.base_url}/inbox", evil.create(mallory, note)) == 202
    return str(note["id"])


Forge = Callable[[FakePeer, FakePeer, str, str, str], str | None]


def _nowhere(good: FakePeer, evil: FakePeer, owner: str, quoting: str, quoted: str) -> str | None:
    return f"{good.base_url}/stamps/none"


def _at_home(good: FakePeer, evil: FakePeer, owner: str, quoting: str, quoted: str) -> str | None:
    uri = f"{evil.base_url}/stamps/1"
    evil.documents[uri] = a_stamp(uri, owner, quoting, quoted)
    return uri


def _saying(**wrong: str) -> Forge:
    def forge(good: FakePeer, evil: FakePeer, owner: str, quoting: str, quoted: str) -> str | None:
        uri = f"{good.base_url}/stamps/1"
        good.documents[uri] = a_stamp(uri, owner, quoting, quoted) | {
            name: value.format(good=good.base_url, evil=evil.base_url) for name, value in wrong.items()
        }
        return uri

    return forge


def _redirected(good: FakePeer, evil: FakePeer, owner: str, quoting: str, quoted: str) -> str | None:
    uri, elsewhere = f"{good.base_url}/go", f"{evil.base_url}/stamps/1"
    good.redirects["/go"] = elsewhere
    evil.documents[elsewhere] = a_stamp(uri, owner, quoting, quoted)
    return uri


def _none(good: FakePeer, evil: FakePeer, owner: str, quoting: str, quoted: str) -> str | None:
    return None


@pytest.mark.parametrize(
    "forge, state",
    [
        pytest.param(_saying(), "accepted", id="a true stamp is believed"),
        pytest.param(_none, "pending", id="no stamp"),
        pytest.param(_nowhere, "rejected", id="a stamp that does not exist"),
        pytest.param(_at_home, "pending", id="a stamp on the quoting server"),
        pytest.param(_saying(interactingObject="{evil}/another"), "rejected", id="a stamp for another post"),
        pytest.param(_saying(interactionTarget="{good}/another"), "rejected", id="a stamp about another post"),
        pytest.param(_saying(attributedTo="{good}/users/neighbour"), "rejected", id="the word of a neighbour"),
        pytest.param(_saying(attributedTo="{evil}/users/mallory"), "rejected", id="the word of the one who quotes"),
        pytest.param(_saying(type="Note", content="x"), "rejected", id="a post that is shaped like a stamp"),
        pytest.param(_saying(type="ReplyAuthorization"), "rejected", id="a stamp for an answer"),
        pytest.param(_redirected, "pending", id="an open redirect on the quoted server"),
    ],
)
async def test_a_quote_is_accepted_only_with_a_stamp_of_the_quoted_author(
    home: Running, good: FakePeer, evil: FakePeer, forge: Forge, state: str
) -> None:
    await home.add_person("alice")
    yolanda, mallory = good.person("yolanda"), evil.person("mallory")
    quoted = policied(good, yolanda)
    quoting = f"{mallory.uri}/notes/quote"
    stamp = forge(good, evil, yolanda.uri, quoting, quoted["id"])
    uri = await quotes(home, evil, mallory, quoted["id"], stamp, id=quoting)
    assert await settled(home, uri) == state
    assert "/stamps/1" not in evil.fetched or forge is _redirected, "nobody is asked about another server's people"


async def test_a_quote_of_what_no_server_can_approve_is_shown(home: Running, good: FakePeer, evil: FakePeer) -> None:
    await home.add_person("alice")
    quoted = good.note(good.person("yolanda"), "free for all")
    uri = await quotes(home, evil, evil.person("mallory"), quoted["id"], None)
    assert await settled(home, uri) == "accepted"


async def test_what_is_for_followers_is_never_shown_in_a_quote_by_others(
    home: Running, good: FakePeer, evil: FakePeer
) -> None:
    await home.add_person("alice")
    yolanda = good.person("yolanda")
    alice = f"{home.base_url}/users/alice"
    quoted = await good.post_note(yolanda, f"{home.base_url}/inbox", "to Alice alone", to=[alice], cc=[])
    uri = await quotes(home, evil, evil.person("mallory"), quoted["id"], None)
    assert await settled(home, uri) == "rejected"


async def test_an_accepted_quote_cannot_be_turned_to_another_post(
    home: Running, good: FakePeer, evil: FakePeer
) -> None:
    await home.add_person("alice")
    yolanda, mallory = good.person("yolanda"), evil.person("mallory")
    first, second = policied(good, yolanda), policied(good, yolanda, "what must not be quoted")
    quoting = f"{mallory.uri}/notes/quote"
    stamp = _saying()(good, evil, yolanda.uri, quoting, first["id"])
    await quotes(home, evil, mallory, first["id"], stamp, id=quoting)
    assert await settled(home, quoting) == "accepted"
    alice = f"{home.base_url}/users/alice"
    for quoted, claimed in ((second["id"], stamp), (second["id"], None)):
        edited = evil.note(mallory, "changed", id=quoting, updated="2027-01-01T00:00:00Z", cc=[alice], quote=quoted)
        edited |= {"quoteAuthorization": claimed} if claimed else {}
        assert await evil.deliver(mallory, f"{home.base_url}/inbox", evil.activity(mallory, "Update", edited)) == 202
        assert await settled(home, quoting) in ("rejected", "pending")


async def test_only_the_quoted_author_takes_a_stamp_back(home: Running, good: FakePeer, evil: FakePeer) -> None:
    await home.add_person("alice")
    yolanda, neighbour, mallory = good.person("yolanda"), good.person("neighbour"), evil.person("mallory")
    quoted = policied(good, yolanda)
    quoting = f"{mallory.uri}/notes/quote"
    stamp = _saying()(good, evil, yolanda.uri, quoting, quoted["id"])
    await quotes(home, evil, mallory, quoted["id"], stamp, id=quoting)
    assert await settled(home, quoting) == "accepted"
    inbox = f"{home.base_url}/inbox"
    await good.deliver(neighbour, inbox, good.activity(neighbour, "Delete", stamp))
    await evil.deliver(mallory, inbox, evil.activity(mallory, "Delete", stamp))
    assert await settled(home, quoting) == "accepted"
    await good.deliver(yolanda, inbox, good.activity(yolanda, "Delete", stamp))
    assert await settled(home, quoting) == "revoked"


async def test_a_request_is_answered_by_the_policy_and_the_stamp_can_be_looked_up(
    home: Running, good: FakePeer
) -> None:
    alice, bob = await home.add_person("alice"), good.person("bob")
    for word, kind in (("public", "Accept"), ("nobody", "Reject")):
        policy = InteractionPolicy(quote=quote_permission(word, Visibility.PUBLIC))
        said = await home.node.outbox.post(alice, Draft(f"you may: {word}", policy=policy))
        quoted, uri = f"{home.base_url}/users/alice/statuses/{said}", f"{bob.uri}/notes/{word}"
        asked = good.activity(bob, "QuoteRequest", quoted, instrument=good.note(bob, "she says", id=uri, quote=quoted))
        assert await good.deliver(bob, f"{home.base_url}/inbox", asked) == 202
        async with asyncio.timeout(10):
            while not (answers := good.believed(kind)):
                await asyncio.sleep(0.02)
        assert answers[0]["object"]["id"] == asked["id"]
        assert ("result" in answers[0]) == (kind == "Accept")
        if kind == "Accept":
            async with good.session.get(answers[0]["result"], headers={"Accept": "application/activity+json"}) as found:
                stamp = await found.json(content_type=None)
            assert (stamp["interactingObject"], stamp["interactionTarget"]) == (uri, quoted)
