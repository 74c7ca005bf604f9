"""When a proof or linked-data signature was made, and whether it still counts.

spec: vc-data-integrity#proofs, xmlschema11-2#dateTime. What is signed inside a document can be passed on for ever: to
whoever gets it from somebody else, it counts as long as a signed request would.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from fediverse_node.base.outcome import Fail
from fediverse_node.signatures.reasons import SignatureFault

_LONGEST = 64
PAST = timedelta(hours=12)
FUTURE = timedelta(hours=1)


def parse_time(value: object) -> datetime | None:
    """The moment of an xsd:dateTime in UTC; None if it is none. Mitra and Fedify write nanoseconds."""
    if not isinstance(value, str) or not 10 <= len(value) <= _LONGEST:
        return None
    try:
        parsed = datetime.fromisoformat(value)
        return parsed.replace(tzinfo=UTC) if parsed.tzinfo is None else parsed.astimezone(UTC)
    except (ValueError, OverflowError):
        return None


def check_time(created: datetime, expires: datetime | None, now: datetime) -> Fail | None:
    """TOO_OLD, IN_THE_FUTURE or EXPIRED; None if it counts now."""
    age = now - created
    if age > PAST:
        return Fail(SignatureFault.TOO_OLD, f"by {age - PAST}")
    if age < -FUTURE:
        return Fail(SignatureFault.IN_THE_FUTURE, f"by {-age - FUTURE}")
    if expires is not None and expires <= now:
        return Fail(SignatureFault.EXPIRED, f"{now - expires} ago")
    return None
