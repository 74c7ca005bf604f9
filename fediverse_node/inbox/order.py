"""An Undo is not decided before what it takes back: that may still wait for the network, and would then stay.

Peers send in order, but what needs a key or a document first is put aside while what came after it is not.
"""

from __future__ import annotations

from fediverse_node.base.outcome import TemporaryFail
from fediverse_node.base.trace import note
from fediverse_node.inbox.answer import Turned
from fediverse_node.protocol.activitystreams import Activity
from fediverse_node.protocol.uris import host_of
from fediverse_node.storage.engine import Database
from fediverse_node.storage.queries.inbox import STAGED_ACTIVITY

_ANY_ID = 2**63 - 1


async def load_awaited(database: Database, activity: Activity, *, before_id: int = _ANY_ID) -> int | None:
    """When what an Undo takes back is tried next, in ms, if it was put aside (as a row before `before_id`); or None."""
    if activity.type != "Undo" or activity.object_id is None:
        return None
    # Only what its own host sent: nobody else's request holds it up.
    awaited = await database.fetch_one(
        STAGED_ACTIVITY, activity_uri=activity.object_id, host=host_of(activity.actor) or "", before_id=before_id
    )
    if awaited is None:
        return None
    note("inbox.in_order", TemporaryFail(Turned.OUT_OF_ORDER, activity.object_id))
    return int(awaited["due_ms"])
