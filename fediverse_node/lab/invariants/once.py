"""What happened once has its effect once.

Promises: in no database are there two rows for one thing (a notification of one cause, a home entry, a like, boost,
follow, block, vote, object or actor), nor two deliveries of one activity to one inbox; nobody is told of more edits of
a post than it had; a node does not send an activity again to an inbox whose 2xx it has certainly heard; and a Follow
that came once is accepted once.

Excepted: a node that died or had no room on its disk before it could write down that the answer had come, may ask
again; and whoever asks twice to follow sends it twice.
"""

from __future__ import annotations

from collections.abc import Iterator

from fediverse_node.lab.exchange import Exchange
from fediverse_node.lab.invariants.broken import Finding
from fediverse_node.lab.invariants.scene import Now, Scene
from fediverse_node.lab.invariants.traffic import COPY, inner_of, is_delivery, is_heard, took_it
from fediverse_node.lab.invariants.views import address_of
from fediverse_node.storage.queries import comparing

_SIGNATURES = ("signature", "signature-input")


class Once:
    """Follows each new delivery."""

    name = "once"

    def __init__(self, scene: Scene) -> None:
        self._scene = scene
        self._sent: dict[int, None] = {}
        self._told: dict[tuple[str, str], None] = {}

    def after_step(self, now: Now) -> Iterator[Finding]:
        """No delivery repeats one that was heard."""
        for exchange in now.changed:
            if exchange.number not in self._sent and is_delivery(exchange):
                self._sent[exchange.number] = None
                if exchange.fault != COPY and exchange.activity.id:
                    yield from self._again(exchange)

    def at_quiet(self, now: Now) -> Iterator[Finding]:
        """No row stands there twice."""
        for host, view in now.views.items():
            database = self._scene.nodes[host].database
            for row in database.read(comparing.TWICE):
                if self._is_news(host, f"{row['what']} {row['which']}"):
                    yield Finding(
                        f"{row['what']} is there twice",
                        f"{host} has {row['number']} times {row['what']} {row['which']}",
                    )
            for (activity, receiver), rows in view.receipts.items():
                inboxes = [row["inbox"] for row in rows]
                is_repeated = len(set(inboxes)) < len(inboxes) and len(inboxes) > self._asked_for(activity)
                if is_repeated and self._is_news(host, f"{activity} {receiver}"):
                    yield Finding(
                        "an activity is to be delivered twice",
                        f"{host} has {len(inboxes)} deliveries of {activity} to {receiver}",
                    )
            for row in database.read(comparing.TOLD_OF_EDITS):
                edits = sum(act.target == row["object_uri"] for act in self._scene.ledger.acts_of("edits"))
                if row["number"] > edits > 0 and self._is_news(host, f"{row['actor_uri']} {row['object_uri']}"):
                    yield Finding(
                        "told of an edit twice",
                        f"{row['actor_uri']} was told {row['number']} times of {edits} edits of {row['object_uri']}",
                    )
        yield from self._accepted()

    def _is_news(self, host: str, what: str) -> bool:
        if (host, what) in self._told:
            return False
        self._told[host, what] = None
        return True

    def _again(self, exchange: Exchange) -> Iterator[Finding]:
        earlier = [
            other
            for other in self._scene.traffic.to(exchange.activity.id, exchange.receiver)
            if other.number < exchange.number and other.sender == exchange.sender and other.url == exchange.url
        ]
        heard = [
            other for other in earlier if took_it(other) and is_heard(other) and self._came_before(other, exchange)
        ]
        if not heard or len(heard) < self._asked_for(exchange.activity.id, exchange):
            return
        from_s, until_s = self._scene.seconds_of(heard[-1].at_ms), self._scene.seconds_of(exchange.at_ms)
        if self._scene.happened(exchange.sender, ("crashed", "stopped", "started"), from_s=from_s, until_s=until_s):
            return
        if self._scene.disk_was_full(exchange.sender, from_s=from_s, until_s=until_s):
            return
        yield Finding(
            f"{exchange.activity.type} is sent again",
            f"{exchange.sender} sends {exchange.activity.id} to {exchange.receiver} again, which had taken it",
            (heard[-1].number, exchange.number),
        )

    def _came_before(self, other: Exchange, exchange: Exchange) -> bool:
        return other.at_ms + other.took_ms < exchange.at_ms

    def _asked_for(self, activity_id: str, exchange: Exchange | None = None) -> int:
        """How often people asked for what an activity does: a Follow keeps its id while it waits for its answer."""
        if "/activities/follow/" not in activity_id:
            return 1
        actor = activity_id.partition("/activities/")[0]
        asked = [act for act in self._scene.ledger.acts_of("follows") if act.who == address_of(actor)]
        if exchange is not None:
            whom = address_of(exchange.activity.object_id)
            asked = [act for act in asked if act.target == whom]
        return max(len(asked), 1)

    def _accepted(self) -> Iterator[Finding]:
        """As many Accepts as there were requests to follow, counted by their signatures."""
        asked: dict[tuple[str, str], dict[str, int]] = {}
        accepts: dict[tuple[str, str], dict[str, int]] = {}
        for (activity, host), exchanges in self._scene.traffic.deliveries.items():
            first = exchanges[0]
            if first.activity.type == "Follow":
                signatures = {
                    _signature(exchange): exchange.number for exchange in exchanges if _may_have_come(exchange)
                }
                asked.setdefault((activity, host), {}).update(signatures)
            elif first.activity.type == "Accept" and inner_of(first)[0] == "Follow":
                accepts.setdefault((first.activity.object_id, first.sender), {})[activity] = first.number
        for (follow, host), found in accepts.items():
            requests = asked.get((follow, host), {})
            if len(found) > max(len(requests), 1) and self._is_news(host, f"accepts {follow}"):
                yield Finding(
                    "a Follow is accepted twice",
                    f"{host} sent {len(found)} Accepts of {follow}, which came {len(requests)} times",
                    (*requests.values(), *found.values()),
                )


def _signature(exchange: Exchange) -> str:
    return " ".join(exchange.request.header(name) or "" for name in _SIGNATURES)


def _may_have_come(exchange: Exchange) -> bool:
    return took_it(exchange) or exchange.answer is None or bool(exchange.failure)
