"""A conversation by ActivityPub clients alone between simulated nodes, and cards of a page on a simulated web."""

from __future__ import annotations

from typing import Any

from aiohttp import web

from fediverse_node.lab.people import Person
from fediverse_node.lab.world import World, simulate

PUBLIC = "https://www.w3.org/ns/activitystreams#Public"
PAGE = '<title>News</title><meta property="og:description" content="What is new.">'


async def does(person: Person, **activity: Any) -> Any:
    """Put it into the outbox; the activity as it went out."""
    return await person.ask("POST", f"/users/{person.name}/outbox", **activity)


async def arrived(person: Person, kind: str) -> list[Any]:
    """What of a kind is in somebody's inbox, newest first."""
    page = await person.ask("GET", f"/users/{person.name}/inbox?page=true")
    return [item for item in page["orderedItems"] if item["type"] == kind]


async def _conversation(world: World) -> list[tuple[str, str]]:
    alice, ben = await world.people("alice@alpha", "ben@beta")
    await does(ben, type="Follow", object=alice.uri)
    await world.quiet()
    note = (await does(alice, type="Note", content="<p>Who is there?</p>", to=[PUBLIC]))["object"]
    await world.quiet()
    [create] = await arrived(ben, "Create")
    assert create["object"]["id"] == note["id"]
    liked = await does(ben, type="Like", object=note["id"])
    answer = await does(ben, type="Note", content="Me", inReplyTo=note["id"], to=[PUBLIC, alice.uri])
    await world.quiet()
    assert [each["id"] for each in await arrived(alice, "Like")] == [liked["id"]]
    [reply] = await arrived(alice, "Create")
    assert reply["object"]["id"] == answer["object"]["id"]
    await does(ben, type="Undo", object=liked["id"])
    await does(alice, type="Delete", object=note["id"])
    await world.quiet()
    assert await arrived(alice, "Like") == []
    assert await arrived(ben, "Create") == []
    return [(each.sender, each.request.start) for each in world.recording]


def test_a_conversation_by_outboxes_holds_what_every_federation_promises_and_is_the_same_each_time() -> None:
    first, second = (simulate(_conversation, seed=4711) for _ in range(2))
    assert first == second


async def test_each_server_asks_a_linked_page_once_and_no_reader_does(world: World) -> None:
    asked: list[str] = []

    async def answer(request: web.Request) -> web.Response:
        asked.append(request.headers["User-Agent"])
        return web.Response(text=PAGE, content_type="text/html")

    site = web.Application()
    site.router.add_get("/story", answer)
    await world.attach("news.test", site)
    alice, ben = await world.people("alice@alpha", "ben@beta")
    await ben.follows(alice)
    await world.quiet()
    posts = [await alice.posts(f"{number}: https://news.test/story") for number in range(5)]
    private = await alice.posts("https://news.test/secret", to="followers")
    await world.quiet()
    await world.wait(minutes=2)
    for person in (alice, ben):
        for post in posts:
            card = (await person.looks_at(post))["card"]
            assert (card["title"], card["description"]) == ("News", "What is new.")
        assert (await person.looks_at(private))["card"] is None
    assert len(asked) == 2
    assert sorted("alpha.test" in agent for agent in asked) == [False, True]
