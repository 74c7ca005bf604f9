"""What was committed, for those who react to it: open streams, push, the sender."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Published:
    """Something new is in these readers' home timelines (and in the public ones, if it is public)."""

    object_id: int
    reader_ids: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class Edited:
    """An object has a new version."""

    object_id: int


@dataclass(frozen=True, slots=True)
class Removed:
    """An object is gone."""

    object_id: int


@dataclass(frozen=True, slots=True)
class Notified:
    """A local actor has a new notification."""

    notification_id: int
    actor_id: int


@dataclass(frozen=True, slots=True)
class Conversed:
    """A private conversation of a local actor has something new."""

    object_id: int
    actor_id: int


Event = Published | Edited | Removed | Notified | Conversed


@dataclass(slots=True)
class Applied:
    """What a batch did besides its rows."""

    events: list[Event] = field(default_factory=list)
    delivers: bool = False
    fetches: bool = False
    walks: bool = False  # a conversation is to be looked through
    errands: bool = False  # something long is to be done piece by piece
    orphaned_files: list[str] = field(default_factory=list)
    # Actors who may have other followers than before; whoever is gone altogether is not looked for.
    followed: set[int] = field(default_factory=set)
