"""Meetings: when, where and how to take part. spec: fep-8a8e, as2#events

Mobilizon, Gancio, Hubzilla, WordPress and Friendica say it in nearly the same words. Does not join anything.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from fediverse_node.protocol.reading import (
    boolean,
    integer,
    mapping,
    mappings,
    moment,
    number,
    sequence,
    text,
    uri,
    uris,
    web_url,
)

PLACES_LIMIT = 10
ORGANIZERS_LIMIT = 20

_ADDRESS_KEYS = ("streetAddress", "postalCode", "addressLocality", "addressRegion", "addressCountry")
# free: anybody may; restricted: after approval; external: at `participation_url`; invite: only who was asked.
JOIN_MODES = frozenset({"free", "restricted", "external", "invite", "none"})


@dataclass(frozen=True, slots=True)
class Place:
    """Where it is. `url` is set where it is a place on the net; degrees are those of WGS 84."""

    name: str = ""
    address: tuple[str, ...] = ()
    latitude: float | None = None
    longitude: float | None = None
    url: str | None = None

    @property
    def line(self) -> str:
        """All of it in one line, each part once."""
        return ", ".join(dict.fromkeys(part for part in (self.name, *self.address) if part))


@dataclass(frozen=True, slots=True)
class Event:
    """A meeting. `join_mode` is one of `JOIN_MODES` or None where it is not stated; `status` as in iCalendar.

    `organizers` are the addresses of those beside the author; `capacity` is None where there is no limit.
    """

    starts: datetime | None = None
    ends: datetime | None = None
    timezone: str | None = None
    places: tuple[Place, ...] = ()
    join_mode: str | None = None
    participation_url: str | None = None
    status: str | None = None
    capacity: int | None = None
    remaining: int | None = None
    participants: int | None = None
    organizers: tuple[str, ...] = ()
    online: bool = False

    @property
    def place(self) -> str:
        """The first place that is a place on earth, in one line; "" where there is none."""
        return next((place.line for place in self.places if place.line), "")


def parse_event(doc: Mapping[str, object]) -> Event:
    """The meeting an Event object describes."""
    join_mode, status = text(doc.get("joinMode"), 20).lower(), text(doc.get("ical:status"), 20).lower()
    attendees = mapping(doc.get("attendees")).get("totalItems")
    stated = doc.get("participantCount")
    places = parse_places(doc.get("location"))
    return Event(
        starts=moment(doc.get("startTime")),
        ends=moment(doc.get("endTime")),
        timezone=text(doc.get("timezone"), 100) or None,
        places=places,
        join_mode=join_mode if join_mode in JOIN_MODES else None,
        participation_url=web_url(doc.get("externalParticipationUrl")),
        status=status or text(doc.get("eventStatus"), 50).lower() or None,
        # Mobilizon writes 0 where there is no limit.
        capacity=integer(doc.get("maximumAttendeeCapacity")) or None,
        remaining=integer(doc.get("remainingAttendeeCapacity")),
        participants=integer(stated if stated is not None else attendees),
        organizers=_organizers(doc),
        # Mobilizon says `isOnline` even where the link is only for those who take part.
        online=any(place.url for place in places) or boolean(doc.get("isOnline")) or False,
    )


def parse_places(value: object) -> tuple[Place, ...]:
    """The places of `location`: texts, Places with an address, virtual ones with a link; WordPress lists several."""
    found: list[Place] = []
    for item in sequence(value)[:PLACES_LIMIT]:
        place = _place(item)
        if place is not None:
            found.append(place)
    return tuple(found)


def _place(item: object) -> Place | None:
    if isinstance(item, str):
        url = web_url(item)
        return Place(url=url) if url else (Place(text(item, 500)) if item.strip() else None)
    if not isinstance(item, Mapping):
        return None
    address = item.get("address")
    parts: tuple[str, ...] = ()
    url = web_url(item.get("url")) if "VirtualLocation" in str(item.get("type"))[:100] else None
    if isinstance(address, Mapping):
        url = url or web_url(address.get("url"))
        parts = tuple(part for key in _ADDRESS_KEYS if (part := text(address.get(key), 200).strip()))
    elif isinstance(address, str):
        parts = (text(address, 500).strip(),) if address.strip() else ()
    geo = mapping(item.get("geo")) or item
    place = Place(
        name=text(item.get("name"), 200).strip(),
        address=parts,
        latitude=_degrees(geo.get("latitude"), 90),
        longitude=_degrees(geo.get("longitude"), 180),
        url=url,
    )
    return place if place.line or place.url or place.latitude is not None else None


def _degrees(value: object, limit: float) -> float | None:
    found = number(value)
    return found if found is not None and -limit <= found <= limit else None


def _organizers(doc: Mapping[str, object]) -> tuple[str, ...]:
    # spec: fep-8a8e#organizers: a collection, or its address; Mobilizon lists `contacts`.
    value = doc.get("organizers")
    listed: list[object] = list(uris(doc.get("contacts"), ORGANIZERS_LIMIT))
    # Mobilizon: a Group's event has the Group as its author, and as `actor` who entered it.
    if (actor := uri(doc.get("actor"))) != uri(doc.get("attributedTo")):
        listed.append(actor)
    for holder in mappings(value, 1):
        items = holder.get("items")
        listed += sequence(items if items is not None else holder.get("orderedItems"))[:ORGANIZERS_LIMIT]
    found = (uri(item) for item in listed)
    return tuple(dict.fromkeys(address for address in found if address))[:ORGANIZERS_LIMIT]
