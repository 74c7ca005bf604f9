"""Update of the person's own actor: name, text, table, and who may find or follow them.

spec: ap#update-activity-outbox. A client may send the whole document back: what is as it was is not looked at, and what
this server does not let a client change is refused by name, if it is another.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import orjson

from fediverse_node.base.outcome import Fail
from fediverse_node.domain.model import Actor
from fediverse_node.outbox.client_activities.faults import cannot, malformed, of_refusal
from fediverse_node.outbox.client_activities.ports import Acted, Ports
from fediverse_node.outbox.composition import FIELD_LIMIT, MOST_FIELDS, NAME_LIMIT, NOTE_LIMIT
from fediverse_node.protocol import html
from fediverse_node.protocol.reading import JsonObject, boolean, sequence, text
from fediverse_node.storage.queries.outbox import PROFILE
from fediverse_node.storage.queries.users import change_profile

Changes = dict[str, Any]
# Beside what a person says of themselves; a language map says the same as the text.
_SAID_TWICE = ("@context", "summaryMap", "nameMap", "id", "updated")


async def update(ports: Ports, author: Actor, given: JsonObject) -> Acted | Fail:
    """Change what is given; the rest stays. Followers elsewhere are told."""
    row = await ports.database.fetch_one(PROFILE, actor_id=author.id)
    document = await ports.actor_document_of(author.id)
    if row is None or document is None:
        return cannot("the profile cannot be changed at the moment")
    changes: Changes = {}
    for name, value in given.items():
        if name in _SAID_TWICE or value == document.get(name):
            continue
        read = _READERS.get(name)
        if read is None:
            return cannot(f"{name[:100]} of a profile is not changed by an Update: use the settings")
        fault = read(value, row, changes)
        if fault is not None:
            return fault
    if changes:
        await ports.writer.run(lambda: change_profile(author.id, changes))
        refusal = await ports.outbox.profile_changed(author.id)
        if refusal is not None:
            return of_refusal(refusal)
    return Acted(await ports.actor_document_of(author.id) or author.uri)


def _name(value: object, row: Mapping[str, Any], changes: Changes) -> Fail | None:
    name = " ".join(html.to_plain_text(text(value, 10 * NAME_LIMIT)).split())
    if len(name) > NAME_LIMIT:
        return cannot(f"a name has at most {NAME_LIMIT} characters")
    changes["name"] = name
    return None


def _summary(value: object, row: Mapping[str, Any], changes: Changes) -> Fail | None:
    summary = html.sanitise(text(value, 20 * NOTE_LIMIT))
    if len(html.to_plain_text(summary)) > NOTE_LIMIT:
        return cannot(f"the text of a profile has at most {NOTE_LIMIT} characters")
    changes["summary"] = summary
    return None


def _fields(value: object, row: Mapping[str, Any], changes: Changes) -> Fail | None:
    verified = {(f["name"], f["value"]): f.get("verified_at") for f in orjson.loads(row["fields"])}
    rows = []
    for item in sequence(value):
        if not isinstance(item, Mapping) or item.get("type") != "PropertyValue":
            return cannot("attachment of a profile holds PropertyValue only")
        name = html.to_plain_text(text(item.get("name"), 2 * FIELD_LIMIT)).strip()
        content = html.sanitise(text(item.get("value"), 20 * FIELD_LIMIT))
        content = content.removeprefix("<p>").removesuffix("</p>") if content.count("<p>") == 1 else content
        if not name or len(name) > FIELD_LIMIT or len(html.to_plain_text(content)) > FIELD_LIMIT:
            return cannot(f"a field of a profile has a name, and at most {FIELD_LIMIT} characters on each side")
        rows.append({"name": name, "value": content, "verified_at": verified.get((name, content))})
    if len(rows) > MOST_FIELDS:
        return cannot(f"a profile has at most {MOST_FIELDS} fields")
    changes["fields"] = orjson.dumps(rows).decode()
    return None


def _flag(column: str) -> Callable[[object, Mapping[str, Any], Changes], Fail | None]:
    def read(value: object, row: Mapping[str, Any], changes: Changes) -> Fail | None:
        flag = boolean(value)
        if flag is None:
            return malformed(f"{column} is true or false")
        changes[column] = flag
        return None

    return read


_READERS: Mapping[str, Callable[[object, Mapping[str, Any], Changes], Fail | None]] = {
    "name": _name,
    "summary": _summary,
    "attachment": _fields,
    "manuallyApprovesFollowers": _flag("locked"),
    "discoverable": _flag("discoverable"),
    "indexable": _flag("indexable"),
}
