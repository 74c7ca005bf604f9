"""From what was typed to an actor, its handle, its documents and a post, as another server would find them."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from urllib.parse import urlsplit

from fediverse_node.base.outcome import Fail
from fediverse_node.lab.conformance.case import Case, came, document
from fediverse_node.lab.conformance.facts import Json, address, own_address, types
from fediverse_node.lab.conformance.target import NotExaminedError, Target
from fediverse_node.protocol.actors import ACTOR_TYPES
from fediverse_node.protocol.addressing import PUBLIC_ALIASES
from fediverse_node.protocol.media_types import JRD_JSON, is_activity_type
from fediverse_node.protocol.reading import sequence
from fediverse_node.protocol.uris import host_of, origin_of
from fediverse_node.protocol.webfinger import Acct, is_username, parse_resource

# Confirms that this origin may be examined too; raises NotExaminedError where it may not.
Permit = Callable[[str], Awaitable[None]]

_FORMS = ("cavage", "rfc9421")
_ITEMS_LOOKED_AT = 40


async def discover(case: Case, target: Target, permit: Permit) -> None:
    """Fill `case.facts`. Raises NotExaminedError where no actor is found."""
    facts = case.facts
    await permit(target.origin)
    facts.webfinger_origin = target.origin
    facts.asked_acct = target.acct
    found = await _by_handle(case, target.acct) if target.acct else await _by_address(case, target.url or "")
    if origin_of(found) is None:
        raise NotExaminedError(f"{target.text} leads to no actor: {found}")
    facts.actor_uri = found
    await permit(facts.origin)
    actor = await load(case, found)
    if actor is None and target.url is not None:
        # What calls itself something that leads nowhere is examined where it was found.
        facts.actor_uri, actor = target.url, await load(case, target.url)
    if actor is not None:
        facts.actor, facts.actor_read = actor, case.exchanges[-1]
        facts.acct = _handle_of(actor)
    if facts.acct is not None and facts.acct.host != host_of(facts.webfinger_origin):
        scheme = facts.origin.partition("://")[0]
        await permit(f"{scheme}://{facts.acct.host}")
        facts.webfinger_origin = f"{scheme}://{facts.acct.host}"
    if facts.acct is not None:
        facts.jrd = document(await case.webfinger(facts.acct.uri))
    if facts.post is None:
        facts.post = await _newest_post(case)
        facts.post_read = case.exchanges[-1] if facts.post is not None else None


async def load(case: Case, uri: str) -> Json | None:
    """The JSON document at `uri`; learns on the way whether the server asks for signatures.

    Its type and its id are not looked at: whether they are right is for the checks to say.
    """
    exchange = await case.read(uri)
    if exchange.status in (401, 403) and case.has_stand_in and not case.facts.signed_gets_only:
        for form in _FORMS:
            case.facts.signed_gets_only = form
            exchange = await case.read(uri)
            if document(exchange) is not None:
                break
        else:
            case.facts.signed_gets_only = ""
    return document(exchange)


async def _by_handle(case: Case, acct: Acct) -> str:
    exchange = await case.webfinger(acct.uri)
    jrd = document(exchange)
    if jrd is None:
        return f"WebFinger answers {came(exchange)}"
    return self_link(jrd) or "WebFinger names no link of rel self with an ActivityPub type"


async def _by_address(case: Case, url: str) -> str:
    actor = await load(case, url)
    if actor is not None and ACTOR_TYPES.intersection(types(actor)):
        return address(actor)
    resources = [url]
    path = urlsplit(url).path
    if path.startswith("/@") and is_username(path.removeprefix("/@").rstrip("/")):
        resources.append(f"acct:{path.removeprefix('/@').rstrip('/')}@{host_of(url)}")
    for resource in resources:
        exchange = await case.get(
            f"{origin_of(url)}/.well-known/webfinger?resource={resource.replace('&', '%26')}", accept=JRD_JSON
        )
        jrd = document(exchange)
        found = self_link(jrd) if jrd is not None else None
        if found:
            return found
    first = case.exchanges[0] if case.exchanges else None
    return f"it answers {came(first)}, and WebFinger does not know it" if first else "nothing answered"


def self_link(jrd: Json) -> str | None:
    """The first link to an ActivityPub actor."""
    for link in sequence(jrd.get("links")):
        if isinstance(link, Mapping) and link.get("rel") == "self" and is_activity_type(str(link.get("type"))):
            href = link.get("href")
            if isinstance(href, str):
                return href
    return None


def _handle_of(actor: Json) -> Acct | None:
    """What the actor says of itself.  spec: fep-2c59"""
    claimed = actor.get("webfinger")
    if isinstance(claimed, str):
        parsed = parse_resource(claimed)
        if not isinstance(parsed, Fail) and isinstance(parsed, Acct):
            return parsed
    name, host = actor.get("preferredUsername"), host_of(str(actor.get("id")))
    return Acct(name, host) if isinstance(name, str) and is_username(name) and host else None


async def _newest_post(case: Case) -> Json | None:
    """The newest post in the outbox that everybody may read, by its own id."""
    outbox = case.facts.own("outbox")
    if outbox is None:
        return None
    for uri in [item for item in await first_items(case, outbox) if item][:_ITEMS_LOOKED_AT]:
        post = await load(case, uri)
        if post is not None and is_public(post) and not ACTOR_TYPES.intersection(types(post)):
            return post
    return None


async def first_items(case: Case, outbox: str) -> list[str]:
    """Ids of the objects of the Creates on the first page of an outbox."""
    collection = document(await case.read(outbox))
    if collection is None:
        return []
    page: Json | None = collection
    if not sequence(collection.get("orderedItems", collection.get("items"))):
        first = collection.get("first")
        where = own_address(collection, "first")
        page = first if isinstance(first, Mapping) and ("orderedItems" in first or "items" in first) else None
        if page is None and where is not None:
            page = document(await case.read(where))
    items = sequence(page.get("orderedItems", page.get("items"))) if page is not None else ()
    origin = case.facts.origin
    created = [item for item in items if isinstance(item, Mapping) and "Create" in types(item)]
    found = [address(item.get("object")) for item in created]
    return [uri for uri in found if origin_of(uri) == origin]


def is_public(thing: Json) -> bool:
    """Whether it is addressed to everybody."""
    named = [*sequence(thing.get("to")), *sequence(thing.get("cc"))]
    return any(isinstance(each, str) and each in PUBLIC_ALIASES for each in named)
