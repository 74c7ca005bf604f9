"""What nobody should ask for, asked for: no answer breaks, and nothing is shown that is not meant to be."""

from __future__ import annotations

from fediverse_node.lab.conformance.case import Case, came, document
from fediverse_node.lab.conformance.section import Section
from fediverse_node.lab.conformance.verdict import Need, Outcome, failed, passed, skipped
from fediverse_node.protocol.reading import sequence
from fediverse_node.protocol.uris import origin_of

SECTION = Section()
_PATHS = (
    "/%00",
    "/%ff%fe",
    "/users/%00",
    "/users/%2e%2e%2f",
    "/@%F0%9F%A6%84",
    "/.well-known/",
    "/" + "a" * 1500,
    "/%25%32%65",
)
_ACCEPTS = (",,,;q=abc", "*/*;q=-1", '"unclosed', "application/activity+json;q=0, text/html;q=0", "x" * 5000, "/")


@SECTION.check(
    "errors.paths",
    "Strange paths are refused without breaking anything",
    why="Scanners ask for them all day; each 5xx is a traceback, and some are a way in.",
    advice="Decode paths carefully and answer 404.",
    refs=("rfc9110#15.5",),
)
async def strange_paths_are_refused(case: Case) -> Outcome:
    origin = origin_of(case.facts.actor_uri) or case.facts.webfinger_origin
    for path in _PATHS:
        exchange = await case.get(origin + path)
        if exchange.status == 0 or exchange.status >= 500:
            return failed(f"{path[:60]}: {came(exchange)}")
    return passed(f"{len(_PATHS)} of them")


@SECTION.check(
    "errors.accept",
    "Broken Accept headers do not break the answer",
    why="What cannot be read may be ignored or refused, but not crash.",
    advice="Parse Accept with care: ignore what is malformed.",
    refs=("rfc9110#12.5.1",),
)
async def broken_accepts_are_survived(case: Case) -> Outcome:
    for accept in _ACCEPTS:
        exchange = await case.get(case.facts.actor_uri, accept=accept)
        if exchange.status == 0 or exchange.status >= 500:
            return failed(f"Accept: {accept[:60]}: {came(exchange)}")
    return passed(f"{len(_ACCEPTS)} of them")


@SECTION.check(
    "errors.signature",
    "Nonsense in signature headers does not break a GET",
    why="These headers are parsed before anybody is known; servers answer 500 to keys that they cannot reach.",
    advice="Treat a signature that cannot be read as none, or answer 401.",
    refs=("cavage#2", "rfc9421#3.2"),
)
async def broken_signatures_are_survived(case: Case) -> Outcome:
    headers = (
        ("Signature", "nonsense"),
        ("Signature", 'keyId="",headers="",signature=""'),
        ("Signature", 'keyId="file:///etc/passwd",headers="date",signature="AAAA"'),
        ("Signature", 'keyId="http://[::1",headers="(request-target) host date",signature="AAAA"'),
        ("Signature", 'keyId="' + "a" * 9000 + '",headers="date",signature="AAAA"'),
        ("Signature-Input", "sig1=("),
        ("Signature-Input", 'sig1=("@method" "@target-uri");created=99999999999999999999;keyid="x"'),
        ("Authorization", "Signature ,,,"),
    )
    for name, value in headers:
        exchange = await case.get(case.facts.actor_uri, headers=((name, value),))
        if exchange.status == 0 or exchange.status >= 500:
            return failed(f"{name}: {value[:60]}: {came(exchange)}")
    return passed(f"{len(headers)} kinds of nonsense")


@SECTION.check(
    "errors.inbox",
    "Nobody can read the inbox",
    why="It holds what others wrote to this person alone.",
    advice="Answer GET of the inbox with 405, 403 or 404 unless its owner asks.",
    refs=("ap#inbox",),
    needs=(Need.INBOX,),
)
async def inbox_is_closed(case: Case) -> Outcome:
    exchange = await case.get(case.facts.inbox or "")
    found = document(exchange)
    if exchange.status == 0 or exchange.status >= 500:
        return failed(came(exchange))
    if found is not None and (sequence(found.get("orderedItems", found.get("items"))) or found.get("first")):
        return failed("It lists what arrived.")
    return passed(came(exchange))


@SECTION.check(
    "errors.time",
    "The actor is answered soon",
    why="Others wait ten seconds or less, and then take the server for dead.",
    advice="Serve actors from memory or one indexed query.",
    needs=(Need.ACTOR,),
)
async def actor_is_soon_there(case: Case) -> Outcome:
    exchange = await case.read(case.facts.actor_uri)
    if exchange.answer is None:
        return skipped(came(exchange))
    seconds = exchange.took_ms / 1000
    return failed(f"It took {seconds:.1f} s.") if seconds > 5 else passed(f"{seconds:.2f} s")
