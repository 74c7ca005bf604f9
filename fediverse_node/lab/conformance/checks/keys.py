"""The actor's keys: their forms, and that key, owner and document name each other.  spec: fep-521a, fep-fe34"""

from __future__ import annotations

from collections.abc import Mapping

from fediverse_node.base.outcome import Fail
from fediverse_node.lab.conformance.case import Case, came, document
from fediverse_node.lab.conformance.facts import Json, address, types
from fediverse_node.lab.conformance.section import Section
from fediverse_node.lab.conformance.verdict import Need, Outcome, failed, passed, skipped, warning
from fediverse_node.protocol.reading import mappings, sequence
from fediverse_node.protocol.uris import same_origin
from fediverse_node.signatures.keys import PublicKey

SECTION = Section()
_ACTOR = (Need.ACTOR,)
_KEYS_LOOKED_AT = 8
_STRONG_RSA_BYTES = 290  # what SubjectPublicKeyInfo of 2048 bits takes, and a little less


def _pem_keys(actor: Json) -> list[Mapping[str, object]]:
    return mappings(actor.get("publicKey"), _KEYS_LOOKED_AT)


@SECTION.check(
    "keys.pem",
    "There is an RSA key in PEM that others can verify with",
    why="All servers of today read this key, and most read no other.",
    advice="Give publicKey {id, owner, publicKeyPem} with an RSA key of at least 2048 bits.",
    refs=("cavage#2", "ap#actor-objects"),
    needs=_ACTOR,
)
async def pem_can_be_read(case: Case) -> Outcome:
    for document_ in _pem_keys(case.facts.actor):
        pem = document_.get("publicKeyPem")
        key = PublicKey.parse_pem(pem) if isinstance(pem, str) else None
        if isinstance(key, Fail):
            return failed(f"{document_.get('id')}: {key}")
        if key is not None and key.algorithm == "rsa":
            if len(key.encoded) < _STRONG_RSA_BYTES:
                return warning(f"{document_.get('id')} is shorter than 2048 bits.")
            return passed(str(document_.get("id")))
    return failed("There is no publicKey with an RSA publicKeyPem.")


@SECTION.check(
    "keys.owner",
    "Each key names the actor as its owner",
    why="Servers accept a key only if key and actor name each other; else anybody could lend a key to anybody.",
    advice="Set owner (of publicKey) and controller (of a Multikey) to the id of the actor.",
    refs=("fep-fe34", "CVE-2024-23832"),
    needs=_ACTOR,
)
async def owner_is_the_actor(case: Case) -> Outcome:
    for key in _pem_keys(case.facts.actor):
        if address(key.get("owner")) != case.facts.actor_uri:
            return failed(f"The owner of {key.get('id')} is {key.get('owner')!r}.")
    for key in mappings(case.facts.actor.get("assertionMethod"), _KEYS_LOOKED_AT):
        if address(key.get("controller")) != case.facts.actor_uri:
            return failed(f"The controller of {key.get('id')} is {key.get('controller')!r}.")
    return passed("Each of them") if _pem_keys(case.facts.actor) else skipped("There is no key")


@SECTION.check(
    "keys.origin",
    "Key ids are on the actor's origin",
    why="A key of another origin speaks for whoever owns that origin.",
    advice="Form key ids from the actor's id, as in <id>#main-key.",
    refs=("fep-fe34",),
    needs=_ACTOR,
)
async def key_ids_are_here(case: Case) -> Outcome:
    keys = [*_pem_keys(case.facts.actor), *mappings(case.facts.actor.get("assertionMethod"), _KEYS_LOOKED_AT)]
    for key in keys:
        if not same_origin(str(key.get("id")), case.facts.actor_uri):
            return failed(f"A key is called {key.get('id')!r}.")
    return passed(", ".join(str(key.get("id")) for key in keys)) if keys else skipped("There is no key")


@SECTION.check(
    "keys.dereference",
    "The id of the key leads to the key",
    why="Whoever receives a signature knows the key's id alone, and fetches that.",
    advice="Serve at the key's id (without its fragment) the actor, or the key with its owner.",
    refs=("cavage#2.1.1", "fep-521a"),
    needs=_ACTOR,
)
async def key_id_leads_to_the_key(case: Case) -> Outcome:
    keys = [key for key in _pem_keys(case.facts.actor) if isinstance(key.get("id"), str)]
    if not keys:
        return skipped("There is no publicKey")
    key_id, pem = str(keys[0]["id"]), keys[0].get("publicKeyPem")
    exchange = await case.read(key_id)
    found = document(exchange)
    if found is None:
        return failed(f"{key_id}: {came(exchange)}")
    listed = [found, *_pem_keys(found)]
    if not any(key.get("id") == key_id and key.get("publicKeyPem") == pem for key in listed):
        return failed(f"What is served at {key_id} does not hold this key.")
    return passed(key_id)


@SECTION.check(
    "keys.multikey",
    "Multikeys are well-formed",
    why="Ed25519 keys and object proofs are read from assertionMethod; a mistyped one fails every check made with it.",
    advice="Give id, type Multikey, controller and publicKeyMultibase (base58btc, z6Mk… for Ed25519).",
    refs=("fep-521a#multikey",),
    needs=_ACTOR,
)
async def multikeys_are_well_formed(case: Case) -> Outcome:
    keys = [key for key in sequence(case.facts.actor.get("assertionMethod")) if isinstance(key, Mapping)]
    if not keys:
        return skipped("There is none, which is optional")
    for key in keys[:_KEYS_LOOKED_AT]:
        text = key.get("publicKeyMultibase")
        if "Multikey" not in types(key) or not isinstance(text, str):
            return failed(f"{key.get('id')} is no Multikey with a publicKeyMultibase.")
        parsed = PublicKey.parse_multibase(text)
        if isinstance(parsed, Fail):
            return failed(f"{key.get('id')}: {parsed}")
    return passed(f"{len(keys)} of them")
