"""What must hold in every federation, whatever happens to it; each promise in a file of its own.

    leaks         private words are found nowhere outside the hosts of those whom they are for
    convergence   copies say what their origin says, and are where they have to be
    agreement     (told as convergence) two nodes agree about a like, boost, follow, block or vote between them
    deletions     deleted means gone, and it stays gone
    once          what happened once has its effect once
    accepted      what was answered 2xx is there, through crashes and full disks
    counts        every counter equals what it counts
    unbroken      nothing crashes, and no answer is malformed

`Checker(world)` holds a world to all of them; `Broken` tells which did not hold, with seed, step and exchange.
"""

from __future__ import annotations

from fediverse_node.lab.invariants.broken import Broken
from fediverse_node.lab.invariants.checker import INVARIANTS, Checker

__all__ = ["INVARIANTS", "Broken", "Checker"]
