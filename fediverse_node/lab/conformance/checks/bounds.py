"""How much one stranger's request can make the server do: keys, threads, mentions and profiles without end.

spec: fep-fe34. The GETs are made only with a signature that must be looked up; the rest is sent to the inbox.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import Any
from urllib.parse import urlsplit

from aiohttp import web

from fediverse_node.lab.conformance.attempt import SENDING, broke, honest
from fediverse_node.lab.conformance.case import Case, CaseCheck, came
from fediverse_node.lab.conformance.letters import honest_get
from fediverse_node.lab.conformance.section import Section
from fediverse_node.lab.conformance.stand_in import Actor, actor_document, document_response
from fediverse_node.lab.conformance.verdict import Check, Need, Outcome, failed, passed, skipped, warning
from fediverse_node.lab.exchange import Exchange
from fediverse_node.protocol.addressing import PUBLIC
from fediverse_node.protocol.jsonld_terms import AS2_URL

SECTION = Section()
_CONTROL = (*SENDING, Need.CONTROL)
_SLOW_S = 25.0
_MOST_KEY_FETCHES = 12
_MOST_BYTES = 40_000_000
_CHUNK = b" " * 65_536
_QUIET_S = 1.5
_WATCH_S = 15.0
_MOST_OF_A_THREAD = 600  # Mastodon takes up to 500 of one post, and no more
_MANY = 400
_MOST_OF_MANY = 120
_MUCH = 150
_TRIES_LATER = (502, 503)

Ask = Callable[[Case, str, Actor], Awaitable[Exchange]]


async def _get_with_key_at(case: Case, key_id: str, actor: Actor) -> Exchange:
    headers = honest_get(case.facts.actor_uri, "cavage", key=actor.key, key_id=key_id, now=case.clock.now())
    return await case.get(case.facts.actor_uri, headers=headers, timeout_s=_SLOW_S + 5)


async def _post_with_key_at(case: Case, key_id: str, actor: Actor) -> Exchange:
    letter = honest(case, replace(actor, key_id=key_id), case.follow(actor))
    return await case.send(letter, timeout_s=_SLOW_S + 5)


def _fault(exchange: Exchange) -> str:
    """Why this answer is no clear one; "" if it is. 503 says that it may be tried again later."""
    if exchange.took_ms > _SLOW_S * 1000:
        return f"{came(exchange)} only after {exchange.took_ms / 1000:.0f} s"
    is_bad = exchange.status == 0 or (exchange.status >= 500 and exchange.status not in _TRIES_LATER)
    return came(exchange) if is_bad else ""


async def _unreachable(case: Case, ask: Ask) -> Outcome:
    actor = case.stand_in.new_actor()
    for key_id in ("http://127.0.0.1:9/actor#main-key", "https://key.invalid/actor#main-key", "file:///etc/passwd"):
        exchange = await ask(case, key_id, actor)
        if _fault(exchange):
            return failed(f"{key_id}: {_fault(exchange)}")
    return passed(came(case.exchanges[-1]))


async def _loop(case: Case, ask: Ask) -> Outcome:
    stand_in = case.stand_in
    actor = stand_in.new_actor()
    path = urlsplit(actor.uri).path

    async def lead_on(request: web.Request) -> web.Response:
        step = request.query.get("step", "0")
        following = int(step) + 1 if step.isdecimal() else 1
        return web.Response(status=302, headers={"Location": f"{actor.uri}?step={following}"})

    stand_in.special[path] = lead_on
    exchange = await ask(case, actor.key_id, actor)
    if not stand_in.fetches_of(path) and not _fault(exchange):
        return skipped("It does not fetch the key")
    hops = await _settled(case, lambda: len(stand_in.fetches_of(path)))
    if _fault(exchange):
        return failed(f"{_fault(exchange)}, after {hops} requests.")
    return (
        failed(f"It followed {hops} redirects.")
        if hops > _MOST_KEY_FETCHES
        else passed(f"{hops} requests, then {came(exchange)}")
    )


async def _endless(case: Case, ask: Ask) -> Outcome:
    stand_in = case.stand_in
    actor = stand_in.new_actor()
    path = urlsplit(actor.uri).path
    most = 0

    async def pour(request: web.Request) -> web.StreamResponse:
        nonlocal most
        response = web.StreamResponse(headers={"Content-Type": "application/activity+json"})
        await response.prepare(request)
        sent = 0
        try:
            await response.write(b'{"id":"')
            while sent < _MOST_BYTES:
                await response.write(_CHUNK)
                sent += len(_CHUNK)
                most = max(most, sent)
        except (ConnectionError, OSError):
            pass  # given up, as it should be
        return response

    stand_in.special[path] = pour
    exchange = await ask(case, actor.key_id, actor)
    if _fault(exchange):
        return failed(f"{_fault(exchange)}.")
    if not stand_in.fetches_of(path):
        return skipped("It does not fetch the key")
    if most >= _MOST_BYTES:
        return failed(f"It read all of {most / 1e6:.0f} MB.")
    return passed(f"Given up after {most / 1e6:.1f} MB, then {came(exchange)}")


async def _settled(case: Case, count: Callable[[], int]) -> int:
    """The count once it has not changed for a while, or when it was watched long enough."""
    loop = asyncio.get_running_loop()
    until = loop.time() + _WATCH_S
    while loop.time() < until:
        before = count()
        await asyncio.sleep(max(_QUIET_S, case.patience_s))
        if count() == before:
            break
    return count()


def _pair(
    name: str,
    title: str,
    *,
    why: str,
    advice: str,
    refs: tuple[str, ...],
    run: Callable[[Case, Ask], Awaitable[Outcome]],
) -> tuple[CaseCheck, CaseCheck]:
    """The same for keys of GETs, which many do not look up, and for keys of deliveries."""

    async def by_get(case: Case) -> Outcome:
        return await run(case, _get_with_key_at)

    async def by_post(case: Case) -> Outcome:
        return await run(case, _post_with_key_at)

    return (
        Check(f"fetching.{name}", title, why, advice, by_get, refs, (Need.STAND_IN, Need.ACTOR)),
        Check(f"bounds.{name}", title, why, advice, by_post, refs, _CONTROL),
    )


_PAIRS = (
    _pair(
        "key-unreachable",
        "A key that cannot be fetched gives a clear answer",
        why="A 500 there makes senders take the whole server for broken.",
        advice="Answer 401 (or 503, to be asked again) when the key's host cannot be reached, and soon.",
        refs=("rfc9421#3.2",),
        run=_unreachable,
    ),
    _pair(
        "key-loop",
        "A key whose address redirects for ever is given up soon",
        why="A key id is a stranger's text. Fedify followed such redirects without end.",
        advice="Follow at most three redirects, never twice to one address.",
        refs=("CVE-2026-34148", "CVE-2025-23221"),
        run=_loop,
    ),
    _pair(
        "key-endless",
        "A key document that never ends is given up",
        why="Without a limit one request fills the memory of the server.",
        advice="Read at most about one megabyte, and for at most some seconds.",
        refs=("CVE-2026-50131", "GHSA-gg8q-rcg7-p79g"),
        run=_endless,
    ),
)
GETS = tuple(get for get, _ in _PAIRS)
SECTION.checks += [post for _, post in _PAIRS]


def _note(case: Case, actor: Actor, uri: str, **more: object) -> dict[str, Any]:
    return {
        "id": uri,
        "type": "Note",
        "attributedTo": actor.uri,
        "content": "<p>Part of a conformance check.</p>",
        "published": case.clock.now().strftime("%Y-%m-%dT%H:%M:%SZ"),
        "to": [PUBLIC],
        "cc": [case.facts.actor_uri],
        **more,
    }


@SECTION.check(
    "bounds.thread",
    "A thread without a beginning is given up",
    why="Each post names a parent, which names a parent: one message could keep a server fetching for ever.",
    advice="Give each message a budget of fetches, of time, and of requests to one domain.",
    refs=("GHSA-gg8q-rcg7-p79g",),
    needs=_CONTROL,
)
async def endless_thread_is_given_up(case: Case) -> Outcome:
    stand_in = case.stand_in
    actor = stand_in.new_actor()
    path = f"{urlsplit(actor.uri).path}/thread"

    async def parent(request: web.Request) -> web.Response:
        step = request.query.get("n", "0")
        number = int(step) if step.isdecimal() else 0
        uri = f"{actor.uri}/thread?n={number}"
        note = _note(case, actor, uri, inReplyTo=f"{actor.uri}/thread?n={number + 1}")
        return document_response({"@context": AS2_URL, **note})

    stand_in.special[path] = parent
    mention = {"type": "Mention", "href": case.facts.actor_uri, "name": "@someone"}
    first = _note(case, actor, f"{actor.uri}/thread?n=0", inReplyTo=f"{actor.uri}/thread?n=1", tag=[mention])
    exchange = await case.send(honest(case, actor, case.activity(actor, "Create", first, to=[PUBLIC])))
    broken = broke(exchange)
    if broken is not None:
        return broken
    fetches = await _settled(case, lambda: len(stand_in.fetches_of(path)))
    await case.send(honest(case, actor, case.activity(actor, "Delete", {"id": first["id"], "type": "Tombstone"})))
    if fetches > _MOST_OF_A_THREAD:
        return failed(f"It fetched {fetches} parents in {_WATCH_S:.0f} s, and would go on.")
    return passed(f"{came(exchange)}, then {fetches} parents were fetched")


@SECTION.check(
    "bounds.mentions",
    "A post that mentions hundreds of strangers does not make the server fetch them all",
    why="One message would become hundreds of requests to whomever the sender chose.",
    advice="Limit the mentions that are read from one post, and fetch no more actors than one message is worth.",
    refs=("GHSA-gg8q-rcg7-p79g",),
    needs=_CONTROL,
)
async def many_mentions_are_bounded(case: Case) -> Outcome:
    stand_in = case.stand_in
    actor = stand_in.new_actor()
    folder = f"{urlsplit(actor.uri).path}/crowd/"
    crowd = [f"{actor.uri}/crowd/{number}" for number in range(_MANY)]
    tags = [{"type": "Mention", "href": uri, "name": "@crowd"} for uri in (case.facts.actor_uri, *crowd)]
    note = _note(case, actor, stand_in.new_uri(actor, "notes"), tag=tags, cc=[case.facts.actor_uri, *crowd])
    exchange = await case.send(honest(case, actor, case.activity(actor, "Create", note, to=[PUBLIC])))
    broken = broke(exchange)
    if broken is not None:
        return broken

    def fetched() -> int:
        return sum(each.method == "GET" and each.path.startswith(folder) for each in stand_in.arrivals)

    fetches = await _settled(case, fetched)
    await case.send(honest(case, actor, case.activity(actor, "Delete", {"id": note["id"], "type": "Tombstone"})))
    said = f"{came(exchange)}, then {fetches} of {_MANY} strangers were asked for"
    return warning(f"{said}.") if fetches > _MOST_OF_MANY else passed(said)


@SECTION.check(
    "bounds.profile",
    "A profile with too much in it is cut or refused, and not fetched again and again",
    why="Servers have fetched such an actor for ever: they refused it, and then knew it no better.",
    advice="Limit names, fields, tags and aliases by cutting them; remember that a fetch was tried.",
    refs=("GHSA-gg8q-rcg7-p79g",),
    needs=_CONTROL,
)
async def large_profile_is_cut(case: Case) -> Outcome:
    stand_in = case.stand_in
    actor = stand_in.new_actor()
    stand_in.documents[actor.uri] = actor_document(actor) | {
        "name": "n" * 20_000,
        "summary": "<p>" + "s" * 100_000 + "</p>",
        "attachment": [{"type": "PropertyValue", "name": f"f{n}", "value": "v" * 500} for n in range(_MUCH)],
        "tag": [{"type": "Hashtag", "name": f"#t{n}", "href": f"{actor.uri}/t{n}"} for n in range(_MUCH)],
        "alsoKnownAs": [f"{actor.uri}/alias/{n}" for n in range(_MUCH)],
    }
    path = urlsplit(actor.uri).path
    follow = case.follow(actor)
    exchange = await case.send(honest(case, actor, follow))
    broken = broke(exchange)
    if broken is not None:
        return broken
    if 200 <= exchange.status < 300:
        stand_in.to_undo.append((actor, follow))
    fetches = await _settled(case, lambda: len(stand_in.fetches_of(path)))
    if fetches > _MOST_KEY_FETCHES:
        return failed(f"It fetched the profile {fetches} times.")
    return passed(f"{came(exchange)}, after {fetches} {'fetch' if fetches == 1 else 'fetches'}")
