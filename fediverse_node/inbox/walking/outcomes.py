"""What the end of a request, or the refusal to store what came, means for a conversation."""

from __future__ import annotations

from fediverse_node.base.outcome import Fail, TemporaryFail
from fediverse_node.domain.effects import Refusal
from fediverse_node.domain.threads import Lack
from fediverse_node.protocol.reasons import WireReason
from fediverse_node.transport.faults import FetchFault

_LACKS = {
    Refusal.SUSPENDED: Lack.BLOCKED,
    Refusal.NOT_PERMITTED: Lack.BLOCKED,
    Refusal.DELETED: Lack.GONE,
    WireReason.GONE: Lack.GONE,
    FetchFault.GONE: Lack.GONE,
    FetchFault.NOT_FOUND: Lack.MISSING,
    FetchFault.FORBIDDEN: Lack.REFUSED,
    FetchFault.REFUSED_STATUS: Lack.REFUSED,
    FetchFault.BUDGET_SPENT: Lack.WAITING,
}


def lack_of(outcome: Fail | TemporaryFail) -> Lack:
    """Why it is not here."""
    found = _LACKS.get(outcome.reason)
    if found is not None:
        return Lack(found)
    return Lack.UNREACHABLE if isinstance(outcome, TemporaryFail) else Lack.UNREADABLE
