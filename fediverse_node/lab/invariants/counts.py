"""Every counter equals what it counts, in every database, after every step.

Promises: likes, replies and boosts of each post, followers, followees and posts of each actor, and the votes of each
poll of a node's own are stored as what counting the rows gives. Without exception, also under faults, because a
counter changes in the transaction of what it counts.
"""

from __future__ import annotations

from collections.abc import Iterator

from fediverse_node.lab.invariants.broken import Finding
from fediverse_node.lab.invariants.changes import Changes
from fediverse_node.lab.invariants.scene import Now, Scene
from fediverse_node.storage.queries.recount import OUR_POLLS, OUR_VOTES, WRONG_COUNTERS, wrong_polls


class Counts:
    """Counts again where something was written since the last look."""

    name = "counts"

    def __init__(self, scene: Scene) -> None:
        self._scene = scene
        self._changes = Changes()

    def after_step(self, now: Now) -> Iterator[Finding]:
        """The databases that changed."""
        for host, node in self._scene.nodes.items():
            if self._changes.is_new(host, node.database):
                yield from self._count(host)

    def at_quiet(self, now: Now) -> Iterator[Finding]:
        """Nothing more."""
        yield from ()

    def _count(self, host: str) -> Iterator[Finding]:
        database = self._scene.nodes[host].database
        for statement in WRONG_COUNTERS:
            for row in database.read(statement):
                yield Finding(
                    f"{row['counter']} is wrong",
                    f"{host} stores {row['stored']} as {row['counter']} of number {row['id']}, "
                    f"and there are {row['counted']}",
                )
        for question, stored, counted in wrong_polls(database.read(OUR_POLLS), database.read(OUR_VOTES)):
            yield Finding(
                "a poll is counted wrongly",
                f"{host} stores {stored} for its poll number {question}, and the votes are {counted} (voters last)",
            )
