"""Home timelines, notifications, and the list of private conversations."""

from __future__ import annotations

from collections.abc import Sequence

from fediverse_node.domain.effects import NewObject, Notify, Place
from fediverse_node.domain.facts import Facts
from fediverse_node.domain.model import Visibility
from fediverse_node.storage.events import Applied, Conversed, Notified, Published
from fediverse_node.storage.rows import dump_json
from fediverse_node.storage.statement import upsert
from fediverse_node.storage.tables import conversations, home_entries, notifications
from fediverse_node.storage.unit import Insert, Run, Unit

# What comes late, being older than what is there, changes nothing.
_CONVERSE = upsert(
    conversations,
    ("id", "actor_id", "thread_id", "participants", "last_object_id", "unread"),
    ("actor_id", "thread_id"),
    {"participants": "participants", "last_object_id": "last_object_id", "unread": "unread"},
    where_newer="last_object_id",
)


def place(effects: Sequence[Place], applied: Applied) -> Unit[None]:
    """Objects appear in home timelines."""
    rows = [{"actor_id": reader_id, "object_id": p.object_id} for p in effects for reader_id in p.reader_ids]
    if rows:
        yield Insert(home_entries, rows)
    applied.events += [Published(p.object_id, p.reader_ids) for p in effects]


def notify(effects: Sequence[Notify], facts: Facts, applied: Applied) -> Unit[None]:
    """People are told, once for each occasion."""
    if not effects:
        return
    rows = [
        {
            "id": facts.world.ids.next(),
            "actor_id": n.actor_id,
            "type": n.type,
            "from_actor_id": n.from_actor_id,
            "object_id": n.object_id,
        }
        for n in effects
    ]
    done = yield Insert(notifications, rows)
    applied.events += [Notified(int(rows[p]["id"] or 0), effects[p].actor_id) for p in done]


def converse(records: Sequence[NewObject], facts: Facts, applied: Applied) -> Unit[None]:
    """What is said in private moves its conversation to the top, for everybody here who takes part."""
    for record in records:
        if record.visibility is not Visibility.DIRECT or record.announce_of_id is not None:
            continue
        people = dict.fromkeys((record.actor_id, *record.mention_ids))
        unnamed = frozenset(record.parts.get("unnamed") or ())
        for person_id in people:
            person = facts.actors_by_id.get(person_id)
            if person is None or not person.local:
                continue
            number = facts.world.ids.next()
            yield Run(
                _CONVERSE,
                [
                    {
                        "id": number,
                        "actor_id": person_id,
                        "thread_id": record.thread_id or record.id,
                        # Whom the author does not name is known to the author alone.
                        "participants": dump_json(
                            [
                                other
                                for other in people
                                if other != person_id and (other not in unnamed or person_id == record.actor_id)
                            ]
                        ),
                        "last_object_id": record.id,
                        "unread": person_id != record.actor_id,
                    }
                ],
            )
            applied.events.append(Conversed(record.id, person_id))
