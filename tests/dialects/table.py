"""The table of what every recorded document says: one TOML file for each implementation, one table for each document.

The entries were written from the documents: see `naive.py` for the second reading they were compared with. To add one,
run `python -m tests.dialects.table PATH`, read the document beside what is printed, and mend whichever of the two is
wrong. Long texts are held by their first words and their length, addresses and counts in full.
"""

from __future__ import annotations

import asyncio
import json
import sys
import tomllib
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from fediverse_node.base.outcome import Fail, TemporaryFail
from fediverse_node.cli.inspecting.given import load_given
from fediverse_node.cli.inspecting.keys import KeyFault, KeysAtHand
from fediverse_node.cli.inspecting.run import inspect_given
from fediverse_node.cli.inspecting.words import Inspected
from fediverse_node.protocol.actors import KeyDocument
from fediverse_node.protocol.jsonld_processing import compact_document, to_statements
from fediverse_node.protocol.kinds import Kind

PAYLOADS = Path(__file__).resolve().parents[2] / "../shared/data/payloads"
WIRE = PAYLOADS.parent / "wire"
EXPECTED = Path(__file__).parent / "expected"

_NOW = datetime(2026, 11, 22, tzinfo=UTC)
_FIRST_WORDS = 40
_TEXTS = ("text", "title", "warning", "comment", "reason", "preview", "quoted_text", "name")
# Held by the table in this form; what is not named here is told, and not held.
_POST = (
    "type", "stated_type", "id", "author", "groups", "visibility", "title", "warning", "sensitive", "language", "text",
    "preview", "quoted_text", "rating", "vote", "parent", "context", "context_history", "conversation", "target",
    "target_owner", "url", "published", "updated", "attachments", "mentions", "hashtags", "emojis", "links", "poll",
    "quote", "quote_authorization", "event", "replies", "comments_enabled", "policy",
)  # fmt: skip
_ACTIVITY = (
    "type", "id", "actor", "visibility", "object", "objects", "target", "origin", "result", "reaction", "comment",
    "reason", "published", "ends", "inner",
)  # fmt: skip
_ACTOR = (
    "type", "id", "username", "name", "text", "url", "inbox", "shared_inbox", "outbox", "followers", "following",
    "featured", "webfinger", "icon", "image", "fields", "locked", "discoverable", "indexable", "moved_to",
    "also_known_as", "published", "emojis", "attributed_to", "posting_restricted", "wall", "implements", "keys",
)  # fmt: skip


class HereAndNow:
    """JSON-LD in this process: these documents are no strangers'."""

    async def compact(self, document: Mapping[str, object]) -> dict[str, object] | Fail | TemporaryFail:
        return compact_document(document)

    async def statements(self, document: Mapping[str, object]) -> bytes | Fail | TemporaryFail:
        return to_statements(document)


def names() -> list[str]:
    """All recorded documents and captures, in order."""
    return sorted(
        str(path.relative_to(PAYLOADS.parent)) for root in (PAYLOADS, WIRE) for path in root.glob("**/*.json")
    )


def inspected(name: str, at_hand: KeysAtHand) -> Inspected:
    """What the command finds out about a document."""
    given = load_given(PAYLOADS.parent / name)
    assert not isinstance(given, Fail), f"{name}: {given}"

    async def ask_key(key_id: str) -> KeyDocument | Fail | TemporaryFail:
        return Fail(KeyFault.OFFLINE)

    inspection = inspect_given(given[0], processor=HereAndNow(), at_hand=at_hand, ask_key=ask_key, now=_NOW)
    return asyncio.run(inspection)


def keys_beside() -> KeysAtHand:
    """The keys that any of the captures show."""
    at_hand = KeysAtHand()
    for name in names():
        if name.startswith(("wire/", "payloads/_wire/")):
            given = load_given(PAYLOADS.parent / name)
            at_hand.add(() if isinstance(given, Fail) else given)
    return at_hand


def shown(item: Inspected) -> dict[str, Any]:
    """An inspection in the form of the table."""
    entry: dict[str, Any] = {}
    if item.found is not None and item.fate is not None:
        entry = {"kind": item.found.kind.value, **_held(item.found.kind.value, item.found.says)}
        if item.found.kind is not Kind.ACTIVITY:
            # Which activities have a rule is not for this table to say.
            entry["here"] = item.fate.outcome.name.lower()
        if item.found.refusal is not None:
            entry["refused"] = item.found.refusal.reason.name
        if item.found.read_as != "plain JSON":
            entry["read_as"] = item.found.read_as
    if item.verdicts:
        entry["signature"] = _summed(item.verdicts)
    if item.proofs:
        entry["proofs"] = _summed(item.proofs)
    return entry


def _summed(verdicts: Any) -> str:
    """`good`, or the first step that is not."""
    return next(
        (f"{'not known' if each.passed is None else 'bad'}: {each.step}" for each in verdicts if not each.passed),
        "good",
    )


def _held(kind: str, says: Mapping[str, Any]) -> dict[str, Any]:
    wanted = {"post": _POST, "activity": _ACTIVITY, "actor": _ACTOR}.get(kind, tuple(says))
    return {name: _short(name, says[name]) for name in wanted if name in says}


def _short(name: str, value: Any) -> Any:
    if name in _TEXTS and isinstance(value, str):
        text = " ".join(value.split())
        return text if len(text) <= _FIRST_WORDS else f"{text[:_FIRST_WORDS]}… ({len(text)})"
    if name == "attachments":
        return [" ".join(part for part in (a["type"], a.get("media_type"), a["url"]) if part) for a in value]
    if name == "emojis":
        return sorted(value)
    if name == "keys":
        return [f"{key['id']} {key.get('algorithm', 'unusable')}" for key in value]
    if name == "items" and isinstance(value, list):
        return [len(value), *value[:2]]
    if name == "fields":
        return [field[0] for field in value]
    if name == "poll":
        return [f"{option} {votes}" for option, votes in value.get("options", ())] + [
            f"{key} {value[key]}" for key in ("multiple", "ends", "closed", "voters") if key in value
        ]
    if name == "event":
        return {key: part for key, part in value.items() if key != "places"}
    if name == "policy":
        return sorted(value)
    if name == "inner":
        return {"kind": value["kind"], **_held(value["kind"], value)}
    return value


def load_table() -> dict[str, dict[str, Any]]:
    """All entries by the name of their document."""
    found: dict[str, dict[str, Any]] = {}
    for path in sorted(EXPECTED.glob("*.toml")):
        found |= tomllib.loads(path.read_text("utf-8"))
    return found


def dump_entry(name: str, entry: Mapping[str, Any]) -> str:
    """One table in TOML."""
    return "\n".join((f"[{_toml(name)}]", *(f"{key} = {_toml(value)}" for key, value in entry.items()), ""))


def _toml(value: Any) -> str:
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{_toml(key)} = {_toml(part)}" for key, part in value.items()) + "}"
    if isinstance(value, list | tuple):
        return "[" + ", ".join(_toml(part) for part in value) + "]"
    return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")


if __name__ == "__main__":
    known = keys_beside()
    for wanted in sys.argv[1:]:
        relative = str(Path(wanted).resolve().relative_to(PAYLOADS.parent.resolve()))
        print(dump_entry(relative, shown(inspected(relative, known))))
