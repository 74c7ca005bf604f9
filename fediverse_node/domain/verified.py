"""An activity of which is known who says it.

Constructed in few places only: `inbox/authenticate.py` for what other servers send, `inbox/gather.py` and
`inbox/hearsay.py` for what was seen at its own origin, and `inbox/staging.py` for what was authenticated before.
Rules take this type and not a bare Activity, so skipping verification does not type-check.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from fediverse_node.protocol.activitystreams import Activity
from fediverse_node.protocol.objects import ObjectDocument


@dataclass(frozen=True, slots=True)
class Verified:
    """`signer` is the URI of the actor whose key signed; it equals `activity.actor`.

    `method`: a signed request by the actor (`cavage`, `rfc9421`), a proof (`proof`) or linked-data signature (`ld`) of
    the actor in what somebody passed on, or `fetched` from the actor's own server. `received` are the bytes that came,
    if they carry a signature of their own and so can be passed on.

    `object` is the embedded object where it could be read and belongs to the same origin, or the one that
    was fetched in its place. `solicited`: we asked for it (a thread, a search), so relevance is not asked.
    """

    activity: Activity
    signer: str
    method: Literal["cavage", "rfc9421", "proof", "ld", "fetched"]
    object: ObjectDocument | None = None
    solicited: bool = False
    depth: int = 0  # how many parents were climbed to get here
    # Found while a conversation was looked through, which has a budget: nothing more is fetched because of it.
    walked: bool = False
    received: bytes | None = field(default=None, repr=False)
