"""The server as a whole: settings of one row, figures, the hosts it knows."""

from __future__ import annotations

from sqlalchemy import BigInteger, Text, bindparam, func, select

from fediverse_node.storage.statement import Statement
from fediverse_node.storage.tables import actors, hosts, objects, settings, users
from fediverse_node.storage.unit import Fetch, Insert, Unit

SETTING = Statement(select(settings.c.value).where(settings.c.key == bindparam("key", type_=Text())))
USER_COUNT = Statement(
    select(func.count())
    .select_from(users)
    .where(users.c.confirmed_ms.is_not(None), users.c.approved_ms.is_not(None), users.c.disabled_ms.is_(None))
)
ACTIVE_USER_COUNT = Statement(
    select(func.count()).select_from(users).where(users.c.last_seen_ms >= bindparam("since_ms", type_=BigInteger()))
)
LOCAL_STATUS_COUNT = Statement(
    select(func.coalesce(func.sum(actors.c.statuses_count), 0)).select_from(actors).where(actors.c.local)
)
HOST_COUNT = Statement(select(func.count()).select_from(hosts))
HOSTS = Statement(select(hosts.c.host).order_by(hosts.c.host).limit(bindparam("limit", type_=BigInteger())))
# The person to turn to: whoever owns the server.
CONTACT = Statement(
    select(users.c.actor_id)
    .where(users.c.role.in_(("owner", "admin")), users.c.disabled_ms.is_(None))
    .order_by(users.c.id)
)
_SINCE, _BEFORE = bindparam("since", type_=BigInteger()), bindparam("before", type_=BigInteger())
STATUSES_BETWEEN = Statement(
    select(func.count())
    .select_from(objects)
    .where(objects.c.local, objects.c.announce_of_id.is_(None), objects.c.id >= _SINCE, objects.c.id < _BEFORE)
)
USERS_BETWEEN = Statement(select(func.count()).select_from(users).where(users.c.id >= _SINCE, users.c.id < _BEFORE))
LOGINS_BETWEEN = Statement(
    select(func.count()).select_from(users).where(users.c.last_seen_ms >= _SINCE, users.c.last_seen_ms < _BEFORE)
)


def put_setting_once(key: str, value: str) -> Unit[str]:
    """Store a setting unless it is there; answers what is stored then."""
    yield Insert(settings, [{"key": key, "value": value}])
    rows = yield Fetch(SETTING, {"key": key})
    return str(rows[0]["value"])
