"""Honest requests in all the ways in which peers send them: each should be taken.

spec: cavage, rfc9421, ap#inbox-delivery
"""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import Any
from urllib.parse import urlsplit

from aiohttp import web

from fediverse_node.lab.conformance.attempt import (
    SENDING,
    Expect,
    Probe,
    Try,
    control_follow,
    duration,
    honest,
    judge,
    said,
    send_try,
)
from fediverse_node.lab.conformance.case import Case, came, dump, header
from fediverse_node.lab.conformance.letters import Letter, Lie, cavage, honest_rfc9421, rfc9421
from fediverse_node.lab.conformance.section import Section
from fediverse_node.lab.conformance.stand_in import Actor, document_response
from fediverse_node.lab.conformance.verdict import Need, Outcome, Verdict, failed, passed, skipped, warning
from fediverse_node.protocol.addressing import PUBLIC
from fediverse_node.protocol.jsonld_terms import AS2_URL
from fediverse_node.protocol.media_types import LD_JSON
from fediverse_node.signatures.digest import digest_header
from fediverse_node.signatures.negotiation import asked_nonce, offers_rfc9421

SECTION = Section()
_CAVAGE = (Need.CAVAGE,)


@SECTION.check(
    "taken.cavage",
    "A Follow signed as Mastodon signs it is taken",
    why="Every server of today reads this signature; without it nobody can follow anybody here.",
    advice="Verify draft-cavage signatures with rsa-sha256 over (request-target), host, date, digest and content-type.",
    refs=("cavage#3.1", "ap#follow-activity-inbox"),
    needs=SENDING,
)
async def cavage_is_taken(case: Case) -> Outcome:
    return await _control(case, "cavage", Verdict.FAILED)


@SECTION.check(
    "taken.rfc9421",
    "A Follow signed by RFC 9421 is taken",
    why="The standard that replaces the old draft: Fedify tries it first, Mastodon 4.7 and Mitra use it.",
    advice="Verify rsa-v1_5-sha256 over @method, @target-uri, content-digest and date; or answer 401, not 202.",
    refs=("rfc9421#3.2", "rfc9530#2"),
    needs=SENDING,
)
async def rfc9421_is_taken(case: Case) -> Outcome:
    return await _control(case, "rfc9421", Verdict.WARNING)


async def _control(case: Case, form: str, otherwise: Verdict) -> Outcome:
    exchange, control = await control_follow(case, form)
    before = case.facts.control
    if exchange.status == 0 or exchange.status >= 500:
        return failed(f"It broke: {came(exchange)}")
    if not 200 <= exchange.status < 300:
        hint = "" if exchange.status in (400, 401) else "; senders knock again in another way only after 400 or 401"
        return Outcome(otherwise, f"It was refused: {said(exchange)}{hint}")
    if before is not None and before.shows_effects and not control.shows_effects:
        return failed(f"{exchange.status}, but the Follow was never answered: senders take that for success.")
    case.facts.accepted_forms.add(form)
    if before is None or (control.shows_effects and not before.shows_effects):
        case.facts.control = control
    if control.answered_after_s is None:
        return passed(f"{exchange.status}; no Accept came, so the actor may approve followers by hand")
    return passed(f"{exchange.status}, and an answer to the Follow after {duration(control.answered_after_s)}")


def _cavage(case: Case, lie: Lie | None = None, *, url: str | None = None, key_id: str | None = None) -> Try:
    actor = case.stand_in.new_actor()
    follow = case.follow(actor)
    letter = cavage(
        url or case.facts.inbox or "",
        dump(follow),
        key=actor.key,
        key_id=key_id or actor.key_id,
        now=case.clock.now(),
        lie=lie,
    )
    return Try(letter, actor, follow)


def _typed(case: Case, content_type: str) -> Try:
    actor = case.stand_in.new_actor()
    follow = case.follow(actor)
    return Try(honest(case, actor, follow, content_type=content_type), actor, follow)


def _times(case: Case) -> Try:
    now = int(case.clock.now().timestamp())
    cover = ("(request-target)", "(created)", "(expires)", "host", "digest")
    return _cavage(case, Lie(cover=cover, algorithm="hs2019", created=now, expires=now + 300))


def _lower_case_digest(case: Case) -> Try:
    actor = case.stand_in.new_actor()
    follow = case.follow(actor)
    body = dump(follow)
    digest = digest_header(body).replace("SHA-256", "sha-256")
    return Try(_signed(case, actor, body, Lie(digest=digest)), actor, follow)


def _two_digests(case: Case) -> Try:
    actor = case.stand_in.new_actor()
    follow = case.follow(actor)
    body = dump(follow)
    return Try(
        _signed(case, actor, body, Lie(digest=f"MD5=1B2M2Y8AsgTpgAmY7PhCfg==,{digest_header(body)}")), actor, follow
    )


def _signed(case: Case, actor: Actor, body: bytes, lie: Lie) -> Letter:
    return cavage(case.facts.inbox or "", body, key=actor.key, key_id=actor.key_id, now=case.clock.now(), lie=lie)


def _query(case: Case, *, signed: bool) -> Try:
    url = f"{case.facts.inbox}?from=check"
    lie = None if signed else Lie(target=urlsplit(case.facts.inbox or "").path)
    return _cavage(case, lie, url=url)


def _key_at_its_own_address(case: Case, *, bare: bool) -> Try:
    """`<actor>/main-key`, as GoToSocial has it: the actor is served there; or the key alone, as Fedify has it."""
    stand_in = case.stand_in
    new = stand_in.new_actor()
    key_id = f"{new.uri}/main-key"
    actor = stand_in.actors[new.uri] = replace(new, key_id=key_id)
    document = stand_in.documents[actor.uri]
    key = {**document["publicKey"], "id": key_id}
    document["publicKey"] = key
    stand_in.documents[key_id] = (
        {"@context": ["https://w3id.org/security/v1"], "type": "CryptographicKey", **key} if bare else document
    )
    follow = case.follow(actor)
    return Try(_signed(case, actor, dump(follow), Lie()), actor, follow)


def _key_that_moved(case: Case) -> Try:
    """The actor's address redirects within its own origin, to where the document now is."""
    stand_in = case.stand_in
    actor = stand_in.new_actor()

    async def lead_on(request: web.Request) -> web.Response:
        if request.query.get("moved"):
            return document_response(stand_in.documents[actor.uri])
        return web.Response(status=301, headers={"Location": f"{actor.uri}?moved=1"})

    stand_in.special[urlsplit(actor.uri).path] = lead_on
    follow = case.follow(actor)
    return Try(honest(case, actor, follow), actor, follow)


def _shapes(case: Case) -> Try:
    """One-item arrays, a plain `to`, a note of nothing: what Takahe, honk and snac2 write."""
    actor = case.stand_in.new_actor()
    follow = case.follow(actor) | {
        "object": [case.facts.actor_uri],
        "to": case.facts.actor_uri,
        "cc": [],
        "summary": "",
    }
    return Try(honest(case, actor, follow), actor, follow)


def _bare_context(case: Case) -> Try:
    actor = case.stand_in.new_actor()
    follow = case.follow(actor)
    del follow["@context"]
    return Try(honest(case, actor, follow), actor, follow)


def _ed25519(case: Case) -> Try:
    actor = case.stand_in.new_actor()
    follow = case.follow(actor)
    letter = honest_rfc9421(
        case.facts.inbox or "", dump(follow), key=actor.ed25519_key, key_id=actor.ed25519_key_id, now=case.clock.now()
    )
    return Try(letter, actor, follow)


_PROBES = (
    Probe(
        "taken.hs2019",
        "A signature labelled hs2019 is taken for what it is",
        why="GoToSocial labels its RSA-SHA256 signatures so; Takahe once refused all of GoToSocial for it.",
        advice="Where algorithm is hs2019 or absent, let the key decide.",
        refs=("cavage#2.1.3",),
        build=lambda case: _cavage(case, Lie(algorithm="hs2019")),
        expect=Expect.TAKEN,
        needs=_CAVAGE,
    ),
    Probe(
        "taken.no-algorithm",
        "A signature that names no algorithm is taken",
        why="Takahe and bovine leave the parameter out, which the draft allows.",
        advice="Where algorithm is absent, let the key decide.",
        refs=("cavage#2.1.3",),
        build=lambda case: _cavage(case, Lie(algorithm=None)),
        expect=Expect.TAKEN,
        needs=_CAVAGE,
    ),
    Probe(
        "taken.created",
        "A signature with (created) and (expires) in place of the date is taken",
        why="Later versions of the draft sign these; Fedify 2.3.6 gave 401 to them unquoted.",
        advice="Read created and expires, quoted or not, and check them as you check the date.",
        refs=("cavage#2.1.4", "cavage#2.1.5"),
        build=_times,
        expect=Expect.TAKEN,
        otherwise=Verdict.WARNING,
        needs=_CAVAGE,
    ),
    Probe(
        "taken.digest-case",
        "The name of the digest may be written sha-256",
        why="cattle_grid and bovine write it small; GoToSocial and snac2 refuse that.",
        advice="Compare the name of the algorithm without case.",
        refs=("rfc3230#4.1.1",),
        build=_lower_case_digest,
        expect=Expect.TAKEN,
        otherwise=Verdict.WARNING,
        needs=_CAVAGE,
    ),
    Probe(
        "taken.digests",
        "Of several digests the one that is known counts",
        why="The header is a list; whoever reads only its beginning refuses honest requests.",
        advice="Look for SHA-256 (or SHA-512) among the members and ignore what you do not know.",
        refs=("rfc3230#4.3.2",),
        build=_two_digests,
        expect=Expect.TAKEN,
        otherwise=Verdict.WARNING,
        needs=_CAVAGE,
    ),
    Probe(
        "taken.key-address",
        "A key id with an address of its own is followed to its owner",
        why="GoToSocial's keys are at /main-key, without a fragment; what is served there is the actor.",
        advice="Fetch the key's id as it is, and the owner that it names; take the key if the owner lists it.",
        refs=("cavage#2.1.1",),
        build=lambda case: _key_at_its_own_address(case, bare=False),
        expect=Expect.TAKEN,
        needs=_CAVAGE,
    ),
    Probe(
        "taken.bare-key",
        "A key document that is not the actor is followed to its owner",
        why="Fedify can serve a key by itself, with its owner's id.",
        advice="Read owner (or controller), fetch it, and take the key if it lists it.",
        refs=("fep-521a",),
        build=lambda case: _key_at_its_own_address(case, bare=True),
        expect=Expect.TAKEN,
        otherwise=Verdict.WARNING,
        needs=_CAVAGE,
    ),
    Probe(
        "taken.key-redirect",
        "A key whose address redirects within its own origin is found",
        why="Servers move their actors to other paths, or add a slash; the id stays what it was.",
        advice="Follow a few redirects, and believe the id if its own origin answered.",
        refs=("fep-fe34",),
        build=_key_that_moved,
        expect=Expect.TAKEN,
        otherwise=Verdict.WARNING,
    ),
    Probe(
        "taken.query",
        "An inbox with a query is verified with it",
        why="The query belongs to the target. Servers that drop it refuse what is honestly signed.",
        advice="Verify (request-target) with the query as it came.",
        refs=("cavage#2.3",),
        build=lambda case: _query(case, signed=True),
        expect=Expect.TAKEN,
        otherwise=Verdict.WARNING,
        needs=_CAVAGE,
    ),
    Probe(
        "taken.query-left-out",
        "A signature that leaves the query out is taken too",
        why="Older Mastodon and GoToSocial sign the path alone.",
        advice="Where the signature does not hold with the query, try it without.",
        refs=("cavage#2.3",),
        build=lambda case: _query(case, signed=False),
        expect=Expect.TAKEN,
        otherwise=Verdict.WARNING,
        needs=_CAVAGE,
    ),
    Probe(
        "taken.ld-json",
        "A body declared as application/ld+json with the profile is taken",
        why="The specification names this type; honk sends it.",
        advice="Take both ActivityPub types at the inbox.",
        refs=("ap#server-to-server-interactions",),
        build=lambda case: _typed(case, LD_JSON),
        expect=Expect.TAKEN,
    ),
    Probe(
        "taken.charset",
        "A type with charset=utf-8 is taken",
        why="Many HTTP libraries add the parameter by themselves.",
        advice="Compare the type without its parameters.",
        refs=("rfc9110#8.3.1",),
        build=lambda case: _typed(case, "application/activity+json; charset=utf-8"),
        expect=Expect.TAKEN,
    ),
    Probe(
        "taken.shapes",
        "One value, an array of one and nothing at all mean the same",
        why="JSON-LD allows each; Takahe, honk and snac2 write each.",
        advice="Read every property as a list of values.",
        refs=("as2#jsonld", "json-ld11#sets-and-lists"),
        build=_shapes,
        expect=Expect.TAKEN,
        otherwise=Verdict.WARNING,
    ),
    Probe(
        "taken.no-context",
        "An activity without a context is read as Activity Streams",
        why="The specification says so for this type.",
        advice="Assume the Activity Streams context where there is none.",
        refs=("as2#jsonld",),
        build=_bare_context,
        expect=Expect.TAKEN,
        otherwise=Verdict.WARNING,
    ),
    Probe(
        "taken.ed25519",
        "An RFC 9421 signature with an Ed25519 key is taken",
        why="Fedify and Mitra have such keys beside the RSA ones; Mastodon 4.7 reads them.",
        advice="Read Multikeys of assertionMethod, and verify alg ed25519.",
        refs=("rfc9421#3.3.6", "fep-521a"),
        build=_ed25519,
        expect=Expect.TAKEN,
        otherwise=Verdict.WARNING,
        needs=(Need.RFC9421,),
    ),
)
SECTION.checks += [probe.to_check() for probe in _PROBES]


@SECTION.check(
    "taken.shared-inbox",
    "The shared inbox takes what the personal one takes",
    why="Servers use it as soon as it is named; what is refused there is lost for everybody here.",
    advice="Treat both alike: the same signatures, the same rules.",
    refs=("ap#shared-inbox-delivery",),
    needs=(*SENDING, Need.CONTROL),
)
async def shared_inbox_takes_it(case: Case) -> Outcome:
    url = case.facts.shared_inbox
    if url is None:
        return skipped("There is no shared inbox")
    actor = case.stand_in.new_actor()
    follow = case.follow(actor)
    return await judge(case, Try(honest(case, actor, follow, url=url), actor, follow), Expect.TAKEN)


@SECTION.check(
    "taken.new-key",
    "A new key under the same id is fetched when the old one no longer fits",
    why="People restore servers from backups and change keys. GoToSocial refuses them from then on.",
    advice="When a signature does not hold, fetch the key once more before refusing, at most every few minutes.",
    refs=("cavage#2.5",),
    needs=(*SENDING, Need.CONTROL),
)
async def new_key_is_fetched(case: Case) -> Outcome:
    stand_in = case.stand_in
    actor = stand_in.new_actor()
    follow = case.follow(actor)
    first = await send_try(case, Try(honest(case, actor, follow), actor, follow))
    if not 200 <= first.status < 300:
        return skipped(f"The first Follow was refused: {came(first)}")
    new = stand_in.other_key(actor)
    stand_in.documents[actor.uri]["publicKey"]["publicKeyPem"] = new.public().pem()
    changed = stand_in.actors[actor.uri] = replace(actor, key=new)
    second = await case.send(honest(case, changed, case.activity(changed, "Undo", follow)))
    if 200 <= second.status < 300:
        return passed(came(second))
    return failed(f"With the new key: {said(second)}")


@SECTION.check(
    "taken.again",
    "The same activity, delivered again, is not an error",
    why="A 202 can get lost on its way. Whoever is then told 4xx or 5xx believes that nothing arrived.",
    advice="Answer 2xx to an activity that you have already, and do nothing.",
    refs=("ap#inbox-delivery",),
    needs=(*SENDING, Need.CONTROL),
)
async def repetition_is_no_error(case: Case) -> Outcome:
    actor = case.stand_in.new_actor()
    follow = case.follow(actor)
    first = await send_try(case, Try(honest(case, actor, follow), actor, follow))
    # Signed anew: within one second both would be the same request, byte for byte.
    await asyncio.sleep(1.1)
    second = await case.send(honest(case, actor, follow))
    if not 200 <= first.status < 300:
        return skipped(f"The first was refused: {came(first)}")
    return passed(came(second)) if 200 <= second.status < 300 else failed(f"The second time: {said(second)}")


@SECTION.check(
    "taken.strange",
    "Activities and objects of other kinds do no harm",
    why="honk sends Read; Takahe writes `tag` as one object, bovine dates without a zone, cattle_grid no date at all.",
    advice="Take what you do not know with 202 and leave it; default what is missing.",
    refs=("ap#inbox", "as2#extensibility"),
    needs=(*SENDING, Need.CONTROL),
)
async def strange_activities_do_no_harm(case: Case) -> Outcome:
    actor = case.stand_in.new_actor()
    note = {"id": case.stand_in.new_uri(actor, "notes"), "type": "Note", "attributedTo": actor.uri, "to": PUBLIC}
    strange: list[dict[str, Any]] = [
        case.activity(actor, "Read", case.facts.actor_uri),
        case.activity(actor, "https://example.org/ns#Wave", case.facts.actor_uri),
        case.activity(actor, "Create", {**note, "content": "no date", "tag": {"type": "Mention"}}, to=[PUBLIC]),
        case.activity(actor, "Create", {**note, "type": ["Note", "Odd"], "published": "2026-01-01T00:00:00.123456"}),
        case.activity(actor, "Create", {**note, "content": None, "inReplyTo": None, "summary": "", "tag": []}),
        case.activity(actor, "Like", {"type": "Link", "href": case.facts.actor_uri}),
        {"@context": AS2_URL, "id": case.stand_in.new_uri(actor, "x"), "type": ["Follow", "Like"], "actor": actor.uri},
    ]
    for activity in strange:
        exchange = await send_try(case, Try(honest(case, actor, activity), actor, activity))
        if exchange.status == 0 or exchange.status >= 500:
            return failed(f"{activity['type']}: {came(exchange)}")
        if exchange.status in (401, 403):
            return warning(f"{activity['type']}: {said(exchange)}")
    return passed(f"{len(strange)} of them")


@SECTION.check(
    "taken.challenge",
    "Whoever is refused is told how to sign",
    why="Accept-Signature lets a sender choose the right signature at once instead of guessing.",
    advice="Send Accept-Signature with 401, naming components and, if you like, a nonce; then take what it asks for.",
    refs=("rfc9421#5.1",),
    needs=(*SENDING, Need.CONTROL),
)
async def challenge_can_be_met(case: Case) -> Outcome:
    actor = case.stand_in.new_actor()
    follow = case.follow(actor)
    plain = honest(case, actor, follow).with_header("signature", None).with_header("signature-input", None)
    refusal = await case.send(plain)
    offer = header(refusal, "accept-signature")
    if not offer:
        return skipped("It sends no Accept-Signature, which is optional")
    if not offers_rfc9421(offer):
        return failed(f"It cannot be met: {offer[:200]}")
    letter = rfc9421(
        case.facts.inbox or "",
        dump(follow),
        key=actor.key,
        key_id=actor.key_id,
        now=case.clock.now(),
        nonce=asked_nonce(offer) or "",
        lie=Lie(cover=("@method", "@target-uri", "@authority", "host", "content-digest", "content-type", "date")),
    )
    return await judge(case, Try(letter, actor, follow), Expect.TAKEN)
