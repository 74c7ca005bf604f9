"""How long to wait before the next attempt, and when to stop."""

from __future__ import annotations

from fediverse_node.base.randomness import Randomness

# Seconds. A restart is over within a minute, an outage within hours, a server that moved within days.
_PAUSES_S = (30, 120, 480, 1_800, 7_200, 21_600, 43_200, 86_400, 86_400, 86_400, 86_400)
GIVE_UP_AFTER_MS = 7 * 86_400 * 1000


def pause_ms(attempts: int, randomness: Randomness, *, asked_s: float | None = None) -> int:
    """Milliseconds until the next attempt after `attempts` failed ones.

    A quarter more or less by chance, so that hosts that failed together do not come back together. What the
    peer asked for (Retry-After) counts if it is longer, up to a day.
    """
    pause_s = _PAUSES_S[min(max(attempts, 1), len(_PAUSES_S)) - 1] * (0.75 + randomness.fraction() / 2)
    if asked_s is not None:
        pause_s = max(pause_s, min(asked_s, 86_400.0))
    return int(pause_s * 1000)
