"""Outcomes as values: what may fail in ordinary operation returns one of these and never raises.

A reason is an enumeration whose members carry the sentence that logs, metrics, `doctor` and the
documentation use, so each way out has one name everywhere.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum


class Reason(Enum):
    """Base of all reason enumerations. A member's value is its sentence, in plain words."""

    @property
    def sentence(self) -> str:
        """What happened, for people."""
        return str(self.value)


@dataclass(frozen=True, slots=True)
class Fail:
    """It did not work, and trying the same again later will not help."""

    reason: Reason
    detail: str = ""

    def __str__(self) -> str:
        return f"{self.reason.sentence} ({self.detail})" if self.detail else self.reason.sentence


@dataclass(frozen=True, slots=True)
class TemporaryFail:
    """It did not work now; the same may work later."""

    reason: Reason
    detail: str = ""

    def __str__(self) -> str:
        return f"{self.reason.sentence} ({self.detail})" if self.detail else self.reason.sentence
