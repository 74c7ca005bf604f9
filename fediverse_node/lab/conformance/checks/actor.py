"""The actor document and how it is served.  spec: ap#retrieving-objects, ap#actor-objects, fep-fe34"""

from __future__ import annotations

import re
from datetime import datetime

from fediverse_node.lab.conformance.case import Case, came, document, header
from fediverse_node.lab.conformance.facts import addresses, types
from fediverse_node.lab.conformance.section import Section
from fediverse_node.lab.conformance.verdict import Need, Outcome, failed, passed, skipped, warning
from fediverse_node.protocol.actors import ACTOR_TYPES
from fediverse_node.protocol.jsonld_terms import AS2_CONTEXT_URLS
from fediverse_node.protocol.media_types import ACTIVITY_JSON, HTML, LD_JSON, is_activity_type
from fediverse_node.protocol.reading import sequence
from fediverse_node.protocol.uris import same_origin
from fediverse_node.signatures.multibase import parse_multibase

SECTION = Section()
_ACTOR = (Need.ACTOR,)
_BROWSER = "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"
# As the named servers send it.
_ACCEPTS = {
    "Mastodon": "application/activity+json, application/ld+json",
    "GoToSocial": 'application/activity+json,application/ld+json;profile="https://www.w3.org/ns/activitystreams"',
    "Lemmy": "application/activity+json",
    "Misskey": "application/activity+json, application/ld+json",
}
_STRICT_CONTEXTS = ("https://w3id.org/security/", "https://w3id.org/fep/", "https://www.w3.org/ns/")
# spec: rfc9110#15.1 - what a cache may keep without being told.
_KEPT_BY_CACHES = (200, 203, 204, 206, 300, 301, 308, 404, 405, 410, 414, 501)
_PRIVATE = re.compile(r"PRIVATE KEY|secretKeyMultibase|privateKey(?:Pem|Multibase|Jwk)|\"d\"\s*:\s*\"")


@SECTION.check(
    "actor.unsigned",
    "The actor can be read",
    why="Everything begins with this document: handle, inbox, keys.",
    advice="Answer 200 with the document to GETs that ask for ActivityPub, signed or not.",
    refs=("ap#retrieving-objects",),
)
async def actor_can_be_read(case: Case) -> Outcome:
    exchange = await case.get(case.facts.actor_uri)
    if document(exchange) is not None:
        return passed("Without a signature")
    if exchange.status in (401, 403) and case.facts.signed_gets_only:
        return passed(f"With a signature ({case.facts.signed_gets_only}); without one it is {came(exchange)}")
    if exchange.status in (401, 403) and not case.has_stand_in:
        return skipped("It asks for a signature, and the server could not fetch the checker's key: use --as")
    again = await case.read(case.facts.actor_uri)
    return (
        passed("After a redirect") if document(again) is not None else failed(f"{case.facts.actor_uri}: {came(again)}")
    )


@SECTION.check(
    "actor.ld-json",
    "The type that the specification names is understood",
    why='Servers must answer to application/ld+json; profile="https://www.w3.org/ns/activitystreams".',
    advice="Treat it exactly like application/activity+json.",
    refs=("ap#retrieving-objects",),
    needs=_ACTOR,
)
async def profiled_type_is_understood(case: Case) -> Outcome:
    return await _negotiated(case, {"": LD_JSON})


@SECTION.check(
    "actor.accept",
    "What Mastodon, GoToSocial, Lemmy and Misskey send as Accept is understood",
    why="Each writes it differently; an answer in HTML to any of them cuts that software off.",
    advice="Look for either ActivityPub type anywhere in Accept.",
    refs=("ap#retrieving-objects", "rfc9110#12.5.1"),
    needs=_ACTOR,
)
async def usual_accepts_are_understood(case: Case) -> Outcome:
    return await _negotiated(case, _ACCEPTS)


async def _negotiated(case: Case, accepts: dict[str, str]) -> Outcome:
    kind = ""
    for name, accept in accepts.items():
        exchange = await case.read(case.facts.actor_uri, accept=accept)
        kind = header(exchange, "content-type")
        if document(exchange) is None or not is_activity_type(kind):
            return failed(f"Accept: {accept}{f' ({name})' if name else ''}: {came(exchange)}")
    return passed(kind)


@SECTION.check(
    "actor.content-type",
    "The document is declared as ActivityPub",
    why="Careful servers refuse actors of another type, because an uploaded file could pose as one.",
    advice="Send application/activity+json, or application/ld+json with the profile, and never for uploads.",
    refs=("ap#retrieving-objects", "GHSA-jhrq-qvrm-qr36"),
    needs=_ACTOR,
)
async def declared_as_activitypub(case: Case) -> Outcome:
    kind = header(await case.read(case.facts.actor_uri), "content-type")
    return passed(kind) if is_activity_type(kind) else failed(f"Content-Type is {kind or 'absent'}.")


@SECTION.check(
    "actor.html",
    "A browser gets a page, or the way to one",
    why="People click on actors too. And what answers with ActivityPub to everything hides that it does not negotiate.",
    advice="Serve or redirect to a page where text/html is preferred.",
    refs=("rfc9110#12.5.1",),
    needs=_ACTOR,
)
async def browsers_get_a_page(case: Case) -> Outcome:
    exchange = await case.get(case.facts.actor_uri, accept=_BROWSER)
    kind = header(exchange, "content-type").partition(";")[0].strip().lower()
    if 300 <= exchange.status < 400 or (exchange.status == 200 and kind == HTML):
        return passed(came(exchange))
    return warning(f"Asked by a browser: {came(exchange)}") if 0 < exchange.status < 500 else failed(came(exchange))


@SECTION.check(
    "actor.vary",
    "Caches can tell the page from the document",
    why="Where one URL has two forms, a shared cache without Vary: Accept gives servers the page, browsers the JSON.",
    advice="Send Vary: Accept with both forms (and Signature, where signatures show more), or forbid shared caching.",
    refs=("rfc9110#12.5.5", "rfc9111"),
    needs=_ACTOR,
)
async def caches_can_tell(case: Case) -> Outcome:
    return await vary_outcome(case, case.facts.actor_uri)


async def vary_outcome(case: Case, url: str) -> Outcome:
    """Whether the two forms at one URL can be told apart by a shared cache."""
    page, found = await case.get(url, accept=_BROWSER), await case.read(url)
    if header(page, "content-type") == header(found, "content-type") and page.status == found.status:
        return passed("There is one form only")
    for exchange in (page, found):
        control = header(exchange, "cache-control").lower()
        is_kept = "max-age" in control or "public" in control or exchange.status in _KEPT_BY_CACHES
        if "no-store" in control or "private" in control or not is_kept:
            continue
        varied = {name.strip().lower() for name in header(exchange, "vary").split(",")}
        if not varied & {"accept", "*"}:
            form = "page" if exchange is page else "document"
            return failed(f"The {form} comes without Vary: Accept and may be cached ({control or 'no Cache-Control'}).")
    return passed(f"Vary: {header(found, 'vary') or 'not needed, nothing is cached'}")


@SECTION.check(
    "actor.signed-cache",
    "What is shown to a signature is not put into shared caches",
    why="Akkoma once cached what an authorised server had fetched, and then showed it to everybody.",
    advice="Send Cache-Control: private, or Vary: Signature, where the answer depends on who signs.",
    refs=("rfc9111", "GHSA-ccpr-m53r-mfwr"),
    needs=_ACTOR,
)
async def signed_answers_stay_private(case: Case) -> Outcome:
    if not case.facts.signed_gets_only:
        return passed("The answer is the same to everybody")
    exchange = await case.read(case.facts.actor_uri)
    control, vary = header(exchange, "cache-control").lower(), header(exchange, "vary").lower()
    if (
        "private" in control
        or "no-store" in control
        or "signature" in vary
        or ("public" not in control and not control)
    ):
        return passed(f"Cache-Control: {control or 'none'}; Vary: {vary or 'none'}")
    return failed(f"Cache-Control: {control}, although nobody may read it without a signature.")


@SECTION.check(
    "actor.revalidation",
    "A document that has not changed is not sent again",
    why="Servers ask again and again for the same actors; 304 saves both sides the work.",
    advice="Answer 304 to If-None-Match with the ETag you gave.",
    refs=("rfc9110#13.1.2",),
    needs=_ACTOR,
)
async def unchanged_is_304(case: Case) -> Outcome:
    if case.facts.signed_gets_only:
        return skipped("It answers signed requests only")
    etag = header(await case.get(case.facts.actor_uri), "etag")
    if not etag:
        return skipped("It sends no ETag, which is optional")
    exchange = await case.get(case.facts.actor_uri, headers=(("If-None-Match", etag),))
    if exchange.status == 304:
        return passed("304")
    return warning(f"With If-None-Match: {came(exchange)}") if exchange.status == 200 else failed(came(exchange))


@SECTION.check(
    "actor.cors",
    "Pages of other origins may read the document",
    why="Clients that run in a browser can then show the actor without a server of their own.",
    advice="Send Access-Control-Allow-Origin: * with public documents.",
    needs=_ACTOR,
)
async def document_is_open(case: Case) -> Outcome:
    allowed = header(await case.read(case.facts.actor_uri), "access-control-allow-origin")
    return passed(allowed) if allowed == "*" else warning(f"Access-Control-Allow-Origin is {allowed or 'absent'}.")


@SECTION.check(
    "actor.id",
    "The id is the address that it was fetched from",
    why="Mastodon compares the two letter by letter; elsewhere a difference means a second fetch, or a refusal.",
    advice="Serve the document at its id, and use that very text in WebFinger and in activities.",
    refs=("ap#obj-id", "CVE-2024-23832"),
    needs=_ACTOR,
)
async def id_is_the_address(case: Case) -> Outcome:
    found = document(await case.read(case.facts.actor_uri)) or {}
    if found.get("id") == case.facts.actor_uri:
        return passed(case.facts.actor_uri)
    return failed(f"Fetched from {case.facts.actor_uri}, it calls itself {found.get('id')!r}.")


@SECTION.check(
    "actor.type",
    "It is one of the five kinds of actor",
    why="Servers drop what is neither Person, Service, Group, Organization nor Application.",
    advice="Put one of the five first in `type`.",
    refs=("as2-vocabulary#actor-types",),
    needs=_ACTOR,
)
async def type_is_known(case: Case) -> Outcome:
    found = types(case.facts.actor)
    return passed(", ".join(found)) if ACTOR_TYPES.intersection(found) else failed(f"type is {found}.")


@SECTION.check(
    "actor.name",
    "It has a preferredUsername",
    why="Mastodon refuses actors without one, and others stumble over them.",
    advice="Set preferredUsername to the user part of the handle: no @, no spaces.",
    refs=("ap#actor-objects",),
    needs=_ACTOR,
)
async def name_is_there(case: Case) -> Outcome:
    name = case.facts.actor.get("preferredUsername")
    if isinstance(name, str) and re.fullmatch(r"[^\s@/?#]+", name):
        return passed(name)
    return failed(f"preferredUsername is {name!r}.")


@SECTION.check(
    "actor.inbox",
    "Inbox and outbox are there, on the actor's own origin",
    why="Both are required. An inbox on another origin sends everything meant for this actor to strangers.",
    advice="Name both, on the scheme, host and port of the id.",
    refs=("ap#actor-objects", "fep-fe34"),
    needs=_ACTOR,
)
async def boxes_are_here(case: Case) -> Outcome:
    for name in ("inbox", "outbox"):
        if case.facts.own(name) is None:
            return failed(f"{name} is {case.facts.actor.get(name)!r}.")
    return passed(str(case.facts.inbox))


@SECTION.check(
    "actor.collections",
    "Followers, following and featured are on the actor's own origin",
    why="Addressing somebody else's followers collection would reach their audience.",
    advice="Name followers and following on the origin of the id.",
    refs=("ap#followers", "fep-fe34"),
    needs=_ACTOR,
)
async def collections_are_here(case: Case) -> Outcome:
    for name in ("followers", "following", "featured", "liked"):
        if case.facts.actor.get(name) is not None and case.facts.own(name) is None:
            return failed(f"{name} is {case.facts.actor.get(name)!r}.")
    missing = [name for name in ("followers", "following") if name not in case.facts.actor]
    return warning(f"There is no {' and no '.join(missing)}.") if missing else passed("All of them")


@SECTION.check(
    "actor.shared-inbox",
    "The shared inbox is on the actor's own origin",
    why="What is meant for all people of a server is sent here once; a stranger's would receive it instead.",
    advice="Set endpoints.sharedInbox to an address of your own.",
    refs=("ap#shared-inbox-delivery",),
    needs=_ACTOR,
)
async def shared_inbox_is_here(case: Case) -> Outcome:
    endpoints = case.facts.actor.get("endpoints")
    named = endpoints.get("sharedInbox") if isinstance(endpoints, dict) else case.facts.actor.get("sharedInbox")
    if named is None:
        return skipped("There is none, so each follower gets a copy of its own")
    return passed(str(named)) if case.facts.shared_inbox else failed(f"sharedInbox is {named!r}.")


@SECTION.check(
    "actor.context",
    "The context is Activity Streams, and small",
    why="Without it the words mean nothing to JSON-LD readers; Epicyon answers 400 to contexts that it does not list.",
    advice="Begin @context with https://www.w3.org/ns/activitystreams, and put terms of your own inline.",
    refs=("as2#jsonld",),
    needs=_ACTOR,
)
async def context_is_activity_streams(case: Case) -> Outcome:
    contexts = sequence(case.facts.actor.get("@context"))
    named = [each for each in contexts if isinstance(each, str)]
    if not AS2_CONTEXT_URLS.intersection(named):
        return failed("@context does not name https://www.w3.org/ns/activitystreams.")
    odd = [each for each in named if not each.startswith(_STRICT_CONTEXTS)]
    return warning(f"Epicyon and others with a fixed list may refuse {odd[0]}.") if odd else passed(", ".join(named))


@SECTION.check(
    "actor.published",
    "Dates have a time zone",
    why="A date without one is another moment everywhere; strict parsers refuse the whole document.",
    advice="Write dates as 2026-01-31T12:00:00Z.",
    refs=("as2#dates",),
    needs=_ACTOR,
)
async def dates_have_a_zone(case: Case) -> Outcome:
    for name in ("published", "updated"):
        value = case.facts.actor.get(name)
        if value is not None and not has_zone(value):
            return failed(f"{name} is {value!r}.")
    return passed("Where there are any")


def has_zone(value: object) -> bool:
    """Whether this is a date and time with its zone."""
    try:
        return isinstance(value, str) and "T" in value and datetime.fromisoformat(value).tzinfo is not None
    except ValueError:
        return False


@SECTION.check(
    "actor.secrets",
    "No private key is published",
    why="Whoever reads it can speak as this actor, for ever.",
    advice="Take the private key out of the document at once, and give the actor a new pair.",
    needs=_ACTOR,
)
async def no_private_key(case: Case) -> Outcome:
    exchange = await case.read(case.facts.actor_uri)
    text = exchange.answer.text if exchange.answer is not None else ""
    found = _PRIVATE.search(text)
    if found is not None:
        return failed(f"The document contains {found[0]!r}.")
    for key in re.findall(r'"(z[1-9A-HJ-NP-Za-km-z]{40,120})"', text):
        data = parse_multibase(key) or b""
        if data.startswith(b"\x80\x26"):  # multicodec ed25519-priv
            return failed("A Multikey holds an Ed25519 private key.")
    return passed("None is there")


@SECTION.check(
    "actor.profile",
    "The address of the profile leads back to the actor",
    why="People copy the address of the page into their search; servers then ask that page for the actor.",
    advice='Answer ActivityPub at `url` too, redirect to the id, or put <link rel="alternate" '
    f'type="{ACTIVITY_JSON}" href="the id"> into the page.',
    needs=_ACTOR,
)
async def profile_leads_back(case: Case) -> Outcome:
    here = [each for each in addresses(case.facts.actor.get("url")) if same_origin(each, case.facts.actor_uri)]
    if not here:
        return skipped("The actor names no page of its own origin")
    exchange = await case.read(here[0])
    found = document(exchange)
    if found is not None:
        same = found.get("id") == case.facts.actor_uri
        return passed(here[0]) if same else failed(f"{here[0]} answers with the id {found.get('id')!r}.")
    text = exchange.answer.text if exchange.answer is not None else ""
    if exchange.status == 200 and case.facts.actor_uri in text and "alternate" in text:
        return passed(f"{here[0]} links to it")
    return warning(f"{here[0]} does not lead to the actor: {came(exchange)}")


@SECTION.check(
    "actor.head",
    "HEAD is answered like GET",
    why="Caches and link checkers ask so.",
    advice="Answer HEAD wherever GET is answered.",
    refs=("rfc9110#9.3.2",),
    needs=_ACTOR,
)
async def head_is_answered(case: Case) -> Outcome:
    if case.facts.signed_gets_only:
        return skipped("It answers signed requests only")
    exchange = await case.get(case.facts.actor_uri, method="HEAD")
    if exchange.status == 200:
        return passed("200")
    return failed(came(exchange)) if exchange.status == 0 or exchange.status >= 500 else warning(came(exchange))
