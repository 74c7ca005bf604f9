"""Posts: ids that lead to them, authors of the same origin, dates, audiences; and what is private, gone or unknown."""

from __future__ import annotations

import re

from fediverse_node.lab.conformance.case import Case, came, document, header
from fediverse_node.lab.conformance.checks.actor import has_zone, vary_outcome
from fediverse_node.lab.conformance.facts import Json, address, addresses, own_address, types
from fediverse_node.lab.conformance.section import Section
from fediverse_node.lab.conformance.verdict import Need, Outcome, failed, passed, skipped, warning
from fediverse_node.lab.exchange import Exchange
from fediverse_node.protocol.addressing import PUBLIC, PUBLIC_ALIASES
from fediverse_node.protocol.media_types import is_activity_type
from fediverse_node.protocol.reading import sequence
from fediverse_node.protocol.uris import same_origin

SECTION = Section()
_POST = (Need.OBJECT,)
_REFUSED = (401, 403, 404)
_SCRIPT = re.compile(r"<\s*(?:script|iframe|object|embed)\b|\son[a-z]+\s*=|javascript:", re.IGNORECASE)


@SECTION.check(
    "objects.id",
    "The id of a post leads to the post",
    why="Replies, boosts and searches name posts by their ids alone.",
    advice="Serve the post at its id with an ActivityPub type.",
    refs=("ap#retrieving-objects", "ap#obj-id"),
    needs=_POST,
)
async def id_leads_to_post(case: Case) -> Outcome:
    exchange = await case.read(case.facts.post_uri)
    found, kind = document(exchange), header(exchange, "content-type")
    if found is None or not is_activity_type(kind):
        return failed(f"{case.facts.post_uri}: {came(exchange)}")
    if found.get("id") != case.facts.post_uri:
        return failed(f"Fetched from {case.facts.post_uri}, it calls itself {found.get('id')!r}.")
    return passed(case.facts.post_uri)


@SECTION.check(
    "objects.author",
    "The author is the actor, of the same origin",
    why="A post that names an author of another server is taken for a forgery.",
    advice="Set attributedTo to the actor's id.",
    refs=("fep-fe34", "CVE-2024-23832"),
    needs=_POST,
)
async def author_is_here(case: Case) -> Outcome:
    authors = addresses((case.facts.post or {}).get("attributedTo"))
    if not authors:
        return failed("There is no attributedTo.")
    if not all(same_origin(author, case.facts.post_uri) for author in authors):
        return failed(f"attributedTo is {authors}.")
    return passed(authors[0])


@SECTION.check(
    "objects.public",
    "Everybody is addressed by the full address, in `to` or `cc`",
    why="snac2 reads no short form, and stops at a post without `to`: such posts are lost there.",
    advice=f"Write {PUBLIC}, and always send `to`.",
    refs=("ap#public-addressing",),
    needs=_POST,
)
async def public_is_spelt_out(case: Case) -> Outcome:
    post = case.facts.post or {}
    named = [*sequence(post.get("to")), *sequence(post.get("cc"))]
    if PUBLIC not in named:
        short = [each for each in named if isinstance(each, str) and each in PUBLIC_ALIASES]
        return warning(f"The public is written {short[0]!r}.") if short else failed(f"to and cc are {named}.")
    return passed("Written out") if sequence(post.get("to")) else warning("There is no `to`, only `cc`.")


@SECTION.check(
    "objects.published",
    "The post has a date with a time zone",
    why="Takahe retries posts without a date for ever; elsewhere they stand in the wrong place.",
    advice="Write published as 2026-01-31T12:00:00Z.",
    refs=("as2#dates",),
    needs=_POST,
)
async def date_is_there(case: Case) -> Outcome:
    value = (case.facts.post or {}).get("published")
    return passed(str(value)) if has_zone(value) else failed(f"published is {value!r}.")


@SECTION.check(
    "objects.markup",
    "The content holds no scripts",
    why="Careful servers clean it; the careless show it as it is.",
    advice="Clean HTML when it is written, not only when it is shown.",
    refs=("ap#security-sanitizing-content",),
    needs=_POST,
)
async def content_is_clean(case: Case) -> Outcome:
    post = case.facts.post or {}
    for name in ("content", "summary", "name"):
        found = _SCRIPT.search(str(post.get(name) or ""))
        if found is not None:
            return failed(f"{name} holds {found[0]!r}.")
    return passed("None found")


@SECTION.check(
    "objects.collections",
    "Replies, likes and shares are of the same origin and can be read",
    why="Servers complete a conversation from them. On another origin they would be somebody else's word.",
    advice="Serve each as a Collection on the post's origin, or leave it out.",
    refs=("ap#likes", "ap#shares", "fep-7458"),
    needs=_POST,
)
async def collections_are_here(case: Case) -> Outcome:
    post = case.facts.post or {}
    read = []
    for name in ("replies", "likes", "shares"):
        value = post.get(name)
        if value is None:
            continue
        url = own_address(post, name)
        if url is None:
            if isinstance(value, dict) and not value.get("id"):
                continue  # embedded whole
            return failed(f"{name} is {value!r}.")
        exchange = await case.read(url)
        found = document(exchange)
        if found is None:
            return failed(f"{name} at {url}: {came(exchange)}")
        if not {"Collection", "OrderedCollection"}.intersection(types(found)):
            return failed(f"{name} at {url} is {found.get('type')!r}.")
        read.append(name)
    return passed(", ".join(read)) if read else skipped("The post names none of them")


@SECTION.check(
    "objects.vary",
    "Caches can tell the page of a post from the document",
    why="Where one URL has two forms, a shared cache without Vary: Accept gives servers the page, browsers the JSON.",
    advice="Send Vary: Accept with both forms, or forbid shared caching.",
    refs=("rfc9110#12.5.5",),
    needs=_POST,
)
async def caches_can_tell(case: Case) -> Outcome:
    return await vary_outcome(case, case.facts.post_uri)


@SECTION.check(
    "objects.activity",
    "The Create of the post can be read",
    why="Servers that were told of the activity alone fetch it by its id.",
    advice="Serve activities at their ids, with the post inside or by its id.",
    refs=("ap#obj-id",),
    needs=_POST,
)
async def create_can_be_read(case: Case) -> Outcome:
    outbox = case.facts.own("outbox")
    collection = document(await case.read(outbox)) if outbox else None
    first = collection.get("first") if collection else None
    page: Json | None = first if isinstance(first, dict) and "orderedItems" in first else None
    if page is None and isinstance(first, str) and same_origin(first, case.facts.actor_uri):
        page = document(await case.read(first))
    items = sequence((page or collection or {}).get("orderedItems"))
    creates = [i for i in items if isinstance(i, dict) and address(i.get("object")) == case.facts.post_uri]
    if not creates or not same_origin(address(creates[0]), case.facts.actor_uri):
        return skipped("The outbox shows no Create of this post with an id")
    uri = address(creates[0])
    exchange = await case.read(uri)
    found = document(exchange)
    if found is None:
        return warning(f"{uri}: {came(exchange)}")
    if found.get("id") != uri or address(found.get("object")) != case.facts.post_uri:
        return failed(f"{uri} answers with another activity.")
    return passed(uri)


def _made_up(uri: str) -> str:
    """An address like this one that nothing is at."""
    head, slash, tail = uri.rstrip("/").rpartition("/")
    digits = "".join("7" if c.isdigit() else c for c in tail)
    return f"{head}{slash}{digits if digits != tail else tail + '-nobody-has-this-4711'}"


@SECTION.check(
    "objects.unknown",
    "A post that never was is 404",
    why="Any other answer is stored, retried, or taken for a post.",
    advice="Answer 404 for ids that you never gave out.",
    refs=("ap#retrieving-objects", "rfc9110#15.5.5"),
    needs=_POST,
)
async def unknown_post_is_404(case: Case) -> Outcome:
    return _gone_or_unknown(await case.read(_made_up(case.facts.post_uri)))


@SECTION.check(
    "objects.unknown-actor",
    "An actor that never was is 404",
    why="410 would make others delete whoever takes this name later; 200 invents people.",
    advice="Answer 404 for names that nobody has.",
    refs=("ap#retrieving-objects",),
)
async def unknown_actor_is_404(case: Case) -> Outcome:
    return _gone_or_unknown(await case.read(f"{case.facts.actor_uri.rstrip('/')}nobodyhasthis4711"))


def _gone_or_unknown(exchange: Exchange) -> Outcome:
    if exchange.status == 404:
        return passed("404")
    said = f"{exchange.url}: {came(exchange)}"
    return warning(said) if 400 <= exchange.status < 500 else failed(said)


@SECTION.check(
    "objects.private",
    "A post that is not for everybody is not shown to strangers, who do not learn that it exists",
    why="Private posts have leaked by their plain address, and by answers that differ from those for no post at all.",
    advice="Answer strangers, signed or not, exactly as for an id that never was: 404.",
    refs=("ap#retrieving-objects", "GHSA-gwhw-gcjx-72v8", "CVE-2025-30741"),
)
async def private_post_is_hidden(case: Case) -> Outcome:
    uri = case.facts.given_private
    if uri is None:
        return skipped("Name a post that is not for everybody with --private")
    plain = await case.get(uri)
    asked = [plain, await case.get(uri, accept="text/html")]
    if case.has_stand_in:
        asked += [await case.signed_get(uri, "cavage"), await case.signed_get(uri, "rfc9421")]
    for exchange in asked:
        if exchange.status not in (*_REFUSED, 410):
            return failed(f"{uri}: {came(exchange)}")
    nothing = await case.get(_made_up(uri))
    if (plain.status, _body(plain)) != (nothing.status, _body(nothing)):
        return warning(f"It exists, as the answers tell: {came(plain)}, and {came(nothing)} where there is nothing.")
    return passed("Like a post that never was")


def _body(exchange: Exchange) -> bytes:
    return exchange.answer.body if exchange.answer is not None else b""


@SECTION.check(
    "objects.tombstone",
    "A deleted post is 410 or 404, and shows nothing of what it said",
    why="410 tells others that it will not come back; they delete their copies.",
    advice="Answer 410, with a Tombstone of the same id for those who ask for ActivityPub.",
    refs=("ap#delete-activity-inbox",),
)
async def deleted_post_is_gone(case: Case) -> Outcome:
    uri = case.facts.given_deleted
    if uri is None:
        return skipped("Name a post that was deleted with --deleted")
    exchange = await case.read(uri)
    if exchange.status not in (404, 410):
        return failed(f"{uri}: {came(exchange)}")
    found = exchange.answer.document if exchange.answer is not None else None
    if found is not None and ("content" in found or (found.get("id") not in (None, uri))):
        return failed(f"The answer of {exchange.status} still says {sorted(found)}.")
    if exchange.status == 404:
        return warning("404: it may come back, so others keep their copies")
    return passed("410" if found is None or "Tombstone" not in types(found) else "410 with a Tombstone")
