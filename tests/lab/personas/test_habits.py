"""How each software signs, checks and answers, asked by another: no node of ours takes part."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

import aiohttp
import pytest

from fediverse_node.base.clock import SystemClock
from fediverse_node.base.randomness import SeededRandomness
from fediverse_node.lab.personas import PERSONAS
from fediverse_node.lab.personas.akkoma import Akkoma
from fediverse_node.lab.personas.ghost import Ghost
from fediverse_node.lab.personas.gotosocial import GoToSocial
from fediverse_node.lab.personas.habits import Habits
from fediverse_node.lab.personas.lemmy import Lemmy
from fediverse_node.lab.personas.mastodon import Mastodon
from fediverse_node.lab.personas.misskey import Misskey
from fediverse_node.lab.personas.peertube import PeerTube
from fediverse_node.lab.personas.persona import Persona
from fediverse_node.lab.personas.pixelfed import Pixelfed
from fediverse_node.lab.personas.snac import Snac
from fediverse_node.lab.personas.wordpress import WordPress
from fediverse_node.signatures.keys import PrivateKey
from fediverse_node.transport.exchange import Headers, HopHeaders, Response
from tests.lab.personas.conftest import Open, soon


@dataclass(frozen=True)
class Shifted:
    """A clock that is wrong."""

    by: timedelta

    def now(self) -> datetime:
        return SystemClock().now() + self.by

    def now_ms(self) -> int:
        return int(self.now().timestamp() * 1000)


@pytest.mark.parametrize(
    ("kind", "hours_ago", "status", "taken"),
    [
        (Mastodon, 1, 202, True),
        (Mastodon, 2, 401, False),
        (Mastodon, -2, 401, False),
        (Misskey, 0.05, 202, True),
        (Misskey, 0.2, 202, False),
        (Akkoma, 1.9, 200, True),
        (Akkoma, 3, 400, False),
        (Lemmy, 2, 400, False),
        (Pixelfed, 20, 200, True),
        (PeerTube, 2, 403, False),
        (GoToSocial, 20, 202, True),
        (WordPress, 4, 401, False),
    ],
)
async def test_each_has_its_own_idea_of_how_old_a_request_may_be(
    kind: type[Persona], hours_ago: float, status: int, taken: bool, opened: Open
) -> None:
    there = await opened(kind)
    late = await opened(Mastodon, clock=Shifted(timedelta(hours=-hours_ago)))
    ann, ben = late.person("ann"), there.person("ben")
    await ann.follows(ben.uri)
    await there.settle()
    assert late.sent[0].status == status
    assert ben.is_followed_by(ann.uri) is taken
    assert bool(there.refused) is not taken


@pytest.mark.parametrize(
    ("kind", "forms", "statuses"),
    [
        (Mastodon, ["rfc9421"], [202]),
        (GoToSocial, ["cavage"], [202]),  # which has refused a fetch already
        (Akkoma, ["rfc9421", "cavage"], [400, 200]),
        (Lemmy, ["rfc9421", "cavage"], [400, 200]),
        (Misskey, ["rfc9421", "cavage"], [401, 202]),
    ],
)
async def test_whoever_knocks_by_rfc_9421_first_knocks_again_by_the_old_draft(
    kind: type[Persona], forms: list[str], statuses: list[int], opened: Open
) -> None:
    there, ghost = await opened(kind), await opened(Ghost)
    ann, ben = ghost.person("ann"), there.person("ben")
    await ann.follows(ben.uri)
    await soon(lambda: ann.is_following(ben.uri), "the Accept")
    follows = [each for each in ghost.sent if each.activity["type"] == "Follow"]
    assert [each.form for each in follows] == forms
    assert [each.status for each in follows] == statuses
    # What the other reads is remembered.
    await ann.posts("hello")
    assert ghost.sent[-1].form == follows[-1].form


async def test_snac_says_202_to_rfc_9421_and_drops_it(opened: Open) -> None:
    snac, ghost = await opened(Snac), await opened(Ghost)
    ann, ben = ghost.person("ann"), snac.person("ben")
    await ann.follows(ben.uri)
    await snac.settle()
    assert [each.status for each in ghost.sent] == [202]
    assert not ann.is_following(ben.uri)
    assert "not read" in snac.refused[0].reason


async def test_gotosocial_wants_a_name_a_type_and_a_signature(opened: Open) -> None:
    gts = await opened(GoToSocial)
    ben = gts.person("ben")
    async with aiohttp.ClientSession(skip_auto_headers=("User-Agent", "Content-Type")) as session:
        async with session.post(f"{ben.uri}/inbox", data=b"{}") as answer:
            assert answer.status == 418
        headers = {"User-Agent": "me", "Content-Type": "application/json"}
        async with session.post(f"{ben.uri}/inbox", data=b"{}", headers=headers) as answer:
            assert answer.status == 406
        async with session.get(ben.uri, headers={"Accept": "application/activity+json"}) as answer:
            assert answer.status == 401
        async with session.get(f"{ben.uri}/main-key", headers={"Accept": "application/activity+json"}) as answer:
            assert answer.status == 200
            stub = await answer.json(content_type=None)
    assert stub["publicKey"]["id"] == f"{ben.uri}/main-key"
    assert "inbox" not in stub


async def test_a_key_may_be_too_small_for_a_server_that_says_so(opened: Open) -> None:
    class Strict(Mastodon):
        """One that takes no keys below 4096 bits."""

        habits = _with_larger_keys(Mastodon)

    strict, other = await opened(Strict), await opened(Mastodon)
    await other.person("ann").follows(strict.person("ben").uri)
    assert other.sent[0].status == 401
    assert "too few" in strict.refused[0].reason


def _with_larger_keys(kind: type[Persona]) -> Habits:
    checking = replace(kind.habits.checking, rsa_smallest_bits=4096)
    return replace(kind.habits, checking=checking)


ACCEPT = {"Accept": "application/activity+json"}
BROWSER = {"Accept": "text/html,application/xhtml+xml"}


async def test_answers_are_those_of_the_software(opened: Open) -> None:
    wordpress, peertube, pixelfed = await opened(WordPress), await opened(PeerTube), await opened(Pixelfed)
    misskey, snac = await opened(Misskey), await opened(Snac)
    ann = wordpress.person("ann")
    secret = await pixelfed.person("pia").posts("For friends", to="followers")
    async with aiohttp.ClientSession(headers=ACCEPT) as session:
        async with session.get(ann.uri.rstrip("/"), allow_redirects=False) as answer:
            assert (answer.status, answer.headers["Location"]) == (301, ann.uri)
        async with session.get(ann.uri) as answer:
            assert b"\\/author\\/ann\\/" in await answer.read()
        async with session.get(f"{wordpress.origin}/?p=99") as answer:
            assert (answer.status, answer.content_type) == (404, "text/html")
        async with session.get(f"{peertube.origin}/videos/watch/none") as answer:
            assert answer.status == 406
        async with session.get(f"{peertube.origin}/videos/watch/none", headers=BROWSER) as answer:
            assert (answer.status, answer.content_type) == (200, "text/html")
        async with session.get(secret.uri) as answer:
            assert (answer.status, answer.content_type, answer.url.path) == (200, "text/html", "/login")
        async with session.get(misskey.person("mika").uri) as answer:
            assert answer.content_type == "application/ld+json"
        async with session.get(snac.person("sven").uri) as answer:
            assert answer.headers["X-Creator"] == "snac/2.94"
            assert (await answer.read()).startswith(b"{\n")
            assert answer.headers["Connection"] == "close"


async def test_what_was_deleted_is_a_tombstone_or_nothing(opened: Open) -> None:
    async with aiohttp.ClientSession(headers=ACCEPT) as session:
        for kind, status in ((Mastodon, 410), (Lemmy, 410), (WordPress, 410), (Misskey, 404), (Akkoma, 404)):
            persona = await opened(kind)
            ann = persona.person("ann")
            post = await ann.posts("gone tomorrow")
            await ann.deletes(post)
            async with session.get(post.uri) as answer:
                assert answer.status == status, kind
                if status == 410:
                    assert (await answer.json(content_type=None))["type"] == "Tombstone"


@pytest.mark.parametrize("kind", PERSONAS.values(), ids=PERSONAS)
async def test_each_says_what_it_is(kind: type[Persona], opened: Open) -> None:
    persona = await opened(kind)
    ann = persona.person("ann")
    async with aiohttp.ClientSession() as session:
        async with session.get(f"{persona.origin}/.well-known/nodeinfo") as answer:
            link = (await answer.json())["links"][0]
        async with session.get(link["href"]) as answer:
            found = await answer.json()
        assert found["software"] == {"name": kind.habits.software, "version": kind.habits.version}
        async with session.get(f"{persona.origin}/.well-known/host-meta") as answer:
            assert "webfinger?resource={uri}" in await answer.text()
        query = {"resource": f"acct:{ann.handle}"}
        async with session.get(f"{persona.origin}/.well-known/webfinger", params=query) as answer:
            jrd = await answer.json(content_type=None)
        assert jrd["subject"] == f"acct:{ann.handle}"
        assert ann.uri in [link.get("href") for link in jrd["links"]]
        async with session.get(f"{persona.origin}/.well-known/webfinger", params={"resource": "acct:x@y"}) as answer:
            assert answer.status in (404, 406)
        for name in ("followers", "outbox"):
            headers = {**ACCEPT, "User-Agent": "tests"}
            async with session.get(persona.part(ann.resident, name), headers=headers) as answer:
                assert answer.status == (401 if kind.habits.authorized_fetch else 200)


class Standing:
    """A clock that stands still."""

    def now(self) -> datetime:
        return datetime(2026, 5, 1, 12, 0, 0, 123_000, UTC)

    def now_ms(self) -> int:
        return int(self.now().timestamp() * 1000)


class Listener:
    """The network as a port: keeps what is sent, and knows one actor."""

    def __init__(self) -> None:
        self.heard: list[tuple[str, str, tuple[tuple[str, str], ...], bytes]] = []

    async def get(
        self,
        url: str,
        *,
        accept: str,
        headers: Headers = (),
        max_bytes: int = 0,
        timeout_s: float = 0.0,
        hop_headers: HopHeaders | None = None,
    ) -> Response:
        signed = await hop_headers(url) if hop_headers else headers
        self.heard.append(("GET", url, tuple(signed), b""))
        body = b'{"id":"https://alpha.test/users/al","preferredUsername":"al","inbox":"https://alpha.test/inbox"}'
        return Response(200, (("content-type", "application/activity+json"),), body, url)

    async def post(
        self,
        url: str,
        body: bytes,
        *,
        headers: Headers,
        timeout_s: float = 0.0,
        hop_headers: HopHeaders | None = None,
    ) -> Response:
        self.heard.append(("POST", url, tuple(headers), body))
        return Response(202, (), b"", url)

    async def close(self) -> None:
        return None


async def _story(kind: type[Persona], key: PrivateKey, seed: int) -> list[object]:
    listener = Listener()
    persona = kind(
        origin="https://beta.test",
        clock=Standing(),
        randomness=SeededRandomness(seed),
        http=listener,
        keys=lambda: key,
    )
    ann = persona.person("ann")
    ann.resident.followers["https://alpha.test/users/al"] = {}
    post = await ann.posts("Once upon a time", hashtags=["tales"])
    await ann.replies(post, "there was a boat")
    if "edits" in kind.habits.verbs:
        await ann.edits(post, "Twice upon a time")
    await ann.deletes(post)
    await persona.close()
    return [*listener.heard, persona.actor_document(ann.resident)]


@pytest.mark.parametrize("kind", PERSONAS.values(), ids=PERSONAS)
async def test_the_same_seed_says_the_same_bytes(kind: type[Persona], some_keys: list[PrivateKey]) -> None:
    first = await _story(kind, some_keys[0], seed=5)
    assert len(first) > 3
    assert first == await _story(kind, some_keys[0], seed=5)
    if kind not in (Lemmy, WordPress):  # which number what they say
        assert first != await _story(kind, some_keys[0], seed=6)
