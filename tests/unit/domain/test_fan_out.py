from __future__ import annotations

from dataclasses import dataclass

import pytest

from fediverse_node.domain.facts import Facts
from fediverse_node.domain.fan_out import readers_of, readers_of_announce
from fediverse_node.domain.model import Actor, Reader
from tests.activities.builders import ALICE, BOB, CAROL, DAVE, EVE, ZOE, Given, a_world, who


@dataclass(frozen=True)
class Said:
    """What somebody said, as far as the fan-out looks at it."""

    by: Actor = BOB
    to: Actor | None = None
    is_reply: bool = False
    language: str | None = None
    mentions: tuple[Actor, ...] = ()
    hashtags: tuple[str, ...] = ()
    public: bool = True


READ_BOB = ((CAROL, BOB), (DAVE, BOB))


@pytest.mark.parametrize(
    "facts, said, readers",
    [
        pytest.param(a_world(Given(follows=READ_BOB)), Said(), "carol dave", id="followers read it"),
        pytest.param(a_world(Given(requests=[(CAROL, BOB)])), Said(), "nobody", id="who only asked does not"),
        pytest.param(a_world(Given(follows=[(EVE, BOB)])), Said(), "nobody", id="other servers show it themselves"),
        pytest.param(a_world(), Said(by=ALICE), "alice", id="our authors see what they say"),
        pytest.param(
            a_world(Given(follows=READ_BOB)), Said(to=BOB, is_reply=True), "carol dave", id="an answer to oneself"
        ),
        pytest.param(
            a_world(Given(follows=[*READ_BOB, (CAROL, ZOE)])),
            Said(to=ZOE, is_reply=True),
            "carol",
            id="an answer to somebody is read by who follows both",
        ),
        pytest.param(
            a_world(Given(follows=READ_BOB, requests=[(CAROL, ZOE)])),
            Said(to=ZOE, is_reply=True),
            "nobody",
            id="a request to follow the other is not enough",
        ),
        pytest.param(
            a_world(Given(follows=READ_BOB)), Said(to=CAROL, is_reply=True), "carol", id="an answer to a reader"
        ),
        pytest.param(
            a_world(Given(follows=READ_BOB)), Said(is_reply=True), "nobody", id="an answer to something unknown"
        ),
        pytest.param(
            a_world(Given(follows=READ_BOB, mutes=[(CAROL, BOB)], blocks=[(DAVE, BOB)])),
            Said(),
            "nobody",
            id="not by who mutes or blocks the author",
        ),
        pytest.param(
            a_world(Given(follows=READ_BOB, mutes=[(CAROL, ZOE)], blocks=[(DAVE, ZOE)])),
            Said(mentions=(ZOE,)),
            "nobody",
            id="not by who mutes or blocks somebody mentioned",
        ),
        pytest.param(
            a_world(Given(follows=[*READ_BOB, (CAROL, ZOE), (DAVE, ZOE)], mutes=[(CAROL, ZOE)])),
            Said(to=ZOE, is_reply=True),
            "dave",
            id="not by who mutes the one answered",
        ),
        pytest.param(
            a_world(Given(follows=READ_BOB), hidden_from_home={(CAROL.id, BOB.id)}),
            Said(),
            "dave",
            id="not in the home of who keeps the author in an exclusive list",
        ),
        pytest.param(
            a_world(Given(readers=[(BOB, Reader(CAROL.id, languages=("de",))), (BOB, Reader(DAVE.id))])),
            Said(language="en-GB"),
            "dave",
            id="not by who wants other languages",
        ),
        pytest.param(
            a_world(Given(readers=[(BOB, Reader(CAROL.id, languages=("en",)))])),
            Said(language="en-GB"),
            "carol",
            id="a region of a wanted language is wanted",
        ),
        pytest.param(
            a_world(Given(readers=[(BOB, Reader(CAROL.id, languages=("de",)))])),
            Said(),
            "carol",
            id="what does not say its language is shown",
        ),
        pytest.param(
            a_world(hashtag_followers={"cats": (CAROL.id,)}),
            Said(hashtags=("cats",)),
            "carol",
            id="by who follows a tag",
        ),
        pytest.param(
            a_world(hashtag_followers={"cats": (CAROL.id,)}),
            Said(hashtags=("cats",), public=False),
            "nobody",
            id="tags find public objects only",
        ),
        pytest.param(
            a_world(Given(blocks=[(CAROL, BOB), (BOB, DAVE)]), hashtag_followers={"cats": (CAROL.id, DAVE.id)}),
            Said(hashtags=("cats",)),
            "nobody",
            id="tags do not reach across a block in either direction",
        ),
        pytest.param(
            a_world(Given(follows=[(CAROL, BOB)]), hashtag_followers={"cats": (CAROL.id,)}),
            Said(hashtags=("cats",)),
            "carol",
            id="once, however often they would find it",
        ),
    ],
)
def test_whose_home_timeline_shows_an_object(facts: Facts, said: Said, readers: str) -> None:
    found = readers_of(
        said.by,
        object_language=said.language,
        is_reply=said.is_reply,
        reply_to_actor_id=said.to.id if said.to else None,
        mention_ids=tuple(person.id for person in said.mentions),
        hashtags=said.hashtags,
        public=said.public,
        facts=facts,
    )
    assert who(found) == readers
    assert len(found) == len(set(found))


@pytest.mark.parametrize(
    "facts, by, readers",
    [
        pytest.param(a_world(Given(follows=READ_BOB)), BOB, "carol dave", id="followers read it"),
        pytest.param(a_world(), ALICE, "alice", id="our announcers see what they pass on"),
        pytest.param(
            a_world(Given(readers=[(BOB, Reader(CAROL.id, show_announces=False))])), BOB, "nobody", id="if they want it"
        ),
        pytest.param(
            a_world(Given(follows=READ_BOB, mutes=[(CAROL, ZOE)], blocks=[(DAVE, ZOE)])),
            BOB,
            "nobody",
            id="not by who mutes or blocks the author",
        ),
        pytest.param(
            a_world(Given(follows=READ_BOB, blocks=[(ZOE, CAROL)])), BOB, "dave", id="not by whom the author blocks"
        ),
        pytest.param(
            a_world(Given(follows=READ_BOB), hidden_from_home={(CAROL.id, BOB.id)}),
            BOB,
            "dave",
            id="not if kept in a list",
        ),
    ],
)
def test_whose_home_timeline_shows_an_announce(facts: Facts, by: Actor, readers: str) -> None:
    assert who(readers_of_announce(by, ZOE.id, (), facts)) == readers
