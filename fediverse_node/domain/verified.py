"""An activity of which is known who says it.

Constructed in two places only: `inbox/receive.py` for what other servers send, and `inbox/gather.py` for what
was fetched from its own origin.
Rules take this type and not a bare Activity, so skipping verification does not type-check.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from fediverse_node.protocol.activitystreams import Activity
from fediverse_node.protocol.objects import ObjectDocument


@dataclass(frozen=True, slots=True)
class Verified:
    """`signer` is the URI of the actor whose key signed; it equals `activity.actor`.

    `object` is the embedded object where it could be read and belongs to the same origin, or the one that
    was fetched in its place. `solicited`: we asked for it (a thread, a search), so relevance is not asked.
    """

    activity: Activity
    signer: str
    method: Literal["cavage", "rfc9421", "fetched"]
    object: ObjectDocument | None = None
    solicited: bool = False
    depth: int = 0  # how many parents were climbed to get here
