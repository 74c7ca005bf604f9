"""Inspects what was given: understands, judges signatures and proofs, and says what this node would make of it."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Protocol

from fediverse_node.base.outcome import Fail, TemporaryFail
from fediverse_node.cli.inspecting.documents import understand
from fediverse_node.cli.inspecting.fate import fate_of
from fediverse_node.cli.inspecting.given import Given
from fediverse_node.cli.inspecting.keys import KeysAtHand
from fediverse_node.cli.inspecting.proofs import judge_proofs
from fediverse_node.cli.inspecting.signed import FindKey, Verdict, judge_request
from fediverse_node.cli.inspecting.words import Inspected
from fediverse_node.protocol.actors import KeyDocument
from fediverse_node.protocol.reading import uri


class Processor(Protocol):
    """What is asked of JSON-LD: see `transport.jsonld_worker`."""

    async def compact(self, document: Mapping[str, object]) -> dict[str, object] | Fail | TemporaryFail:
        """The document in our own context."""
        ...

    async def statements(self, document: Mapping[str, object]) -> bytes | Fail | TemporaryFail:
        """The document's canonical N-Quads."""
        ...


async def inspect_given(
    given: Given, *, processor: Processor, at_hand: KeysAtHand, ask_key: FindKey, now: datetime
) -> Inspected:
    """All about one thing. `at_hand` holds the keys known without asking, `ask_key` gets others."""

    async def find_key(key_id: str) -> KeyDocument | Fail | TemporaryFail:
        return at_hand.find(key_id) or await ask_key(key_id)

    found = None
    if given.document is not None or not given.fault:
        found = await understand(given.document, processor.compact, size_bytes=len(given.body))
    verdicts: tuple[Verdict, ...] = ()
    if given.request is not None:
        verdicts = await judge_request(
            given.request, sent_at=given.sent_at, now=now, speaker=_speaker(given), find_key=find_key
        )
    proofs = await judge_proofs(
        given.document, sent_at=given.sent_at, now=now, find_key=find_key, statements=processor.statements
    )
    return Inspected(given, found, fate_of(found) if found is not None else None, verdicts, proofs)


def _speaker(given: Given) -> str | None:
    """In whose name the body of a request speaks; nobody's in a GET, whose document is the answer."""
    if given.request is None or not given.request.body or not isinstance(given.document, Mapping):
        return None
    return uri(given.document.get("actor"))
