"""What a person was told: pages, one, how many are new; and taking them away.

Types are ours (like, announce, note); the client API gives them its own names. Whom the viewer blocks or mutes
since, and what they may not see any more, is left out at reading.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import orjson
from sqlalchemy import BigInteger, Integer, Select, Text, and_, bindparam, delete, func, or_, select, update

from fediverse_node.storage.queries.statuses import VIEWER, is_heard, is_near, is_unblocked, is_unmuted
from fediverse_node.storage.queries.timelines import keyset
from fediverse_node.storage.rows import dump_json
from fediverse_node.storage.statement import Statement, one_of
from fediverse_node.storage.tables import actors, markers, mutes, notifications, users
from fediverse_node.storage.unit import Fetch, Run, Unit

_ACTOR = bindparam("actor", type_=BigInteger())
_ID = bindparam("id_", type_=BigInteger())
_FROM = bindparam("from_id", type_=BigInteger())
# Whether what limited strangers did is told as well.
_LIMITED_TOO = bindparam("limited_too", value=0, type_=Integer())
# These follow from what the person did themselves, or from their office.
_ABOUT_OWN = ("poll", "update", "report", "moderation_warning")


def _select() -> Select[Any]:
    return (
        select(
            notifications.c.id,
            notifications.c.type,
            notifications.c.from_actor_id,
            notifications.c.object_id,
        )
        .select_from(notifications.join(actors, actors.c.id == notifications.c.from_actor_id))
        .where(
            notifications.c.actor_id == VIEWER,
            actors.c.suspended_ms.is_(None),
            actors.c.deleted_ms.is_(None),
            is_unblocked(notifications.c.from_actor_id),
            is_unmuted(notifications.c.from_actor_id, only=mutes.c.notifications),
            is_near(actors.c.host),
            or_(
                _LIMITED_TOO == 1,
                *(notifications.c.type == name for name in _ABOUT_OWN),
                is_heard(notifications.c.from_actor_id, actors.c.silenced_ms),
            ),
        )
    )


_PAGE = _select().where(one_of(notifications.c.type, "types"), or_(_FROM == 0, notifications.c.from_actor_id == _FROM))
LIST = keyset(_PAGE, notifications.c.id)
ONE = Statement(_select().where(notifications.c.id == _ID))
BY_IDS = Statement(_select().where(one_of(notifications.c.id, "ids")))
COUNT = Statement(
    select(func.count()).select_from(
        _PAGE.where(notifications.c.id > bindparam("after_id", type_=BigInteger()))
        .limit(bindparam("most", type_=Integer()))
        .subquery()
    )
)
# Who reacted stands among those who like.
_IS_OF_TYPE = or_(
    notifications.c.type == bindparam("type_", type_=Text()),
    and_(bindparam("type_", type_=Text()) == "like", notifications.c.type == "reaction"),
)
# What stands in one group: the same thing done to the same object, or to the person themselves.
OF_GROUP = keyset(
    _select().where(
        _IS_OF_TYPE,
        func.coalesce(notifications.c.object_id, 0) == bindparam("object_id", type_=BigInteger()),
    ),
    notifications.c.id,
)
LAST_READ = Statement(
    select(markers.c.last_read_id).where(markers.c.actor_id == VIEWER, markers.c.timeline == "notifications")
)
SETTINGS = Statement(select(users.c.settings).where(users.c.id == bindparam("user_id", type_=BigInteger())))
_SET_SETTINGS = Statement(
    update(users)
    .where(users.c.id == bindparam("user_id", type_=BigInteger()))
    .values(settings=bindparam("new_settings", type_=Text()))
)
_CLEAR = Statement(delete(notifications).where(notifications.c.actor_id == _ACTOR))
_DISMISS = Statement(
    delete(notifications)
    .where(notifications.c.actor_id == _ACTOR, one_of(notifications.c.id, "ids"))
    .returning(notifications.c.id)
)
_DISMISS_GROUP = Statement(
    delete(notifications).where(
        notifications.c.actor_id == _ACTOR,
        _IS_OF_TYPE,
        func.coalesce(notifications.c.object_id, 0) == bindparam("object_id", type_=BigInteger()),
    )
)


def clear(actor_id: int) -> Unit[None]:
    """All of a person's notifications go."""
    yield Run(_CLEAR, [{"actor": actor_id}])


def dismiss(actor_id: int, ids: list[int]) -> Unit[int]:
    """These go; how many there were."""
    rows = yield Fetch(_DISMISS, {"actor": actor_id, "ids": ids})
    return len(rows)


def dismiss_group(actor_id: int, type_: str, object_id: int) -> Unit[None]:
    """All that stand in one group go."""
    yield Run(_DISMISS_GROUP, [{"actor": actor_id, "type_": type_, "object_id": object_id}])


def change_policy(user_id: int, changes: Mapping[str, str]) -> Unit[None]:
    """From whom a person wants to hear: `notification_policy` among their settings."""
    rows = yield Fetch(SETTINGS, {"user_id": user_id})
    if rows:
        settings = orjson.loads(rows[0]["settings"])
        settings["notification_policy"] = {**(settings.get("notification_policy") or {}), **changes}
        yield Run(_SET_SETTINGS, [{"user_id": user_id, "new_settings": dump_json(settings)}])
