"""What the server sends and fetches of itself: Accepts, keys, documents, examined as any careful server would.

spec: ap#delivery, cavage, rfc9421
"""

from __future__ import annotations

from typing import Any

from fediverse_node.base.outcome import Fail
from fediverse_node.lab.conformance.attempt import SENDING, honest, said
from fediverse_node.lab.conformance.case import Case, came, document
from fediverse_node.lab.conformance.facts import Json, address
from fediverse_node.lab.conformance.section import Section
from fediverse_node.lab.conformance.stand_in import Actor, Arrival
from fediverse_node.lab.conformance.verdict import Need, Outcome, failed, passed, skipped, warning
from fediverse_node.protocol.jsonld_terms import AS2_CONTEXT_URLS
from fediverse_node.protocol.media_types import is_activity_type, wants_activity
from fediverse_node.protocol.reading import mappings, sequence
from fediverse_node.protocol.uris import host_of, same_origin
from fediverse_node.signatures.claim import parse_claims
from fediverse_node.signatures.keys import PublicKey
from fediverse_node.signatures.request import Request
from fediverse_node.signatures.verify import Policy, Proven, check_claim, verify_claim

SECTION = Section()
_NEEDS = (*SENDING, Need.CONTROL)
_KEYS = 8


def _deliveries(case: Case) -> list[Arrival]:
    return [each for each in case.stand_in.arrivals if each.method == "POST" and each.activity]


_NONE = "It has delivered nothing here: the actor may approve followers by hand"


@SECTION.check(
    "delivery.signature",
    "What it delivers is signed with the actor's key, over everything that matters",
    why="A delivery that does not verify is refused by every careful server, and the answer to a Follow is lost.",
    advice="Sign (request-target), host, date and digest, or their RFC 9421 counterparts, with a key the actor lists.",
    refs=("cavage#3.1", "rfc9421#3.1"),
    needs=_NEEDS,
)
async def deliveries_are_signed(case: Case) -> Outcome:
    deliveries = _deliveries(case)
    if not deliveries:
        return skipped(_NONE)
    keys = _listed_keys(case.facts.actor)
    for arrival in deliveries:
        fault = _fault(case, arrival, keys)
        if fault:
            return failed(f"{arrival.activity.get('type')}: {fault}")
    schemes = {"RFC 9421" if each.header("signature-input") else "draft-cavage" for each in deliveries}
    return passed(f"{len(deliveries)} deliveries, {' and '.join(sorted(schemes))}")


def _listed_keys(actor: Json) -> dict[str, PublicKey]:
    found: dict[str, PublicKey] = {}
    for key in [*mappings(actor.get("publicKey"), _KEYS), *mappings(actor.get("assertionMethod"), _KEYS)]:
        pem, multibase = key.get("publicKeyPem"), key.get("publicKeyMultibase")
        parsed = PublicKey.parse_pem(pem) if isinstance(pem, str) else PublicKey.parse_multibase(str(multibase))
        if isinstance(parsed, PublicKey):
            found[str(key.get("id"))] = parsed
    return found


def _fault(case: Case, arrival: Arrival, keys: dict[str, PublicKey]) -> str:
    """Why this delivery would be refused; "" if it would not."""
    request = Request(arrival.method, arrival.url, arrival.headers, arrival.body)
    claims = parse_claims(request)
    if isinstance(claims, Fail):
        return str(claims)
    policy = Policy(frozenset(host_of(origin) or "" for origin in case.stand_in.origins))
    reason = "no signature"
    for claim in claims:
        fault = check_claim(request, claim, policy, now=case.clock.now())
        key = keys.get(claim.key_id)
        if fault is not None:
            reason = str(fault)
        elif key is None:
            reason = f"the key {claim.key_id} is not listed by the actor"
        else:
            proven = verify_claim(request, claim, key)
            if isinstance(proven, Proven):
                return ""
            reason = str(proven)
    return reason


@SECTION.check(
    "delivery.headers",
    "Its deliveries have the type and the headers that strict servers ask for",
    why="GoToSocial answers 406 to application/json and 418 to requests without User-Agent; it refuses `sha-256=`.",
    advice="Send application/activity+json, User-Agent, Date, and Digest with SHA-256 in capitals.",
    refs=("ap#server-to-server-interactions", "rfc3230#4.3.2"),
    needs=_NEEDS,
)
async def headers_are_complete(case: Case) -> Outcome:
    deliveries = _deliveries(case)
    if not deliveries:
        return skipped(_NONE)
    for arrival in deliveries:
        kind, digest = arrival.header("content-type"), arrival.header("digest")
        if not is_activity_type(kind):
            return failed(f"Content-Type is {kind or 'absent'}.")
        if not arrival.header("user-agent"):
            return warning("There is no User-Agent.")
        if digest is not None and "SHA-256=" not in digest:
            return warning(f"Digest is {digest[:20]}…, which GoToSocial and snac2 refuse.")
    return passed(str(deliveries[0].header("content-type")))


@SECTION.check(
    "delivery.shape",
    "Its Accept can be matched to the Follow",
    why="Servers look the Follow up by its id, or by who follows whom; an Accept of something else is dropped.",
    advice="Put the Follow into `object`, whole or by its id; set actor to the followed and `to` to the follower.",
    refs=("ap#accept-activity-inbox",),
    needs=_NEEDS,
)
async def accept_names_the_follow(case: Case) -> Outcome:
    accepts = [each.activity for each in _deliveries(case) if each.activity.get("type") in ("Accept", "Reject")]
    if not accepts:
        return skipped(_NONE)
    for accept in accepts:
        if accept.get("actor") != case.facts.actor_uri:
            return failed(f"The actor of the Accept is {accept.get('actor')!r}.")
        if not same_origin(str(accept.get("id")), case.facts.actor_uri):
            return failed(f"The Accept is called {accept.get('id')!r}.")
        if not AS2_CONTEXT_URLS.intersection(c for c in sequence(accept.get("@context")) if isinstance(c, str)):
            return failed("The Accept has no Activity Streams context.")
        follow = accept.get("object")
        follower = address(follow.get("actor")) if isinstance(follow, dict) else ""
        if follower not in ("", *case.stand_in.actors):
            return failed(f"The Accept is of a Follow by {follower}.")
        if not address(follow) and not follower:
            return failed(f"The object of the Accept is {follow!r}.")
    unaddressed = [accept for accept in accepts if not sequence(accept.get("to"))]
    if unaddressed:
        return warning("There is no `to`, and snac2 drops what has none.")
    return passed(f"{len(accepts)} answers")


async def _fetches(case: Case) -> list[Arrival]:
    """Requests for documents of ours; if there were none yet, a signed GET may make the server ask for a key."""

    def so_far() -> list[Arrival]:
        return [each for each in case.stand_in.arrivals if each.method == "GET" and "/.well-known/" not in each.path]

    if not so_far():
        await case.signed_get(case.facts.actor_uri, "cavage")
    return so_far()


@SECTION.check(
    "delivery.fetch-accept",
    "It asks for ActivityPub when it fetches",
    why="Whoever serves a page and a document at one address needs to be told which is wanted.",
    advice="Name application/activity+json, and application/ld+json with the profile, in Accept.",
    refs=("ap#retrieving-objects",),
    needs=(Need.STAND_IN,),
)
async def it_asks_for_activitypub(case: Case) -> Outcome:
    fetches = await _fetches(case)
    if not fetches:
        return skipped("It has fetched nothing from here")
    accepts = {each.header("accept") or "" for each in fetches}
    odd = [accept for accept in accepts if not wants_activity(accept)]
    return failed(f"Accept: {odd[0] or '(absent)'}") if odd else passed(", ".join(accepts))


@SECTION.check(
    "delivery.fetch-name",
    "It says who it is when it fetches",
    why="GoToSocial refuses requests without User-Agent (418), and people in charge want to know whom to write to.",
    advice="Send a User-Agent with the name of the software and the address of the server.",
    refs=("rfc9110#10.1.5",),
    needs=(Need.STAND_IN,),
)
async def it_says_who_it_is(case: Case) -> Outcome:
    fetches = await _fetches(case)
    if not fetches:
        return skipped("It has fetched nothing from here")
    names = {each.header("user-agent") or "" for each in fetches}
    return failed("There is no User-Agent.") if "" in names else passed(", ".join(sorted(names)))


@SECTION.check(
    "delivery.fetch-signed",
    "Its own fetches are signed",
    why="GoToSocial and servers in secure mode answer no unsigned GET: without a signature their people stay unknown.",
    advice="Sign all fetches with the key of an actor of the server, whose own document is open to everybody.",
    refs=("cavage#3.1",),
    needs=(Need.STAND_IN,),
)
async def its_fetches_are_signed(case: Case) -> Outcome:
    fetches = await _fetches(case)
    if not fetches:
        return skipped("It has fetched nothing from here")
    unsigned = [each for each in fetches if each.header("signature") is None]
    if unsigned:
        return warning(f"{len(unsigned)} of {len(fetches)} fetches had no signature.")
    return passed(f"All {len(fetches)} of them")


@SECTION.check(
    "delivery.fetch-fragment",
    "It asks for addresses, not for fragments",
    why="A fragment in the request line is malformed HTTP; Fedify 2.3.6 signed one without sending it.",
    advice="Cut # and what follows off before asking and before signing.",
    refs=("rfc9110#7.1", "rfc3986"),
    needs=(Need.STAND_IN,),
)
async def no_fragment_is_sent(case: Case) -> Outcome:
    fetches = await _fetches(case)
    if not fetches:
        return skipped("It has fetched nothing from here")
    odd = [each.path for each in fetches if "#" in each.path or "%23" in each.path]
    return failed(f"It asked for {odd[0]}.") if odd else passed(f"{len(fetches)} fetches")


@SECTION.check(
    "delivery.fetch-redirect",
    "A signature made for one server is not shown to another",
    why="Whoever is redirected signs again for the new host, or not at all: a signature passed on is a signature lent.",
    advice="Sign each hop for its own host, and never send the signature of one hop with the next.",
    refs=("CVE-2026-77632", "rfc9110#15.4"),
    needs=(Need.STAND_IN, Need.ORIGINS),
)
async def signatures_stay_with_their_host(case: Case) -> Outcome:
    by_signature: dict[str, set[str]] = {}
    for arrival in await _fetches(case):
        signature = arrival.header("signature")
        if signature is not None:
            by_signature.setdefault(signature, set()).add(host_of(arrival.url) or "")
    if not any(host_of(each.url) == host_of(case.stand_in.origins[1]) for each in await _fetches(case)):
        return skipped("It has followed no redirect to the second address")
    shared = [hosts for hosts in by_signature.values() if len(hosts) > 1]
    return (
        failed(f"One signature was shown to {' and '.join(sorted(shared[0]))}.")
        if shared
        else passed("Each signature was seen by one host")
    )


@SECTION.check(
    "delivery.undo",
    "What was taken is taken back",
    why="The Undo of a Follow must end it; this also leaves the server as it was before this examination.",
    advice="On Undo of a Follow, remove the follower.",
    refs=("ap#undo-activity-inbox",),
    needs=_NEEDS,
)
async def follows_are_undone(case: Case) -> Outcome:
    followers = case.facts.own("followers")
    left: list[str] = []
    for actor, follow in case.stand_in.to_undo:
        current = case.stand_in.actors.get(actor.uri, actor)
        exchange = await case.send(honest(case, current, _taking_back(case, current, follow)))
        if not 200 <= exchange.status < 300:
            left.append(f"the one of {current.name}: {said(exchange)}")
    count = len(case.stand_in.to_undo)
    case.stand_in.to_undo.clear()
    if followers is not None:
        await case.read(followers)
    if left:
        return warning(f"{len(left)} of {count} were not taken: {left[0]}")
    return passed(f"{count} undone")


def _taking_back(case: Case, actor: Actor, activity: dict[str, Any]) -> dict[str, Any]:
    """What ends an activity: of a Create the Delete, of all others the Undo."""
    if activity.get("type") != "Create":
        return case.activity(actor, "Undo", activity)
    return case.activity(actor, "Delete", {"id": address(activity.get("object")), "type": "Tombstone"})


@SECTION.check(
    "delivery.alive",
    "After all this the server still answers",
    why="What was sent here is what any scanner sends.",
    advice="Look into the log of the server for what happened at the end.",
    needs=SENDING,
)
async def server_is_alive(case: Case) -> Outcome:
    exchange = await case.read(case.facts.actor_uri)
    return passed(came(exchange)) if document(exchange) is not None else failed(came(exchange))
