"""What a stranger's address can make this server do: every request of the node, to places it must not reach."""

from __future__ import annotations

import ast
import asyncio
import gzip
from collections.abc import Awaitable, Callable
from pathlib import Path

import orjson
from aiohttp import web

from fediverse_node.base.outcome import Fail, TemporaryFail
from fediverse_node.base.trace import watched_by
from fediverse_node.domain.domain_lists import Auto
from fediverse_node.domain.effects import ChangeActor, Effect, Patch
from fediverse_node.domain.facts import Facts, Needs
from fediverse_node.storage import tables as t
from fediverse_node.storage.writer import Decision
from tests.fake_peer import PUBLIC, Person
from tests.security.ground import INBOX, Ground
from tests.security.test_identity import about_alice, signed_with

INSIDE = "inside.example"
BOMB = gzip.compress(b" " * 50_000_000)
ROOT = Path(__file__).resolve().parents[2]
PACKAGE = ROOT / "fediverse_node"


def open_the_inside(scene: Ground) -> None:
    """A public name that leads to a service which only this machine may reach."""
    scene.names.answers[INSIDE] = lambda: [scene.inside]


async def to_inside(request: web.Request) -> web.Response:
    return web.Response(status=307, headers={"Location": f"https://{INSIDE}{request.path}"})


async def _by_key(scene: Ground) -> None:
    ghost = Person(f"https://{INSIDE}/users/x", "x", scene.person("mallory").key)
    await scene.peer().deliver(ghost, INBOX, scene.peer().activity(ghost, "Follow", "https://node.example/users/alice"))


async def _by_key_and_redirect(scene: Ground) -> None:
    scene.peer().pages["/k"] = to_inside
    ghost = Person(f"{scene.peer().base_url}/k", "x", scene.person("mallory").key)
    await scene.peer().deliver(ghost, INBOX, scene.peer().activity(ghost, "Like", "https://node.example/x"))


async def _by_object(scene: Ground) -> None:
    mallory = scene.person("mallory")
    boost = scene.peer().activity(mallory, "Announce", f"https://{INSIDE}/n/1", to=[PUBLIC], **about_alice())
    await scene.deliver(mallory, boost)
    assert isinstance(await scene.find_object(f"https://{INSIDE}/n/2"), Fail)


async def _by_words_of_a_post(scene: Ground) -> None:
    """Parent, conversation, replies, quote and its stamp, likes, mentioned people."""
    peer, mallory = scene.peer(), scene.person("mallory")
    words = {
        name: f"https://{INSIDE}/{name}" for name in ("inReplyTo", "context", "replies", "quote", "likes", "shares")
    }
    words |= {"contextHistory": f"https://{INSIDE}/h", "quoteAuthorization": f"https://{INSIDE}/stamp"}
    tags = [*about_alice()["tag"], {"type": "Mention", "href": f"https://{INSIDE}/users/x", "name": "@x"}]
    files = [{"type": "Image", "mediaType": "image/png", "url": f"https://{INSIDE}/1.png"}]
    note = peer.note(
        mallory, f'<a href="https://{INSIDE}/page">see</a>', **about_alice(attachment=files, **words) | {"tag": tags}
    )
    await scene.deliver(mallory, peer.create(mallory, note))


async def _by_webfinger(scene: Ground) -> None:
    scene.peer().pages["/.well-known/webfinger"] = to_inside
    for host in (INSIDE, "evil.example"):
        assert isinstance(await scene.find_handle("x", host), Fail)


async def _by_webfinger_link(scene: Ground) -> None:
    async def jrd(request: web.Request) -> web.Response:
        link = {"rel": "self", "type": "application/activity+json", "href": f"https://{INSIDE}/users/x"}
        body = orjson.dumps({"subject": "acct:x@evil.example", "links": [link]})
        return web.Response(body=body, content_type="application/jrd+json")

    scene.peer().pages["/.well-known/webfinger"] = jrd
    assert isinstance(await scene.find_handle("x", "evil.example"), Fail)


async def _by_delivery(scene: Ground) -> None:
    peer, trudy, eve = scene.peer(), scene.person("trudy"), scene.person("eve")
    peer.documents[trudy.uri] |= {
        "inbox": f"https://{INSIDE}/inbox",
        "endpoints": {"sharedInbox": f"https://{INSIDE}/s"},
    }
    peer.pages["/users/eve/inbox"] = to_inside
    for person in (trudy, eve):
        await scene.deliver(person, peer.activity(person, "Follow", "https://node.example/users/alice"))
    async with asyncio.timeout(10):
        while len([url for url, _ in scene.ledger.refused if INSIDE in url]) < 2:
            await asyncio.sleep(0.02)


async def _by_profile_link(scene: Ground) -> None:
    value = f'<a href="https://{INSIDE}/">https://{INSIDE}/</a>'
    fields = [{"name": "Web", "value": value, "verified_at": None}]

    def decide(facts: Facts) -> list[Effect]:
        return [Patch(ChangeActor(scene.ids["alice"], {"fields": fields}))]

    await scene.node.core.writer.decide(Decision(Needs(), decide))
    assert await scene.node.links.check(scene.ids["alice"]) == 0


async def _by_list_of_domains(scene: Ground) -> None:
    await scene.node.desk.subscribe(f"https://{INSIDE}/list.csv", Auto.NOTHING)


WAYS: tuple[Callable[[Ground], Awaitable[None]], ...] = (
    _by_key,
    _by_key_and_redirect,
    _by_object,
    _by_words_of_a_post,
    _by_webfinger,
    _by_webfinger_link,
    _by_delivery,
    _by_profile_link,
    _by_list_of_domains,
)


async def test_no_kind_of_request_reaches_a_service_inside(scene: Ground) -> None:
    """CVE-2024-39687, CVE-2026-50131, CVE-2026-62857, CVE-2026-77632 (Fedify): one guarded client for everything."""
    await scene.add()
    open_the_inside(scene)
    for way in WAYS:
        scene.ledger.clear()
        with watched_by(scene.ledger):
            await way(scene)
        await scene.settled()
        refused = [reason for url, reason in scene.ledger.refused if url.startswith(f"https://{INSIDE}/")]
        assert refused, f"{way.__name__} was not tried at all"
        # A delivery is not even redirected to another host.
        assert set(refused) <= {"ADDRESS_REFUSED", "REDIRECT_REFUSED"}, (way.__name__, refused)
    assert await scene.count(t.follows) <= 2
    assert scene.knocks_inside == 0
    # The same door is open to whoever is inside: the count above could have been another.
    reader, writer = await asyncio.open_connection(*scene.inside)
    await reader.read()
    writer.close()
    assert scene.knocks_inside == 1
    scene.knocks_inside = 0


async def test_redirects_are_few_stay_on_https_and_carry_no_signature_away(scene: Ground) -> None:
    """CVE-2025-23221, CVE-2026-34148 and the signed half of CVE-2026-77632 (Fedify)."""
    good, evil = scene.peer("good.example"), scene.peer()
    bob = good.person("bob")
    for number in range(9):
        evil.redirects[f"/far/{number}"] = f"{evil.base_url}/far/{number + 1}"
    evil.redirects |= {
        "/round": f"{evil.base_url}/round",
        "/ping": f"{evil.base_url}/pong",
        "/pong": f"{evil.base_url}/ping",
    }
    other: tuple[str, ...] = (
        "http://good.example/users/bob",
        "ftp://good.example/",
        "file:///etc/passwd",
        "gopher://good.example:70/x",
    )
    other += ("data:application/activity+json,{}", "//[", "https://", "https://good.example:8443/x", "javascript:1")
    evil.redirects |= {f"/to/{number}": address for number, address in enumerate(other)}
    for path in ("/far/0", "/round", "/ping", *(f"/to/{number}" for number in range(len(other)))):
        before = len(scene.hits)
        assert isinstance(await scene.find_actor(evil.base_url + path), Fail), path
        assert len(scene.hits) - before <= 4, path
    assert scene.arrived_at("good.example") == []
    evil.redirects["/bob"] = bob.uri
    scene.hits.clear()
    assert isinstance(await scene.find_actor(f"{evil.base_url}/bob"), int)
    first, second = scene.arrived_at("evil.example")[0], scene.arrived_at("good.example")[0]
    assert first.headers["Signature"] != second.headers["Signature"]
    assert "Authorization" not in second.headers
    assert "Cookie" not in second.headers


# What each name leads to: none of these is a server of the fediverse.
SPECIAL = """
0.0.0.0 0.1.2.3 10.0.0.1 100.64.0.1 100.127.255.255 127.0.0.1 127.1.2.3 169.254.169.254 172.16.0.1 172.31.255.255
192.0.0.1 192.0.2.1 192.88.99.1 192.168.1.1 198.18.0.1 198.51.100.1 203.0.113.1 224.0.0.1 239.255.255.255 240.0.0.1
255.255.255.255 :: ::1 ::127.0.0.1 ::10.0.0.1 ::ffff:127.0.0.1 ::ffff:10.0.0.1 ::ffff:169.254.169.254 ::ffff:0:7f00:1
64:ff9b::7f00:1 64:ff9b::a9fe:a9fe 64:ff9b:1::1 100::1 2001::1 2001:2::1 2001:10::1 2001:db8::1 2002:7f00:1::
2002:a00:1:: 2002:a9fe:a9fe:: 3fff::1 5f00::1 fc00::1 fd12:3456::1 fe80::1 fe80::1%1 fec0::1 ff02::1
"""
# Addresses written in the URL itself; none of them is a name, and none may be asked for.
LITERAL = """
127.0.0.1 127.1 2130706433 0x7f000001 0177.0.0.1 0 169.254.169.254 [::1] [::] [::ffff:127.0.0.1] [fe80::1] [fd00::1]
localhost localhost. x.localhost printer.local db.internal router.lan box.home.arpa intranet node.example:22 1.1.1.1
[2606:4700:4700::1111] 127.0.0.1.:443 ①②⑦.0.0.1 127。0。0。1 0x7f.1 192.168.0.1:443
"""


async def test_no_address_of_a_special_kind_is_connected_to(scene: Ground) -> None:
    """CVE-2025-25194, CVE-2026-33693 (Lemmy); GHSA-vwhj-3g83-v276, Mastodon 4.5.4, 4.5.10; Mitra 5.3, 5.5."""
    for number, address in enumerate(SPECIAL.split()):
        host = f"n{number}.example"
        scene.names.answers[host] = lambda address=address: [address]  # type: ignore[misc]
        found = await scene.find_actor(f"https://{host}/users/x")
        assert isinstance(found, Fail | TemporaryFail), address
        assert found.reason.name == "ADDRESS_REFUSED", (address, found)
    scene.names.asked.clear()
    for host in LITERAL.split():
        found = await scene.find_actor(f"https://{host}/users/x")
        assert isinstance(found, Fail), host
        assert found.reason.name in ("ADDRESS_REFUSED", "HOST_NOT_PUBLIC", "BAD_URL", "NOT_FOUND"), (host, found)
    assert scene.names.asked == []


async def test_a_name_that_changes_its_answer_changes_nothing(scene: Ground) -> None:
    """DNS rebinding, as in Mastodon 4.5.4 and 4.5.10: the address is judged where the connection is made."""
    peer = scene.peer("rebind.example")
    person = peer.person("x")
    answers = iter([[scene.names.internet], [scene.inside]])
    scene.names.answers["rebind.example"] = lambda: next(answers, [scene.inside])
    assert isinstance(await scene.find_actor(person.uri), int)
    # Both in one answer: only the allowed one is tried, in whatever order they come.
    for number, order in enumerate(([scene.inside, scene.names.internet], [scene.names.internet, scene.inside])):
        host = f"both{number}.example"
        both = scene.peer(host).person("y")
        scene.names.answers[host] = lambda order=order: order  # type: ignore[misc]
        assert isinstance(await scene.find_actor(both.uri), int)
    late = scene.peer("late.example")
    scene.names.answers["late.example"] = lambda: [scene.inside]
    assert isinstance(await scene.find_actor(late.person("z").uri), Fail)
    assert scene.knocks_inside == 0


async def test_the_id_of_a_key_is_an_address_like_any_other(scene: Ground) -> None:
    """Discourse 10ec0d9 and a0a690d."""
    await scene.add()
    open_the_inside(scene)
    evil = scene.peer()
    mallory = evil.person("mallory")
    evil.pages["/go"] = to_inside
    like = evil.activity(mallory, "Like", "https://node.example/x")
    for key_id in (
        "http://127.0.0.1:6379/",
        "https://127.0.0.1/",
        "http://169.254.169.254/latest/meta-data",
        "https://[::1]/x",
        "https://localhost/x",
        f"https://{INSIDE}/x#main-key",
        f"{evil.base_url}/go#main-key",
        "file:///etc/passwd",
        "gopher://127.0.0.1:25/_HELO",
        "https://node.example/actor",
        "acct:mallory@evil.example",
    ):
        for actor in (mallory.uri, key_id):
            signed = signed_with(scene, mallory, key_id, {**like, "actor": actor})
            assert await evil.send(signed) in (400, 401), (key_id, actor)
    assert scene.knocks_inside == 0
    assert set(scene.names.asked) <= {"node.example", "evil.example", INSIDE}
    assert await scene.count(t.inbox_staging) == 0


# What opens connections, and where that may stand. The lab and the inspector's own page ask a lab on this machine.
_OPENERS = ("ClientSession", "TCPConnector", "urlopen", "create_connection", "open_connection", "HTTPConnection")
_MAY_OPEN = {"transport/client.py", "cli/lab_why.py"}


def _mentioning(*words: str) -> list[tuple[str, ast.AST]]:
    """The modules in which one of these words stands, the lab's left out: it asks nobody but itself."""
    files = [path for path in PACKAGE.rglob("*.py") if path.relative_to(PACKAGE).parts[0] != "lab"]
    assert len(files) > 100
    texts = ((path.relative_to(PACKAGE).as_posix(), path.read_text(encoding="utf-8")) for path in files)
    return [(name, ast.parse(text)) for name, text in texts if any(word in text for word in words)]


def test_no_room_opens_connections_beside_the_guarded_client() -> None:
    """Mastodon 4.5.7 (FASP requests that did not use the guarded socket)."""
    found = {
        name
        for name, tree in _mentioning(*_OPENERS)
        for node in ast.walk(tree)
        if (isinstance(node, ast.Attribute) and node.attr in _OPENERS)
        or (isinstance(node, ast.ImportFrom) and any(alias.name in _OPENERS for alias in node.names))
    }
    assert found == _MAY_OPEN


async def test_no_xml_of_others_is_read(scene: Ground) -> None:
    """Akkoma and Pleroma 2023.08 (external entities in host-meta)."""
    readers = ("fromstring", "XML", "parse", "iterparse", "XMLParser", "XMLPullParser", "parseString", "make_parser")
    modules = ("Xml", "ElementTree", "etree", "minidom", "sax", "expat", "lxml")
    reading = {
        f"{name}: {node.value.id}.{node.attr}"
        for name, tree in _mentioning("xml")
        for node in ast.walk(tree)
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name)
        if node.attr in readers and node.value.id in modules
    }
    imported = {
        f"{name}: {alias.name}"
        for name, tree in _mentioning("xml", "expat")
        for node in ast.walk(tree)
        if isinstance(node, ast.ImportFrom | ast.Import)
        for alias in node.names
        if alias.name in readers or "expat" in alias.name or "lxml" in alias.name
    }
    assert reading | imported == set()
    bomb = (
        '<!DOCTYPE x [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;"><!ENTITY f SYSTEM "file:///etc/passwd">]><XRD>&f;&b;</XRD>'
    )

    async def xrd(request: web.Request) -> web.Response:
        return web.Response(text=bomb, content_type="application/xrd+xml")

    evil = scene.peer()
    evil.pages |= {"/.well-known/webfinger": xrd, "/.well-known/host-meta": xrd}
    assert isinstance(await scene.find_handle("x", "evil.example"), Fail)
    assert [hit.url.partition("?")[0] for hit in scene.arrived_at("evil.example")] == [
        "https://evil.example/.well-known/webfinger"
    ]


async def test_a_document_without_end_or_of_lies_is_given_up(scene: Ground) -> None:
    """Size, time and compression of what is fetched, as in CVE-2026-34148 and Mastodon's limits."""
    evil = scene.peer()

    async def endless(request: web.Request) -> web.StreamResponse:
        answer = web.StreamResponse(headers={"Content-Type": "application/activity+json"})
        await answer.prepare(request)
        with_more = b"{" + b" " * 65_536
        try:
            for _ in range(1000):
                await answer.write(with_more)
        except (ConnectionError, asyncio.CancelledError):
            pass
        return answer

    async def bomb(request: web.Request) -> web.Response:
        return web.Response(
            body=BOMB, headers={"Content-Type": "application/activity+json", "Content-Encoding": "gzip"}
        )

    async def many_headers(request: web.Request) -> web.Response:
        return web.Response(headers={f"X-{n}": "a" * 8000 for n in range(10)})

    async def deep(request: web.Request) -> web.Response:
        return web.Response(body=b'{"a":' * 900 + b"1" + b"}" * 900, content_type="application/activity+json")

    evil.pages = {"/endless": endless, "/bomb": bomb, "/headers": many_headers, "/deep": deep}
    for path in evil.pages:
        found = await scene.find_actor(evil.base_url + path)
        assert isinstance(found, Fail | TemporaryFail), path
    status, _, _ = await scene.get("/nodeinfo/2.1")
    assert status == 200
