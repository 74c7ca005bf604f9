"""Who may speak for whom: keys, owners, actors and origins that do not belong together.  spec: fep-fe34"""

from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit

import orjson
from aiohttp import web

from fediverse_node.lab.conformance.attempt import (
    SENDING,
    Expect,
    Probe,
    Try,
    broke,
    has_acted,
    honest,
    judge,
    refused,
    send_try,
)
from fediverse_node.lab.conformance.case import Case, came, document, dump
from fediverse_node.lab.conformance.letters import Letter, honest_cavage, honest_rfc9421
from fediverse_node.lab.conformance.section import Section
from fediverse_node.lab.conformance.stand_in import Actor, actor_document, document_response
from fediverse_node.lab.conformance.verdict import Need, Outcome, Verdict, failed, passed, skipped, warning

SECTION = Section()
_CONTROL = (*SENDING, Need.CONTROL)


def _signed_as(case: Case, activity: object, *, signer: Actor, key_id: str) -> Letter:
    """Signed with the signer's key under a key id that may be anybody's."""
    form = case.facts.control.form if case.facts.control else "cavage"
    sign = honest_cavage if form == "cavage" else honest_rfc9421
    return sign(case.facts.inbox or "", dump(activity), key=signer.key, key_id=key_id, now=case.clock.now())


def _another_actor(case: Case) -> Try:
    victim, thief = case.stand_in.new_actor(), case.stand_in.new_actor()
    follow = case.follow(victim)
    return Try(honest(case, thief, follow), victim, follow)


def _the_examined_actor(case: Case) -> Try:
    """In the name of the examined actor itself: it likes what it may never have seen."""
    thief = case.stand_in.new_actor()
    forged = case.activity(thief, "Like", case.facts.post_uri or case.facts.actor_uri) | {"actor": case.facts.actor_uri}
    return Try(honest(case, thief, forged), thief, forged)


def _two_actors(case: Case) -> Try:
    victim, thief = case.stand_in.new_actor(), case.stand_in.new_actor()
    follow: dict[str, Any] = case.follow(victim) | {"actor": [victim.uri, thief.uri]}
    return Try(honest(case, thief, follow), victim, follow)


def _key_not_listed(case: Case) -> Try:
    """The key names its owner, and the owner lists another key."""
    stand_in = case.stand_in
    victim, thief = stand_in.new_actor(), stand_in.new_actor()
    key_id = f"{victim.uri}/other-key"
    stand_in.documents[key_id] = {
        "@context": "https://w3id.org/security/v1",
        "id": key_id,
        "type": "CryptographicKey",
        "owner": victim.uri,
        "publicKeyPem": thief.key.public().pem(),
    }
    follow = case.follow(victim)
    return Try(_signed_as(case, follow, signer=thief, key_id=key_id), victim, follow)


def _key_of_other_owner(case: Case) -> Try:
    """The document at the key's address is an actor that says its key belongs to somebody else."""
    stand_in = case.stand_in
    victim, thief = stand_in.new_actor(), stand_in.new_actor()
    stand_in.documents[thief.uri]["publicKey"]["owner"] = victim.uri
    follow = case.follow(victim)
    return Try(honest(case, thief, follow), victim, follow)


def _key_of_other_origin(case: Case) -> Try:
    """A key on another origin that names an actor here as its owner."""
    stand_in = case.stand_in
    victim = stand_in.new_actor()
    thief = stand_in.new_actor(origin=stand_in.origins[1])
    stand_in.documents[thief.uri]["publicKey"]["owner"] = victim.uri
    follow = case.follow(victim)
    return Try(honest(case, thief, follow), victim, follow)


def _document_of_other_origin(case: Case) -> Try:
    """The key's address, on another origin, gives the victim's document with the thief's key in it."""
    stand_in = case.stand_in
    victim = stand_in.new_actor()
    thief = stand_in.new_actor(origin=stand_in.origins[1])
    forged = actor_document(victim)
    forged["publicKey"] = {"id": thief.key_id, "owner": victim.uri, "publicKeyPem": thief.key.public().pem()}
    stand_in.documents[thief.uri] = forged
    follow = case.follow(victim)
    return Try(honest(case, thief, follow), victim, follow)


def _redirect_to_other_origin(case: Case) -> Try:
    """The key's own address sends on to another origin, which then claims to be the victim."""
    stand_in = case.stand_in
    victim = stand_in.new_actor()
    thief = stand_in.new_actor(origin=stand_in.origins[1])
    forged = actor_document(victim)
    forged["publicKey"] = {"id": victim.key_id, "owner": victim.uri, "publicKeyPem": thief.key.public().pem()}
    stand_in.documents[thief.uri] = forged

    async def lead_away(request: web.Request) -> web.Response:
        return web.Response(status=302, headers={"Location": thief.uri})

    stand_in.special[urlsplit(victim.uri).path] = lead_away
    follow = case.follow(victim)
    return Try(_signed_as(case, follow, signer=thief, key_id=victim.key_id), victim, follow)


def _other_id(case: Case) -> Try:
    """The document at the actor's address calls itself somebody else."""
    stand_in = case.stand_in
    victim, thief = stand_in.new_actor(), stand_in.new_actor()
    forged = actor_document(victim)
    forged["publicKey"] = {"id": thief.key_id, "owner": victim.uri, "publicKeyPem": thief.key.public().pem()}
    stand_in.documents[thief.uri] = forged
    follow = case.follow(victim)
    return Try(honest(case, thief, follow), victim, follow)


def _uploaded(content_type: str) -> Any:
    """An actor document that is served as an uploaded file would be."""

    def build(case: Case) -> Try:
        stand_in = case.stand_in
        actor = stand_in.new_actor()

        async def as_file(request: web.Request) -> web.Response:
            return document_response(actor_document(actor), content_type)

        stand_in.special[urlsplit(actor.uri).path] = as_file
        follow = case.follow(actor)
        return Try(honest(case, actor, follow), actor, follow)

    return build


def _gone(case: Case) -> Try:
    """The key's owner is gone: nothing that it says counts, and nothing breaks."""
    stand_in = case.stand_in
    actor = stand_in.new_actor()

    async def gone(request: web.Request) -> web.Response:
        return web.Response(status=410, body=orjson.dumps({"id": actor.uri, "type": "Tombstone"}))

    stand_in.special[urlsplit(actor.uri).path] = gone
    delete = case.activity(actor, "Delete", actor.uri)
    return Try(honest(case, actor, delete), actor, delete)


def _forged_ld_signature(case: Case) -> Try:
    """A good HTTP signature of ours under somebody else's activity, with a linked-data signature that is made up."""
    victim, courier = case.stand_in.new_actor(), case.stand_in.new_actor()
    follow = case.follow(victim) | {
        "signature": {
            "type": "RsaSignature2017",
            "creator": victim.key_id,
            "created": case.clock.now().strftime("%Y-%m-%dT%H:%M:%SZ"),
            "signatureValue": "AAAA" * 86,
        }
    }
    return Try(honest(case, courier, follow), victim, follow)


def _forged_proof(case: Case) -> Try:
    victim, courier = case.stand_in.new_actor(), case.stand_in.new_actor()
    follow = case.follow(victim) | {
        "proof": {
            "type": "DataIntegrityProof",
            "cryptosuite": "eddsa-jcs-2022",
            "verificationMethod": victim.ed25519_key_id,
            "proofPurpose": "assertionMethod",
            "created": case.clock.now().strftime("%Y-%m-%dT%H:%M:%SZ"),
            "proofValue": "z" + "2" * 87,
        }
    }
    return Try(honest(case, courier, follow), victim, follow)


_BIND = "Bind key to owner to actor before anything is done: the actor of the activity is the owner of the key, or 401."
_PROBES = (
    Probe(
        "identity.actor",
        "Nobody can act in the name of another actor",
        why="Fedify once handled activities before it looked whose key it was; others crash on this one.",
        advice=_BIND,
        refs=("fep-fe34", "CVE-2025-54888"),
        build=_another_actor,
    ),
    Probe(
        "identity.own-actor",
        "Nobody outside can act in the name of an actor of this server",
        why="What claims to come from here must never be taken from elsewhere.",
        advice=_BIND,
        refs=("fep-fe34", "CVE-2024-23832"),
        build=_the_examined_actor,
    ),
    Probe(
        "identity.two-actors",
        "An activity with two actors does not count for the one who did not sign",
        why="A list of actors is read by one program at its beginning and by another at its end.",
        advice="Refuse activities with more than one actor, or take the first and compare that one.",
        refs=("as2-vocabulary#dfn-actor",),
        build=_two_actors,
        expect=Expect.WITHOUT_EFFECT,
    ),
    Probe(
        "identity.key-unlisted",
        "A key that its owner does not list is refused",
        why="A key document can name anybody as owner. Akkoma 2025.03 closed a store of such keys.",
        advice="Fetch the owner and take the key only if the owner's document lists exactly this key id.",
        refs=("fep-fe34", "CVE-2024-23832"),
        build=_key_not_listed,
    ),
    Probe(
        "identity.key-owner",
        "A key inside one actor that names another as its owner is refused",
        why="Then the thief's document decides whom the victim's activities come from.",
        advice="Take a key from an actor's document only if its owner is that actor.",
        refs=("fep-fe34",),
        build=_key_of_other_owner,
    ),
    Probe(
        "identity.key-origin",
        "A key of another origin speaks for nobody here",
        why="This is how any remote account could be taken over on Mastodon before 4.2.5.",
        advice="Demand that key, owner and actor are of one origin and name each other.",
        refs=("CVE-2024-23832", "fep-fe34"),
        build=_key_of_other_origin,
        needs=(Need.CONTROL, Need.ORIGINS),
    ),
    Probe(
        "identity.document-origin",
        "A document of another origin that calls itself the actor is not believed",
        why="Anybody can serve a copy of somebody's document with a key of their own in it.",
        advice="Compare the id with the address that answered; ask the id itself where they differ.",
        refs=("CVE-2024-23832", "fep-fe34"),
        build=_document_of_other_origin,
        needs=(Need.CONTROL, Need.ORIGINS),
    ),
    Probe(
        "identity.redirect",
        "A redirect to another origin does not lend that origin the name",
        why="An open redirect on somebody's server would be enough to pose as everybody there (Akkoma 2024.03).",
        advice="Compare the id with the address after all redirects.",
        refs=("fep-fe34",),
        build=_redirect_to_other_origin,
        needs=(Need.CONTROL, Need.ORIGINS),
    ),
    Probe(
        "identity.other-id",
        "A document that calls itself somebody else is not believed",
        why="The id in a document is a claim. Only the address that it was fetched from can back it.",
        advice="Ask the id itself where it differs from the address, and believe that answer.",
        refs=("fep-fe34",),
        build=_other_id,
    ),
    Probe(
        "identity.upload-text",
        "A file of type text/plain is no actor",
        why="Where uploads are served under the server's own name, an uploaded file could pose as an actor.",
        advice="Read actors and keys only from documents declared as ActivityPub.",
        refs=("GHSA-jhrq-qvrm-qr36",),
        build=_uploaded("text/plain"),
    ),
    Probe(
        "identity.upload-json",
        "A file of type application/json is no actor",
        why="Some servers let people upload JSON.",
        advice="Read actors and keys only from application/activity+json, or application/ld+json with the profile.",
        refs=("GHSA-jhrq-qvrm-qr36",),
        build=_uploaded("application/json"),
        otherwise=Verdict.WARNING,
    ),
    Probe(
        "identity.ld-signature",
        "A made-up linked-data signature proves nothing",
        why="It lets others pass activities on; one that is believed unverified lets anybody speak for anybody.",
        advice="Verify it, or take no notice of it and refuse what its bearer did not sign.",
        refs=("CVE-2026-42462", "GHSA-2vxv-pv3m-3wvj"),
        build=_forged_ld_signature,
    ),
    Probe(
        "identity.proof",
        "A made-up object proof proves nothing",
        why="Like linked-data signatures, in the new form.",
        advice="Verify it, or take no notice of it and refuse what its bearer did not sign.",
        refs=("fep-8b32",),
        build=_forged_proof,
    ),
    Probe(
        "identity.gone",
        "The Delete of an actor that is gone breaks nothing",
        why="Mastodon tells every server that it ever met; most never knew the actor, and its key is 410.",
        advice="Answer 2xx or 401, and do not try again.",
        refs=("ap#delete-activity-inbox",),
        build=_gone,
        expect=Expect.SURVIVED,
        needs=(Need.CONTROL,),
    ),
)
SECTION.checks += [probe.to_check() for probe in _PROBES]


@SECTION.check(
    "identity.replay",
    "The very same request has no second effect",
    why="Who overheard a Follow could repeat it after it was undone. Few servers remember signatures.",
    advice="Remember signatures for as long as they are valid, and do nothing when one comes again.",
    refs=("rfc9421#7.2.2",),
    needs=_CONTROL,
)
async def replay_has_no_effect(case: Case) -> Outcome:
    stand_in = case.stand_in
    control = case.facts.control
    if control is None or not control.shows_effects:
        return skipped("Whether a Follow counts cannot be seen here")
    actor = stand_in.new_actor()
    follow = case.follow(actor)
    letter = honest(case, actor, follow)
    first = await case.send(letter)
    if not 200 <= first.status < 300 or not await has_acted(case, actor, 5.0):
        return skipped(f"The first Follow did not count: {came(first)}")
    await case.send(honest(case, actor, case.activity(actor, "Undo", follow)))
    before = len(stand_in.told(actor))
    again = await case.send(letter)
    broken = broke(again)
    if broken is not None:
        return broken
    if await stand_in.wait_for(lambda: len(stand_in.told(actor)) > before, case.patience_s):
        stand_in.to_undo.append((actor, follow))
        return warning(f"Repeated after the Undo, the Follow counted again ({again.status}).")
    return passed(f"{came(again)}, and nothing happened")


@SECTION.check(
    "identity.squatting",
    "Nobody can use up another's id",
    why="Mastodon found posts by id alone; whoever sent one under a foreign id first decided what it was.",
    advice="Look for duplicates by id and owner, and take ids only of the actor's own origin.",
    refs=("CVE-2024-37903", "fep-fe34"),
    needs=_CONTROL,
)
async def ids_cannot_be_squatted(case: Case) -> Outcome:
    stand_in = case.stand_in
    victim, thief = stand_in.new_actor(), stand_in.new_actor()
    if len(stand_in.origins) > 1:
        victim = stand_in.new_actor(origin=stand_in.origins[1])
    honest_follow = case.follow(victim)
    squatting = case.follow(thief) | {"id": honest_follow["id"]}
    squatted = await send_try(case, Try(honest(case, thief, squatting), thief, squatting))
    broken = broke(squatted)
    if broken is not None:
        return broken
    return await judge(case, Try(honest(case, victim, honest_follow), victim, honest_follow), Expect.TAKEN)


@SECTION.check(
    "identity.update",
    "An Update of somebody else's profile has no effect",
    why="It could put the thief's key or inbox into the victim's profile.",
    advice="Take Updates of an actor from that actor alone.",
    refs=("fep-fe34", "ap#update-activity-inbox"),
    needs=_CONTROL,
)
async def profiles_are_updated_by_their_owners(case: Case) -> Outcome:
    stand_in = case.stand_in
    victim, thief = stand_in.new_actor(), stand_in.new_actor()
    follow = case.follow(victim)
    first = await send_try(case, Try(honest(case, victim, follow), victim, follow))
    if not 200 <= first.status < 300:
        return skipped(f"The victim's own Follow was refused: {came(first)}")
    stolen = actor_document(victim)
    stolen["publicKey"]["publicKeyPem"] = thief.key.public().pem()
    update = await case.send(honest(case, thief, case.activity(thief, "Update", stolen)))
    broken = broke(update)
    if broken is not None:
        return broken
    other = case.activity(victim, "Like", case.facts.post_uri or case.facts.actor_uri)
    with_stolen_key = await case.send(_signed_as(case, other, signer=thief, key_id=victim.key_id))
    if 200 <= with_stolen_key.status < 300:
        return failed(f"After it ({came(update)}), the thief's key speaks for the victim: {came(with_stolen_key)}")
    return passed(f"{came(update)}, and the thief's key is refused: {came(with_stolen_key)}")


@SECTION.check(
    "identity.undo",
    "Nobody can undo what another did",
    why="Anybody could end the follows of everybody.",
    advice="Take Undo only from the actor of what is undone.",
    refs=("ap#undo-activity-inbox",),
    needs=_CONTROL,
)
async def only_the_doer_undoes(case: Case) -> Outcome:
    stand_in = case.stand_in
    victim, thief = stand_in.new_actor(), stand_in.new_actor()
    follow = case.follow(victim)
    followers = case.facts.own("followers")
    await send_try(case, Try(honest(case, victim, follow), victim, follow))
    await has_acted(case, victim, case.patience_s)
    before = _total(document(await case.read(followers)) if followers else None)
    undo = await case.send(honest(case, thief, case.activity(thief, "Undo", follow)))
    broken = broke(undo)
    if broken is not None:
        return broken
    after = _total(document(await case.read(followers)) if followers else None)
    if before is None or after is None:
        if undo.status >= 300:
            return passed(came(undo))
        return skipped(f"{came(undo)}; followers are not counted in public, so it cannot be seen")
    return (
        passed(f"{came(undo)}, and there are still {after} followers")
        if after >= before
        else failed(f"{came(undo)}, and {before} followers became {after}.")
    )


def _total(collection: Any) -> int | None:
    total = collection.get("totalItems") if collection is not None else None
    return total if type(total) is int else None


@SECTION.check(
    "identity.shared-inbox",
    "The shared inbox refuses forgeries too",
    why="Two doors with one lock: some servers check one of them alone.",
    advice="Verify in one place, in front of both.",
    refs=("ap#shared-inbox-delivery",),
    needs=_CONTROL,
)
async def shared_inbox_is_locked_too(case: Case) -> Outcome:
    url = case.facts.shared_inbox
    if url is None:
        return skipped("There is no shared inbox")
    victim, thief = case.stand_in.new_actor(), case.stand_in.new_actor()
    follow = case.follow(victim)
    letter = honest(case, thief, follow, url=url)
    unsigned = letter.with_header("signature", None).with_header("signature-input", None)
    for forged in (unsigned, letter):
        exchange = await send_try(case, Try(forged, victim, follow))
        outcome = broke(exchange) or await refused(case, exchange, victim)
        if outcome.verdict is not Verdict.PASSED:
            return outcome
    return passed(came(case.exchanges[-1]))
