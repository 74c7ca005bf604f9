"""Every trap, advisory and rule of the developers' reference is asked by a check, or there is a reason why not."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from fediverse_node.lab.conformance.index import CHECKS

IDS = {check.id for check in CHECKS}
INSIDE = "it happens inside of the server and cannot be seen from outside"
SENDER = "it is about how we send, and this checker only receives such"
UNSEEN = "nothing of it is visible to a stranger"

# Number of the trap -> the checks that ask, or why none does.
TRAPS: dict[int, tuple[str, ...] | str] = {
    1: ("documents.blank-nodes", "documents.depth"),
    2: ("forged.body", "forged.digest-unsigned", "forged.old", "forged.date-alone"),
    3: ("taken.new-key",),
    4: ("delivery.fetch-fragment",),
    5: ("taken.created",),
    6: ("taken.hs2019", "taken.key-address", "taken.rfc9421"),
    7: ("identity.ld-signature", "identity.proof"),
    8: SENDER,
    9: "no server sends such proofs yet",
    10: ("taken.query", "taken.query-left-out", "fetching.query"),
    11: ("forged.no-digest", "forged9421.no-digest", "forged9421.no-method", "forged9421.no-target"),
    12: ("forged.old", "forged.future", "forged9421.old", "forged9421.future"),
    13: ("forged.expired", "taken.created"),
    14: ("webfinger.type",),
    15: ("actor.name",),
    16: ("actor.unsigned", "webfinger.server", "delivery.fetch-signed"),
    17: ("taken.digest-case", "delivery.headers"),
    18: ("taken.digests", "forged.two-digests"),
    19: ("actor.id",),
    20: ("objects.public", "taken.shapes"),
    21: ("taken.shapes",),
    22: ("documents.graph", "documents.included", "documents.reverse"),
    23: INSIDE,
    24: ("identity.gone", "objects.tombstone", "objects.unknown-actor"),
    25: ("documents.garbage", "bounds.key-unreachable", "fetching.key-unreachable"),
    26: ("delivery.headers", "delivery.fetch-name", "documents.type"),
    27: ("identity.actor", "delivery.alive"),
}
ADVISORIES: dict[int, tuple[str, ...] | str] = {
    1: ("identity.actor",),
    2: ("identity.key-origin", "identity.document-origin", "identity.own-actor"),
    3: ("actor.content-type", "identity.upload-text", "identity.upload-json"),
    4: ("identity.redirect", "identity.other-id", "others.foreign-id"),
    5: ("webfinger.subject", "webfinger.foreign", "webfinger.case"),
    6: ("identity.key-unlisted", "identity.key-owner"),
    7: ("forged.unsigned", "forged.garbage", "forged.other-key"),
    8: ("identity.squatting",),
    9: ("others.delete", "others.attribution"),
    10: ("others.attribution", "actor.collections"),
    11: UNSEEN,
    12: ("documents.graph", "documents.included", "documents.reverse"),
    13: ("documents.renamed", "documents.actor-twice", "identity.ld-signature"),
    14: ("forged.no-target", "forged.host", "forged.no-host", "forged.no-digest"),
    15: ("forged.two-digests",),
    16: ("bounds.key-loop", "delivery.fetch-redirect", "nodeinfo.origin"),
    17: ("bounds.key-unreachable",),
    18: ("bounds.key-unreachable", "errors.signature"),
    19: INSIDE,
    20: INSIDE,
    21: INSIDE,
    22: INSIDE,
    23: ("bounds.thread", "bounds.mentions", "bounds.profile", "bounds.key-endless", "documents.size"),
    24: ("bounds.profile",),
    25: ("objects.private", "outbox.private"),
    26: ("objects.private", "actor.signed-cache", "actor.vary"),
    27: ("outbox.private", "errors.inbox"),
    28: ("actor.signed-cache", "objects.vary"),
}
RULES: dict[int, tuple[str, ...] | str] = {
    1: ("taken.rfc9421",),
    2: ("objects.public",),
    3: ("objects.public", "delivery.shape"),
    4: ("actor.collections",),
    5: ("taken.digest-case", "delivery.headers"),
    6: ("objects.published", "taken.strange"),
    7: ("actor.context",),
    8: ("actor.id",),
    9: ("forged.unsigned",),
    10: ("taken.strange", "taken.shapes", "actor.published"),
    11: ("delivery.shape", "taken.strange"),
    12: ("taken.rfc9421", "taken.challenge"),
    13: "the checker opens a connection for each request",
    14: ("actor.content-type", "taken.ld-json", "keys.dereference"),
    15: ("taken.cavage", "taken.no-algorithm", "delivery.signature"),
}


@pytest.mark.parametrize(
    "name, heading, answers",
    [
        ("FEDERATION.md", "## 25 traps", TRAPS),
        ("FEDERATION.md", "## Known CVEs", ADVISORIES),
        ("PEERS.md", "## Interop facts", RULES),
    ],
)
def test_everything_that_is_known_is_asked_or_has_a_reason(
    name: str, heading: str, answers: dict[int, tuple[str, ...] | str], shared: Path
) -> None:
    section = (shared / "reference" / name).read_text().partition(heading)[2].partition("\n## ")[0]
    numbers = {int(number) for number in re.findall(r"(?m)^(\d+)\. ", section)}
    assert numbers
    assert numbers - answers.keys() == set()


@pytest.mark.parametrize("answers", [TRAPS, ADVISORIES, RULES], ids=["traps", "advisories", "rules"])
def test_what_asks_exists(answers: dict[int, tuple[str, ...] | str]) -> None:
    asked = {id_ for answer in answers.values() if isinstance(answer, tuple) for id_ in answer}
    assert asked - IDS == set()
