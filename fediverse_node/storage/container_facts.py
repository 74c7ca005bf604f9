"""Loads who is told what is added to conversations that began here.  spec: fep-171b

Only servers that listen to it are told (`SOFTWARE`, as their NodeInfo says). Where none is known, one look at an index
is all that this costs a batch.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from sqlalchemy import BigInteger, Integer, bindparam, exists, literal_column, not_, or_, select

from fediverse_node.domain.containers import SOFTWARE
from fediverse_node.domain.facts import Needs
from fediverse_node.domain.model import Container, Object, Visibility
from fediverse_node.storage.apply.deliveries import BEST_INBOX, REACHABLE
from fediverse_node.storage.queries.containers import container_of, select_container
from fediverse_node.storage.queries.federation_documents import OPEN
from fediverse_node.storage.statement import Statement, one_of
from fediverse_node.storage.tables import actors, blocks, follows, hosts, objects
from fediverse_node.storage.unit import Fetch, Unit

_ONE = literal_column("1", Integer())
_OPEN = (Visibility.PUBLIC, Visibility.UNLISTED)
_listens = or_(*(hosts.c.software == name for name in SOFTWARE))
_roots = objects.alias("roots")

_TOLD = Statement(
    select_container().where(one_of(objects.c.id, "ids"), exists(select(_ONE).select_from(hosts).where(_listens)))
)


# Begins with the few servers that listen, and not with all the followers that somebody may have: hence the empty
# string, with which no index knows the host.
_FOLLOWERS = Statement(
    select(BEST_INBOX)
    .distinct()
    .select_from(hosts.join(actors, actors.c.host == hosts.c.host.concat("")))
    .where(
        _listens,
        *REACHABLE,
        exists(
            select(_ONE)
            .select_from(follows)
            .where(
                follows.c.follower_id == actors.c.id,
                follows.c.followed_id == bindparam("owner_id", type_=BigInteger()),
                follows.c.accepted,
            )
            .correlate(actors)
        ),
    )
)
_PARTICIPANTS = Statement(
    select(objects.c.thread_id, BEST_INBOX)
    .distinct()
    .select_from(objects.join(actors, objects.c.actor_id == actors.c.id).join(hosts, hosts.c.host == actors.c.host))
    .where(
        _listens,
        *REACHABLE,
        one_of(objects.c.thread_id, "ids"),
        objects.c.announce_of_id.is_(None),
        objects.c.visibility <= OPEN,
        not_(
            exists(
                select(_ONE)
                .select_from(blocks.join(_roots, _roots.c.actor_id == blocks.c.actor_id))
                .where(_roots.c.id == objects.c.thread_id, blocks.c.target_id == objects.c.actor_id)
                .correlate(objects)
            )
        ),
    )
)


def load_containers(needs: Sequence[Needs], objects_by_id: Mapping[int, Object]) -> Unit[dict[int, Container]]:
    """The conversations of the known objects of which somebody elsewhere is told."""
    if not any(need.containers for need in needs):
        return {}
    threads = {o.thread_id or o.id for o in objects_by_id.values() if o.visibility in _OPEN}
    known = {thread_id: objects_by_id[thread_id] for thread_id in threads if thread_id in objects_by_id}
    ids = sorted(thread_id for thread_id in threads if thread_id not in known or known[thread_id].local)
    if not ids:
        return {}
    rows = yield Fetch(_TOLD, {"ids": ids})
    if not rows:
        return {}
    inboxes: dict[int, dict[str, None]] = {row["thread_id"]: {} for row in rows}
    for owner_id in sorted({row["owner_id"] for row in rows}):
        found = yield Fetch(_FOLLOWERS, {"owner_id": owner_id})
        for row in rows:
            if row["owner_id"] == owner_id:
                inboxes[row["thread_id"]] |= dict.fromkeys(each["best_inbox"] for each in found)
    for row in (yield Fetch(_PARTICIPANTS, {"ids": sorted(inboxes)})):
        inboxes[row["thread_id"]][row["best_inbox"]] = None
    told = {row["thread_id"]: tuple(sorted(inboxes[row["thread_id"]])) for row in rows}
    return {row["thread_id"]: container_of(row, told[row["thread_id"]]) for row in rows if told[row["thread_id"]]}
