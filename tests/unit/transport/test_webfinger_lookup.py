"""Handles: who is found, and whose claims are not believed."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

import pytest

from fediverse_node.base.outcome import TemporaryFail
from fediverse_node.protocol.reasons import WireReason
from fediverse_node.transport.budget import Budget
from fediverse_node.transport.client import Client
from fediverse_node.transport.dereference import Dereferencer
from fediverse_node.transport.faults import FetchFault
from fediverse_node.transport.webfinger_lookup import Found, HandleLookup
from tests.unit.transport.peer import ACTIVITY, Peer, actor, reason


@pytest.fixture
def lookup(network: Client, dereferencer: Dereferencer) -> HandleLookup:
    return HandleLookup(network, dereferencer, development=True)


class Names:
    """WebFinger answers of a peer."""

    def __init__(self, peer: Peer) -> None:
        self.peer = peer

    def host(self, name: str) -> str:
        return f"{name}.test:{self.peer.server.port}"

    def answer(self, asked: str, *, at: str, subject: str | None = None, actors: tuple[str, ...], **more: Any) -> None:
        host = self.host(at)
        links = [{"rel": "self", "type": ACTIVITY, "href": uri} for uri in actors]
        subject = f"acct:{asked}@{host}" if subject is None else subject
        resource = quote(f"acct:{asked}@{host}", safe="")
        uri = f"http://{host}/.well-known/webfinger?resource={resource}"
        self.peer.serve(uri, {"subject": subject, "links": links, **more}, content_type="application/jrd+json")


@pytest.fixture
def names(peer: Peer) -> Names:
    return Names(peer)


async def test_a_handle_leads_to_its_actor(lookup: HandleLookup, peer: Peer, names: Names) -> None:
    uri = peer.uri("/users/a")
    peer.serve(uri, actor(uri))
    names.answer("a", at="peer", actors=(uri,))
    found = await lookup.fetch_handle("a", names.host("peer").upper(), budget=Budget())
    assert isinstance(found, Found)
    assert (found.actor_uri, found.acct_user, found.acct_host) == (uri, "a", names.host("peer"))
    again = await lookup.fetch_acct(found.actor, budget=Budget())
    assert again == found


async def test_the_spelling_of_a_name_is_its_servers(lookup: HandleLookup, peer: Peer, names: Names) -> None:
    uri = peer.uri("/users/Anna")
    peer.serve(uri, actor(uri, preferredUsername="Anna"))
    names.answer("anna", at="peer", subject=f"acct:Anna@{names.host('peer')}", actors=(uri,))
    found = await lookup.fetch_handle("anna", names.host("peer"), budget=Budget())
    assert isinstance(found, Found)
    assert found.acct_user == "Anna"


@pytest.mark.parametrize("by", ["asking its own host", "its webfinger property"])
async def test_a_handle_on_a_shorter_host_is_believed_when_the_actors_side_names_it(
    lookup: HandleLookup, peer: Peer, names: Names, by: str
) -> None:
    uri = peer.uri("/users/a", host="social.org.test")
    short = f"acct:a@{names.host('org')}"
    more = {"webfinger": f"a@{names.host('org')}"} if by == "its webfinger property" else {}
    peer.serve(uri, actor(uri, **more))
    names.answer("a", at="org", actors=(uri,))
    names.answer("a", at="social.org", subject=short, actors=(uri,))
    for host in ("org", "social.org"):
        found = await lookup.fetch_handle("a", names.host(host), budget=Budget())
        assert isinstance(found, Found), found
        assert (found.actor_uri, found.acct_host) == (uri, names.host("org"))
        again = await lookup.fetch_acct(found.actor, budget=Budget())
        assert again == found


async def test_a_stranger_cannot_give_somebody_a_handle(lookup: HandleLookup, peer: Peer, names: Names) -> None:
    victim = peer.uri("/users/a", host="victim.test")
    peer.serve(victim, actor(victim))
    names.answer("a", at="victim", actors=(victim,))
    names.answer("a", at="evil", actors=(victim,))
    outcome = await lookup.fetch_handle("a", names.host("evil"), budget=Budget())
    assert reason(outcome) is FetchFault.HANDLE_MISMATCH


async def test_a_stranger_cannot_take_somebodys_handle(lookup: HandleLookup, peer: Peer, names: Names) -> None:
    victim, evil = peer.uri("/users/a", host="victim.test"), peer.uri("/users/a", host="evil.test")
    peer.serve(evil, actor(evil, webfinger=f"a@{names.host('victim')}"))
    names.answer("a", at="victim", actors=(victim,))
    names.answer("a", at="evil", subject=f"acct:a@{names.host('victim')}", actors=(evil,))
    outcome = await lookup.fetch_handle("a", names.host("evil"), budget=Budget())
    assert reason(outcome) is FetchFault.HANDLE_MISMATCH
    found = await lookup._dereferencer.fetch_actor(evil, budget=Budget())
    assert not isinstance(found, Found | TemporaryFail)
    outcome = await lookup.fetch_acct(found, budget=Budget())  # type: ignore[arg-type]
    assert reason(outcome) is FetchFault.HANDLE_MISMATCH


async def test_an_actor_of_another_name_is_not_found_by_a_handle(
    lookup: HandleLookup, peer: Peer, names: Names
) -> None:
    uri = peer.uri("/users/b")
    peer.serve(uri, actor(uri, preferredUsername="b"))
    names.answer("a", at="peer", actors=(uri,))
    outcome = await lookup.fetch_handle("a", names.host("peer"), budget=Budget())
    assert reason(outcome) is FetchFault.HANDLE_MISMATCH


async def test_of_several_actors_behind_a_handle_the_first_usable_one_is_found(
    lookup: HandleLookup, peer: Peer, names: Names
) -> None:
    person, group = peer.uri("/u/a"), peer.uri("/c/a")
    peer.serve(group, actor(group, type="Group"))
    names.answer("a", at="peer", actors=(person, group))
    found = await lookup.fetch_handle("a", names.host("peer"), budget=Budget())
    assert isinstance(found, Found)
    assert found.actor_uri == group


async def test_a_handle_that_is_only_an_alias_of_the_answer_is_understood(
    lookup: HandleLookup, peer: Peer, names: Names
) -> None:
    uri = peer.uri("/users/a")
    peer.serve(uri, actor(uri))
    names.answer("a", at="peer", subject=uri, aliases=[f"acct:a@{names.host('peer')}"], actors=(uri,))
    assert isinstance(await lookup.fetch_handle("a", names.host("peer"), budget=Budget()), Found)


async def test_an_unknown_user_is_not_found(lookup: HandleLookup, peer: Peer, names: Names) -> None:
    outcome = await lookup.fetch_handle("nobody", names.host("peer"), budget=Budget())
    assert reason(outcome) is FetchFault.NOT_FOUND


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        (b"<XRD/>", FetchFault.MALFORMED),
        (b"[]", WireReason.NOT_AN_OBJECT),
        (b'{"links": []}', WireReason.BAD_WEBFINGER),
        (b'{"subject": "acct:a@peer.test", "links": "x"}', FetchFault.HANDLE_MISMATCH),
        (b'{"subject": "urn:x", "links": [{"rel": "self", "href": "http://x/"}]}', FetchFault.HANDLE_MISMATCH),
        (b'{"x": "' + b"y" * 200_000 + b'"}', FetchFault.TOO_LARGE),
    ],
)
async def test_an_answer_that_names_nobody_is_an_outcome(
    lookup: HandleLookup, peer: Peer, names: Names, body: bytes, expected: object
) -> None:
    host = names.host("peer")
    resource = quote(f"acct:a@{host}", safe="")
    peer.serve(f"http://{host}/.well-known/webfinger?resource={resource}", body)
    assert reason(await lookup.fetch_handle("a", host, budget=Budget())) is expected


@pytest.mark.parametrize(
    ("user", "host"),
    [
        ("", "a.test"),
        ("a b", "a.test"),
        ("a@b", "a.test"),
        ("a/..", "a.test"),
        ("a", ""),
        ("a", "a.test/x"),
        ("a", "0x7f.1"),
    ],
)
async def test_what_is_no_handle_asks_nobody(lookup: HandleLookup, peer: Peer, user: str, host: str) -> None:
    assert reason(await lookup.fetch_handle(user, host, budget=Budget())) is FetchFault.BAD_URL
    assert peer.asked() == []


async def test_handles_spend_the_budget_too(lookup: HandleLookup, peer: Peer, names: Names) -> None:
    uri = peer.uri("/users/a")
    peer.serve(uri, actor(uri))
    names.answer("a", at="peer", actors=(uri,))
    outcome = await lookup.fetch_handle("a", names.host("peer"), budget=Budget(fetches=1))
    assert reason(outcome) is FetchFault.BUDGET_SPENT


async def test_in_production_a_handle_is_asked_over_https_alone(peer: Peer, dereferencer: Dereferencer) -> None:
    asked: list[str] = []

    class Recorder:
        async def get(self, url: str, **options: object) -> TemporaryFail:
            asked.append(url)
            return TemporaryFail(FetchFault.TLS)

        async def post(self, url: str, body: bytes, **options: object) -> TemporaryFail:
            raise AssertionError("a lookup never posts")

        async def close(self) -> None:
            """Nothing is open."""

    production = HandleLookup(Recorder(), dereferencer, development=False)
    assert reason(await production.fetch_handle("a", "peer.test", budget=Budget())) is FetchFault.TLS
    assert asked == ["https://peer.test/.well-known/webfinger?resource=acct%3Aa%40peer.test"]
