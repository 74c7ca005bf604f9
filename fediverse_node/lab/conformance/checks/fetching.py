"""Signed GETs, as servers in secure mode ask for them (authorized fetch).

spec: cavage, rfc9421. A signed GET is still a GET: these need no permission, only an address of ours that the
server can reach.
"""

from __future__ import annotations

from fediverse_node.lab.conformance.case import Case, came, document
from fediverse_node.lab.conformance.checks.bounds import GETS
from fediverse_node.lab.conformance.letters import honest_get
from fediverse_node.lab.conformance.section import Section
from fediverse_node.lab.conformance.verdict import Need, Outcome, failed, passed, skipped, warning

SECTION = Section()
_FETCH = (Need.STAND_IN, Need.ACTOR)


@SECTION.check(
    "fetching.cavage",
    "A GET with a draft-cavage signature is answered",
    why="Most servers sign all that they fetch. Who cannot read their signature must at least not stumble over it.",
    advice="Verify the signature if you need one; never answer worse than without it.",
    refs=("cavage#3.1",),
    needs=_FETCH,
)
async def cavage_get_is_answered(case: Case) -> Outcome:
    exchange = await case.signed_get(case.facts.actor_uri, "cavage")
    return passed(came(exchange)) if document(exchange) is not None else failed(came(exchange))


@SECTION.check(
    "fetching.rfc9421",
    "A GET with an RFC 9421 signature is answered",
    why="Mastodon 4.7 and Fedify sign so, and knock again in the old way only after 400 or 401.",
    advice="Read RFC 9421 signatures (rsa-v1_5-sha256), or answer 401 to them, so that the sender knocks again.",
    refs=("rfc9421#3.2",),
    needs=_FETCH,
)
async def rfc9421_get_is_answered(case: Case) -> Outcome:
    exchange = await case.signed_get(case.facts.actor_uri, "rfc9421")
    if document(exchange) is not None:
        return passed(came(exchange))
    if exchange.status in (400, 401):
        return warning(f"{came(exchange)}: senders must knock again with draft-cavage")
    return failed(came(exchange))


@SECTION.check(
    "fetching.query",
    "A signature over a path with a query holds",
    why="Pages of collections have queries. GoToSocial and Mastodon sign them with the query; some leave it out.",
    advice="Verify (request-target) with the query, and where that fails without it.",
    refs=("cavage#2.3",),
    needs=_FETCH,
)
async def signed_query_is_answered(case: Case) -> Outcome:
    url = case.facts.own("outbox")
    if url is None:
        return skipped("The actor names no outbox of its own origin")
    for form in ("cavage", "rfc9421"):
        exchange = await case.signed_get(f"{url}?page=true", form)
        if exchange.status == 0 or exchange.status >= 500:
            return failed(f"{form}: {came(exchange)}")
        if exchange.status in (401, 403) and form == "cavage":
            return failed(f"{form}: {came(exchange)}")
    return passed(came(case.exchanges[0]))


@SECTION.check(
    "fetching.wrong",
    "A wrong signature on a GET breaks nothing",
    why="Keys change; whoever still has the old one must get a clear answer, not an error of the server.",
    advice="Answer as to nobody, or 401.",
    refs=("rfc9421#3.2",),
    needs=_FETCH,
)
async def wrong_signature_breaks_nothing(case: Case) -> Outcome:
    stand_in = case.stand_in
    actor = stand_in.new_actor()
    for form in ("cavage", "rfc9421"):
        headers = honest_get(
            case.facts.actor_uri, form, key=stand_in.other_key(actor), key_id=actor.key_id, now=case.clock.now()
        )
        exchange = await case.get(case.facts.actor_uri, headers=headers)
        if exchange.status == 0 or exchange.status >= 500:
            return failed(f"{form}: {came(exchange)}")
        if case.facts.signed_gets_only and document(exchange) is not None:
            return failed(f"{form}: it asks for signatures and takes a wrong one.")
    return passed(came(case.exchanges[-1]))


SECTION.checks += GETS
