"""Bodies that are no activities, or try to be two: refused without breaking anything.

spec: json-ld11, ap#inbox-delivery
"""

from __future__ import annotations

import gzip
from typing import Any

from fediverse_node.lab.conformance.attempt import SENDING, Expect, Probe, Try, broke, honest, refused, said, send_try
from fediverse_node.lab.conformance.case import Case, came, document, dump
from fediverse_node.lab.conformance.letters import Letter
from fediverse_node.lab.conformance.section import Section
from fediverse_node.lab.conformance.stand_in import Actor
from fediverse_node.lab.conformance.verdict import Need, Outcome, Verdict, failed, passed, skipped, warning
from fediverse_node.protocol.addressing import PUBLIC
from fediverse_node.protocol.jsonld_terms import AS2_URL

SECTION = Section()
_CONTROL = (*SENDING, Need.CONTROL)
_SOON_S = 5.0
_DEPTH = 20_000
_HUGE_BYTES = 8_000_000
_NOT_JSON = (
    b"",
    b"hello",
    b"<html>",
    b"[]",
    b'["https://www.w3.org/ns/activitystreams"]',
    b'"text"',
    b"42",
    b"null",
    b"{",
    b'{"type":',
    b'{"type": NaN}',
    b"\xff\xfe{}",
    b'{"a":"\\ud800"}',
    b"{}",
    b'{"@context":{}}',
    b'{"type":"Follow"}',
    b'{"type":7,"actor":[[]],"object":{"id":{}}}',
    b'{"@context":7,"type":"Follow","actor":true,"object":false,"id":null}',
)


@SECTION.check(
    "documents.garbage",
    "Bodies that are no activities are refused, signed or not",
    why="Servers answer 500 to arrays, numbers and text. Each of them is one request away for anybody.",
    advice="Answer 400 to what is no JSON object or says no type, actor or object.",
    refs=("rfc9110#15.5.1", "ap#inbox-delivery"),
    needs=_CONTROL,
)
async def garbage_is_refused(case: Case) -> Outcome:
    actor = case.stand_in.new_actor()
    for body in _NOT_JSON:
        for letter in (honest(case, actor, body), _unsigned(honest(case, actor, body))):
            exchange = await case.send(letter)
            if exchange.status == 0 or exchange.status >= 500:
                return failed(f"{body[:40]!r}: {came(exchange)}")
            if 200 <= exchange.status < 300 and not body.startswith(b"{"):
                return warning(f"{body[:40]!r} was taken: {came(exchange)}")
    return passed(f"{len(_NOT_JSON)} bodies, each signed and unsigned")


def _unsigned(letter: Letter) -> Letter:
    return letter.with_header("signature", None).with_header("signature-input", None)


@SECTION.check(
    "documents.depth",
    "A deeply nested body breaks nothing",
    why="Parsers that call themselves for each level run out of stack; JSON-LD takes 20 s for 200 levels.",
    advice="Limit the depth (32 is enough for all real activities) before anything else reads the document.",
    refs=("json-ld11", "CVE-2025-68475"),
    needs=_CONTROL,
)
async def depth_breaks_nothing(case: Case) -> Outcome:
    actor = case.stand_in.new_actor()
    bodies = (
        b"[" * _DEPTH + b"]" * _DEPTH,
        b'{"a":' * _DEPTH + b"1" + b"}" * _DEPTH,
        dump(_nested(case, actor, 200)),
    )
    for body in bodies:
        exchange = await case.send(honest(case, actor, body))
        if exchange.status == 0 or exchange.status >= 500:
            return failed(f"{len(body)} bytes of nesting: {came(exchange)}")
        if exchange.took_ms > _SOON_S * 1000:
            return failed(f"{len(body)} bytes of nesting took {exchange.took_ms / 1000:.0f} s.")
    return passed(f"{came(case.exchanges[-1])}, within {max(e.took_ms for e in case.exchanges):.0f} ms")


def _nested(case: Case, actor: Actor, depth: int) -> dict[str, Any]:
    inner: dict[str, Any] = {"type": "Note", "content": "deep"}
    for _ in range(depth):
        inner = {"type": "Note", "inReplyTo": inner}
    return case.activity(actor, "Create", inner)


@SECTION.check(
    "documents.blank-nodes",
    "A small body that is costly to canonicalise breaks nothing",
    why="Six anonymous nodes that all point to each other keep a canonicaliser busy for seconds, eight for minutes.",
    advice="Verify the signature first, limit anonymous nodes, and give canonicalisation a limit of work and time.",
    refs=("rdf-canon", "json-ld11"),
    needs=(*_CONTROL, Need.LOOPBACK),
)
async def clique_breaks_nothing(case: Case) -> Outcome:
    actor = case.stand_in.new_actor()
    names = [f"_:b{number}" for number in range(6)]
    clique = [{"@id": a, "https://example.org/ns#knows": [{"@id": b} for b in names if b != a]} for a in names]
    activity = case.follow(actor) | {
        "https://example.org/ns#clique": clique,
        "signature": {"type": "RsaSignature2017", "creator": actor.key_id, "signatureValue": "AAAA"},
    }
    exchange = await case.send(_unsigned(honest(case, actor, activity)))
    if exchange.took_ms > _SOON_S * 1000:
        return failed(f"An unsigned request of {len(dump(activity))} bytes took {exchange.took_ms / 1000:.0f} s.")
    return broke(exchange) or await refused(case, exchange, actor)


@SECTION.check(
    "documents.size",
    "A body of 8 MB is refused",
    why="Real activities stay below 100 kB. Servers read megabytes of whatever anybody sends.",
    advice="Answer 413 above about one megabyte, without reading the rest.",
    refs=("rfc9110#15.5.14", "GHSA-gg8q-rcg7-p79g"),
    needs=_CONTROL,
)
async def huge_body_is_refused(case: Case) -> Outcome:
    actor = case.stand_in.new_actor()
    follow = case.follow(actor) | {"content": "a" * _HUGE_BYTES}
    exchange = await send_try(case, Try(honest(case, actor, follow), actor, follow))
    if exchange.status == 0 and "closed the connection" in exchange.failure:
        return passed("It closed the connection")
    return broke(exchange) or await refused(case, exchange, actor, Verdict.WARNING)


@SECTION.check(
    "documents.type",
    "A body of another type is refused",
    why="A form in somebody's browser can send text/plain to any address; activities have a type of their own.",
    advice="Answer 415 (or 400, 406) unless the type is JSON of some kind.",
    refs=("ap#server-to-server-interactions", "rfc9110#15.5.16"),
    needs=_CONTROL,
)
async def other_types_are_refused(case: Case) -> Outcome:
    for content_type in ("text/plain", "text/html", "application/x-www-form-urlencoded"):
        actor = case.stand_in.new_actor()
        follow = case.follow(actor)
        exchange = await send_try(case, Try(honest(case, actor, follow, content_type=content_type), actor, follow))
        broken = broke(exchange)
        if broken is not None:
            return broken
        if 200 <= exchange.status < 300:
            return warning(f"{content_type} is taken: {came(exchange)}")
    return passed(came(case.exchanges[-1]))


@SECTION.check(
    "documents.gzip",
    "A compressed body is read, or refused with 4xx",
    why="A few kilobytes can become gigabytes; and the digest is of the bytes before or after.",
    advice="Answer 415 to Content-Encoding, or limit the size after decompression.",
    refs=("rfc9110#8.4",),
    needs=_CONTROL,
)
async def compressed_body_is_clear(case: Case) -> Outcome:
    actor = case.stand_in.new_actor()
    bomb = gzip.compress(dump(case.follow(actor) | {"content": "a" * 30_000_000}))
    for body in (gzip.compress(dump(case.follow(actor))), bomb):
        letter = honest(case, actor, body).with_header("content-encoding", "gzip")
        exchange = await case.send(letter)
        if exchange.status == 0 or exchange.status >= 500:
            return failed(f"{len(body)} bytes of gzip: {came(exchange)}")
    if 200 <= case.exchanges[-1].status < 300:
        return warning(f"{len(bomb)} bytes that become 30 MB are taken: {came(case.exchanges[-1])}")
    return passed(said(case.exchanges[-1]))


def _inside_graph(case: Case) -> Try:
    """A plain reader sees the courier's activity, a JSON-LD reader also the one in the graph."""
    victim, courier = case.stand_in.new_actor(), case.stand_in.new_actor()
    inner = case.follow(victim)
    inner.pop("@context")
    outer = {"@context": AS2_URL, "id": case.stand_in.new_uri(courier, "x"), "actor": courier.uri, "@graph": [inner]}
    return Try(honest(case, courier, outer), victim, inner, courier)


def _inside_included(case: Case) -> Try:
    victim, courier = case.stand_in.new_actor(), case.stand_in.new_actor()
    inner = case.follow(victim)
    inner.pop("@context")
    activity = case.activity(courier, "Like", case.facts.actor_uri) | {"@included": [inner]}
    return Try(honest(case, courier, activity), victim, inner, courier)


def _reversed(case: Case) -> Try:
    victim, courier = case.stand_in.new_actor(), case.stand_in.new_actor()
    inner = case.follow(victim)
    inner.pop("@context")
    activity = case.activity(courier, "Like", case.facts.actor_uri) | {"@reverse": {"object": inner}}
    return Try(honest(case, courier, activity), victim, inner, courier)


def _renamed(case: Case) -> Try:
    """The context gives `actor` another meaning: plainly read it is the courier, by JSON-LD the victim."""
    victim, courier = case.stand_in.new_actor(), case.stand_in.new_actor()
    follow = case.follow(victim) | {
        "@context": [AS2_URL, {"actor": "https://example.org/ns#actor", "who": {"@id": "as:actor", "@type": "@id"}}],
        "actor": courier.uri,
        "who": victim.uri,
    }
    return Try(honest(case, courier, follow), victim, follow, courier)


def _twice_named(case: Case) -> Try:
    """`actor` twice: some parsers take the first, some the last."""
    victim, courier = case.stand_in.new_actor(), case.stand_in.new_actor()
    follow = case.follow(victim)
    body = dump(follow).replace(b'"actor":', f'"actor":"{courier.uri}","actor":'.encode())
    return Try(honest(case, courier, body), victim, follow, courier)


_PROBES = (
    Probe(
        "documents.graph",
        "An activity hidden in @graph does not count",
        why="Signatures survive such restructuring, and readers see different things: Fedify and Mastodon were open.",
        advice="Refuse @graph, @included and @reverse at any depth.",
        refs=("CVE-2026-42462", "CVE-2026-46349"),
        build=_inside_graph,
        expect=Expect.WITHOUT_EFFECT,
    ),
    Probe(
        "documents.included",
        "An activity hidden in @included does not count",
        why="As with @graph.",
        advice="Refuse @graph, @included and @reverse at any depth.",
        refs=("CVE-2026-42462",),
        build=_inside_included,
        expect=Expect.WITHOUT_EFFECT,
    ),
    Probe(
        "documents.reverse",
        "An activity hidden in @reverse does not count",
        why="As with @graph.",
        advice="Refuse @graph, @included and @reverse at any depth.",
        refs=("CVE-2026-42462",),
        build=_reversed,
        expect=Expect.WITHOUT_EFFECT,
    ),
    Probe(
        "documents.renamed",
        "A context that renames `actor` gives nobody's name away",
        why="Plainly read the sender is one, by JSON-LD another. Misskey verified one reading and processed the other.",
        advice="Refuse documents that plain reading and JSON-LD would understand in two ways.",
        refs=("GHSA-2vxv-pv3m-3wvj", "json-ld11"),
        build=_renamed,
        expect=Expect.WITHOUT_EFFECT,
    ),
    Probe(
        "documents.actor-twice",
        "An activity that names its actor twice does not count for the one who did not sign",
        why="One parser takes the first value, another the last; between two of them anybody can be anybody.",
        advice="Let one parser read the body, once, and compare what it read with the signer.",
        refs=("GHSA-2vxv-pv3m-3wvj",),
        build=_twice_named,
        expect=Expect.WITHOUT_EFFECT,
    ),
)
SECTION.checks += [probe.to_check() for probe in _PROBES]


@SECTION.check(
    "documents.methods",
    "Nobody can put, change or remove what is here",
    why="Whatever is open to GET is tried with the other methods too.",
    advice="Answer 405 (or 401, 403, 404) to PUT, PATCH and DELETE from strangers.",
    refs=("rfc9110#15.5.6",),
    needs=SENDING,
)
async def other_methods_are_refused(case: Case) -> Outcome:
    before = document(await case.read(case.facts.actor_uri))
    for method in ("PUT", "PATCH", "DELETE", "TRACE"):
        exchange = await case.send(Letter(case.facts.actor_uri, b"" if method == "TRACE" else b"{}", (), method))
        if exchange.status == 0 or (exchange.status >= 500 and exchange.status != 501):
            return failed(f"{method}: {came(exchange)}")
        if 200 <= exchange.status < 300:
            return failed(f"{method} was answered {came(exchange)}")
    after = document(await case.read(case.facts.actor_uri))
    return (
        passed("PUT, PATCH, DELETE and TRACE are refused")
        if before == after
        else failed("The actor is not what it was before.")
    )


@SECTION.check(
    "documents.outbox",
    "Strangers cannot post to the outbox",
    why="What stands in the outbox counts as said by its owner.",
    advice="Answer 401, 403, 404 or 405 to POSTs that do not carry the owner's token.",
    refs=("ap#client-to-server-interactions",),
    needs=_CONTROL,
)
async def outbox_is_closed(case: Case) -> Outcome:
    url = case.facts.own("outbox")
    if url is None:
        return skipped("The actor names no outbox of its own origin")
    actor = case.stand_in.new_actor()
    note = {"type": "Note", "content": "not by the owner", "to": [PUBLIC]}
    for letter in (honest(case, actor, note, url=url), _unsigned(honest(case, actor, note, url=url))):
        exchange = await case.send(letter)
        if exchange.status == 0 or exchange.status >= 500:
            return failed(came(exchange))
        if 200 <= exchange.status < 300:
            return failed(f"It was taken: {came(exchange)}")
    return passed(came(case.exchanges[-1]))
