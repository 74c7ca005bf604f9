"""Work, memory and storage that a stranger cannot make this server spend without end."""

from __future__ import annotations

import asyncio
import time
from typing import Any

import orjson
import pytest
from aiohttp import web
from sqlalchemy import select

from fediverse_node.base.outcome import Fail
from fediverse_node.domain import arrival
from fediverse_node.domain.effects import ChangeActor, Effect, Patch
from fediverse_node.domain.facts import Facts, Needs
from fediverse_node.protocol.html import sanitise, sanitise_inline, to_plain_text
from fediverse_node.storage import tables as t
from fediverse_node.storage.queries.deliveries import note_capability
from fediverse_node.storage.writer import Decision
from fediverse_node.transport.host_memory import Capability, RecentHosts
from tests.fake_peer import PUBLIC
from tests.security.ground import Ground
from tests.security.test_identity import about_alice

_DAY_MS = 86_400_000
# Each is repeated up to the limit: what made one parser or the other take quadratic time, or end.
PIECES = (
    "<a ", "<link rel=me href=", "<!--", "<!", "<![", "<![CDATA[", "<?", "</", "</a", "<a a='", '<a a="', "<script>",
    "<script></", "<svg>", "<math>", "<table>", "<b><p>", "<a href=x ", "&", "&#", "<p", "</p>", "<title>",
    "<textarea>",
)  # fmt: skip


async def longest_pause_s(meanwhile: asyncio.Task[Any]) -> float:
    """For how long everybody else had to wait until `meanwhile` was done."""
    longest, last = 0.0, time.perf_counter()
    while not meanwhile.done():
        await asyncio.sleep(0.005)
        now = time.perf_counter()
        longest, last = max(longest, now - last), now
    await meanwhile
    return longest


async def test_a_page_that_is_searched_for_links_holds_nobody_up(scene: Ground) -> None:
    """CVE-2025-68475 (Fedify: regular expressions over remote HTML)."""
    actor_id = await scene.add()
    page = {"html": ""}

    async def answer(request: web.Request) -> web.Response:
        return web.Response(text=page["html"], content_type="text/html")

    scene.peer().pages["/about"] = answer
    value = '<a href="https://evil.example/about">https://evil.example/about</a>'
    fields = [{"name": "Web", "value": value, "verified_at": None}]

    def decide(facts: Facts) -> list[Effect]:
        return [Patch(ChangeActor(actor_id, {"fields": fields}))]

    await scene.node.core.writer.decide(Decision(Needs(), decide))
    for piece in PIECES:
        page["html"] = (piece * (900_000 // len(piece)))[:900_000]
        started = time.process_time()
        check = asyncio.create_task(scene.node.links.check(actor_id))
        assert await longest_pause_s(check) < 2.0, piece
        assert check.result() == 0
        assert time.process_time() - started < 3.0, piece


@pytest.mark.parametrize("read", [sanitise, to_plain_text, sanitise_inline], ids=lambda read: read.__name__)
def test_html_that_was_made_to_be_slow_is_not(read: Any) -> None:
    """CVE-2025-68475 (Fedify), GHSA-gg8q-rcg7-p79g and the sanitizer exception of Mastodon 4.5.11."""
    for piece in PIECES:
        started = time.process_time()
        read(piece * (1_000_000 // len(piece)))
        assert time.process_time() - started < 1.5, piece


async def test_what_is_kept_of_each_host_ages_and_is_bounded(scene: Ground) -> None:
    """CVE-2026-69132 (Fedify: state of a circuit per host, for ever)."""
    clock, writer = scene.node.core.world.clock, scene.node.core.writer
    now_ms = clock.now_ms()
    for number in range(300):
        host, long_ago = f"h{number}.evil.example", now_ms - 100 * _DAY_MS
        seen_ms = now_ms if number < 10 else long_ago
        await writer.run(
            lambda host=host, seen_ms=seen_ms: note_capability(  # type: ignore[misc]
                host, reads_rfc9421=True, reads_ed25519=False, now_ms=seen_ms
            )
        )
    await scene.node.housekeeping.round(hourly=True)
    assert await scene.count(t.hosts) == 10
    memory = RecentHosts(clock, limit=100)
    for number in range(1000):
        memory.note(f"h{number}.evil.example", Capability.READS_RFC9421)
        memory.note_mldsa44(f"h{number}.evil.example")
    known = [number for number in range(1000) if memory.reads_rfc9421(f"h{number}.evil.example")]
    assert known == list(range(900, 1000))
    assert sum(memory.reads_mldsa44(f"h{number}.evil.example") for number in range(1000)) == 100
    # What waits for a host that never answers is bounded too, per host.
    evil = scene.peer()
    evil.fail_with["/users/mallory"] = 503
    mallory = evil.person("mallory")
    answers = [
        await scene.deliver(mallory, evil.activity(mallory, "Like", f"https://node.example/{number}"))
        for number in range(230)
    ]
    assert set(answers) == {202, 429}
    assert await scene.count(t.inbox_staging) <= answers.count(202) <= 200


async def test_oversized_documents_are_cut_to_size(scene: Ground) -> None:
    """GHSA-gg8q-rcg7-p79g (Mastodon 4.5.5: no limits on federated properties), Mastodon 4.5.11."""
    await scene.add()
    evil = scene.peer()
    mallory = evil.person("mallory")
    many = range(1500)
    evil.documents[mallory.uri] |= {
        "name": "n" * 50_000,
        "summary": "<p>s</p>" * 9_000,
        "alsoKnownAs": [f"{evil.base_url}/a/{n}" for n in many],
        "attachment": [{"type": "PropertyValue", "name": f"f{n}", "value": "v" * 100} for n in many],
        "tag": [
            {"type": "Emoji", "name": f":e{n}:", "icon": {"type": "Image", "url": f"{evil.base_url}/{n}.png"}}
            for n in many
        ],
        "implements": [{"href": f"https://x.example/{n}"} for n in many],
    }
    tags: list[dict[str, Any]] = [{"type": "Hashtag", "name": f"#t{n}"} for n in many]
    tags += [{"type": "Mention", "href": f"{evil.base_url}/users/u{n}", "name": f"@u{n}"} for n in many]
    files = [{"type": "Document", "mediaType": "image/png", "url": f"{evil.base_url}/{n}.png"} for n in many]
    note = evil.note(mallory, "x", **about_alice(attachment=files, summary="w" * 100_000))
    note |= {"tag": [*about_alice()["tag"], *tags], "type": "Question"}
    note["oneOf"] = [{"name": f"o{n}", "replies": {"totalItems": 2**63 - 1}} for n in many]
    note["cc"] = [*note["cc"], *(f"{evil.base_url}/c/{n}" for n in range(2000))]
    assert await scene.deliver(mallory, evil.create(mallory, note)) == 202
    await scene.settled(within_s=30)
    [actor] = await scene.rows(select(t.actors).where(t.actors.c.uri == mallory.uri))
    sizes = {name: len(orjson.loads(actor[name])) for name in ("fields", "emojis", "also_known_as", "implements")}
    assert max(sizes.values()) <= 100, sizes
    assert len(actor["name"]) <= 200
    assert len(actor["summary"]) <= 200_000
    [post] = await scene.rows(select(t.objects).where(t.objects.c.uri == note["id"]))
    parts = orjson.loads(post["parts"])
    assert len(orjson.loads(post["attachments"])) <= 32
    assert len(parts["tags"]) <= 100
    assert len(parts.get("absent", ())) <= 10
    assert len(post["summary"]) <= 10_000
    [poll] = await scene.rows(select(t.polls))
    assert len(orjson.loads(poll["options"])) <= 32
    assert max(orjson.loads(poll["counts"])) <= 2**53


async def test_hosts_out_of_one_wildcard_cannot_lead_on_for_ever(
    scene: Ground, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Mastodon up to 4.0.2 (recursive mentions over wildcard DNS), Mitra 2.3.0 (recursion limit)."""
    monkeypatch.setattr(arrival, "MAX_PARENTS", 12)  # else an honest thread of 200 would take long
    await scene.add()
    evil = scene.peer()
    asked: list[str] = []

    async def any_host(request: web.Request) -> web.StreamResponse:
        asked.append(f"{request.host}{request.path_qs}")
        number = int(request.host.partition(".")[0].removeprefix("u") or 0)
        uri = f"https://{request.host}{request.path}"
        following = [f"https://u{number * 10 + n}.wild.example" for n in range(1, 10)]
        if request.path == "/a":
            document: dict[str, Any] = {
                "type": "Person", "preferredUsername": "a", "inbox": f"{uri}/inbox", "featured": f"{uri}/featured",
                "movedTo": f"{following[0]}/a", "alsoKnownAs": [f"{each}/a" for each in following],
                "webfinger": f"a@u{number * 10 + 2}.wild.example",
                "attributedTo": f"{following[1]}/a", "publicKey": f"{following[2]}/key",
            }  # fmt: skip
        else:
            document = {
                "type": "Note", "attributedTo": f"https://{request.host}/a", "content": "x", "to": [PUBLIC],
                "inReplyTo": f"{following[0]}/n", "quote": f"{following[1]}/n",
                "tag": [{"type": "Mention", "href": f"{each}/a", "name": "@a"} for each in following],
                "replies": {"type": "Collection", "items": [f"{each}/n" for each in following]},
            }  # fmt: skip
        document |= {"@context": "https://www.w3.org/ns/activitystreams", "id": uri}
        return web.Response(body=orjson.dumps(document), content_type="application/activity+json")

    scene.wildcard = any_host
    mallory = evil.person("mallory")
    tags = [{"type": "Mention", "href": f"https://u{n}.wild.example/a", "name": "@a"} for n in range(1, 200)]
    note = evil.note(
        mallory, "x", **about_alice(inReplyTo="https://u1.wild.example/n", quote="https://u2.wild.example/n")
    )
    note["tag"] = [*about_alice()["tag"], *tags]
    assert await scene.deliver(mallory, evil.create(mallory, note)) == 202
    await scene.settled(within_s=40)
    posts, people = {url for url in asked if url.endswith("/n")}, {url for url in asked if url.endswith("/a")}
    # The thread up to its limit, a quote of the post and of its parent, and two quotes within the first: no tree.
    assert len(posts) <= 12 + 4, len(posts)
    assert len(people) <= 3 * (len(posts) + 10), len(people)
    assert len(asked) == len(set(asked)), "nobody was asked twice for the same"
    assert await scene.count(t.fetches) == 0


async def test_an_actor_with_too_much_of_everything_is_cut_and_not_asked_for_again(scene: Ground) -> None:
    """Mitra 2.3.0, and the actor with too many fields that Akkoma fetched for ever."""
    _, post = await scene.say(await scene.add(), "Hello")
    evil = scene.peer()
    mallory = evil.person("mallory")
    evil.documents[mallory.uri]["attachment"] = [
        {"type": "PropertyValue", "name": f"field {n}", "value": "v"} for n in range(500)
    ]
    for number in range(5):
        assert await scene.deliver(mallory, evil.activity(mallory, "Like", f"{post}{number or ''}")) == 202
    await scene.settled()
    assert await scene.count(t.likes) == 1
    assert [hit.url for hit in scene.arrived_at("evil.example")] == [mallory.uri]
    assert not isinstance(await scene.find_actor(mallory.uri), Fail)


async def test_nonsense_in_json_ld_costs_a_limited_time_and_only_whoever_signs(scene: Ground) -> None:
    """pyld needs 15 s for a clique of seven blank nodes: traps of this kind end in a process that can be killed."""
    await scene.add()
    evil = scene.peer()
    mallory = evil.person("mallory")
    nodes = [{"@id": f"_:b{n}", "x:p": [{"@id": f"_:b{m}"} for m in range(8) if m != n]} for n in range(8)]
    trap = {"@context": {"x": "https://x.example/"}, "@type": "x:T", "actor": mallory.uri, "x:q": nodes}
    started = time.monotonic()
    task = asyncio.create_task(scene.deliver(mallory, trap))
    assert await longest_pause_s(task) < 1.0
    assert task.result() in (202, 400, 401, 503)
    assert time.monotonic() - started < 12
