"""What the answer of an inbox means for a delivery."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import Enum

from fediverse_node.base.outcome import Fail, TemporaryFail
from fediverse_node.transport.exchange import Response
from fediverse_node.transport.faults import FetchFault

# A peer that could not fetch our key, or whose clock is off, answers like this for a while.
_PERHAPS_LATER = {401, 403, 404}
# The last of them is later than anybody waits before it asks for a changed key again.
_TRIES_WHEN_REFUSED = 4


class Verdict(Enum):
    """What happens next."""

    DELIVERED = "delivered"
    REFUSED = "the other server does not take it"
    LATER = "tried again later"
    HOST_DOWN = "the host does not answer; tried again later, with all that waits for it"


@dataclass(frozen=True, slots=True)
class Outcome:
    """A verdict with its cause in words, for the receipt."""

    verdict: Verdict
    cause: str = ""
    retry_after_s: float | None = None


def judge(answer: Response | Fail | TemporaryFail, attempts: int, now: datetime) -> Outcome:
    """`attempts` counts this one."""
    if isinstance(answer, TemporaryFail):
        return Outcome(Verdict.HOST_DOWN, str(answer))
    if isinstance(answer, Fail):
        if answer.reason in (FetchFault.DNS, FetchFault.TLS, FetchFault.REFUSED_CONNECTION):
            return Outcome(Verdict.HOST_DOWN, str(answer))
        return Outcome(Verdict.REFUSED, str(answer))
    if 200 <= answer.status < 300:
        return Outcome(Verdict.DELIVERED)
    cause = f"status {answer.status}"
    asked_s = answer.retry_after_s(now)
    if answer.status in (408, 425, 429):
        return Outcome(Verdict.LATER, cause, asked_s)
    if answer.status >= 500:
        return Outcome(Verdict.HOST_DOWN, cause, asked_s)
    if answer.status in _PERHAPS_LATER and attempts < _TRIES_WHEN_REFUSED:
        return Outcome(Verdict.LATER, cause, asked_s)
    return Outcome(Verdict.REFUSED, cause)
