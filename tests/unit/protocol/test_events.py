"""When, where, and how to take part, in the words of every calendar."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from fediverse_node.protocol.events import Event, Place, parse_event, parse_places
from fediverse_node.protocol.html import sanitise, to_plain_text
from fediverse_node.protocol.objects import ObjectDocument, parse_object
from fediverse_node.protocol.text_html import text_html

WHEN = datetime(2026, 7, 14, 15, 30, tzinfo=UTC)


def event(**more: Any) -> Event:
    return parse_event({"type": "Event", "startTime": "2026-07-14T17:30:00+02:00", **more})


@pytest.mark.parametrize(
    ("location", "place"),
    [
        ({"type": "Place", "name": "Colosseo"}, Place("Colosseo")),
        ("The old mill", Place("The old mill")),
        ("https://meet.example/room", Place(url="https://meet.example/room")),
        ({"type": "VirtualLocation", "url": "https://meet.example/room"}, Place(url="https://meet.example/room")),
        (
            {"type": "Place", "name": "Online", "address": {"type": "VirtualLocation", "url": "https://meet.example/"}},
            Place("Online", url="https://meet.example/"),
        ),
        (
            {
                "type": "Place", "name": "Foo", "latitude": 47.5, "longitude": 15.25,
                "address": {
                    "streetAddress": "15 Street", "postalCode": "8010", "addressLocality": "Graz",
                    "addressCountry": " ",
                },
            },
            Place("Foo", ("15 Street", "8010", "Graz"), 47.5, 15.25),
        ),
        (
            {"name": "Bar", "address": "Somewhere 1", "geo": {"latitude": 1, "longitude": 999}},
            Place("Bar", ("Somewhere 1",), 1.0),
        ),
    ],
)  # fmt: skip
def test_a_place_of_any_form_is_read(location: object, place: Place) -> None:
    assert parse_places(location) == (place,)
    assert parse_places([{}, None, "", location]) == (place,)


def test_how_to_take_part_is_read() -> None:
    found = event(
        joinMode="restricted", maximumAttendeeCapacity=20, remainingAttendeeCapacity=0, participantCount=20,
        timezone="Europe/Vienna", externalParticipationUrl="https://tickets.example/1",
    )  # fmt: skip
    assert found.starts == WHEN
    assert (found.join_mode, found.capacity, found.remaining, found.participants) == ("restricted", 20, 0, 20)
    assert found.participation_url == "https://tickets.example/1"
    # Mobilizon writes 0 where there is no limit, and nobody knows a mode called "maybe".
    assert event(maximumAttendeeCapacity=0, joinMode="maybe") == Event(starts=WHEN)
    assert event(attendees={"type": "Collection", "totalItems": 84}).participants == 84


def test_who_organises_is_read_beside_the_author() -> None:
    organizers = {
        "type": "OrganizersCollection",
        "items": [{"type": "Group", "id": "https://a.example/g"}, {"name": "Bob"}],
    }
    assert event(organizers=organizers).organizers == ("https://a.example/g",)
    mobilizon = event(
        actor="https://a.example/@bob", attributedTo="https://a.example/@group", contacts=["https://a.example/@eve"]
    )
    assert mobilizon.organizers == ("https://a.example/@eve", "https://a.example/@bob")


def test_an_event_is_shown_with_its_time_and_place() -> None:
    post = parse_object(
        {
            "type": "Event", "id": "https://a.example/e/1", "attributedTo": "https://a.example/u", "name": "Picnic",
            "startTime": "2026-07-14T17:30:00+02:00", "location": {"name": "Park"}, "content": "<p>Bring cake</p>",
            "attachment": [{"type": "Link", "href": "https://a.example/chat", "rel": "discussion"}],
        }
    )  # fmt: skip
    assert isinstance(post, ObjectDocument)
    assert (post.starts, post.place) == (WHEN, "Park")
    text = to_plain_text(sanitise(text_html(post)))
    assert text == "Picnic\n\n2026-07-14 15:30 UTC · Park\n\nBring cake"
