"""Who answers somebody without naming them still reaches them: with the answer, its edits, and its deletion."""

from __future__ import annotations

from fediverse_node.lab.world import World, simulate
from fediverse_node.storage.queries.looking import ONE


def test_an_answer_that_names_nobody_is_edited_and_deleted_where_it_was_sent() -> None:
    async def story(world: World) -> None:
        alice, ben = await world.people("alice@alpha", "ben@beta")
        await ben.follows(alice)
        post = await alice.posts("hello")
        await world.quiet()
        found = await ben.ask("GET", f"/api/v2/search?type=statuses&resolve=true&q={post.uri}")
        answer = await ben.ask("POST", "/api/v1/statuses", status="gladly", in_reply_to_id=found["statuses"][0]["id"])
        await world.quiet()
        assert world.nodes["alpha.test"].database.read(ONE, object_uri=answer["uri"])
        await ben.ask("PUT", f"/api/v1/statuses/{answer['id']}", status="gladly indeed")
        await world.quiet()
        assert "indeed" in world.nodes["alpha.test"].database.read(ONE, object_uri=answer["uri"])[0]["content"]
        await ben.ask("DELETE", f"/api/v1/statuses/{answer['id']}")
        await world.quiet()
        assert not world.nodes["alpha.test"].database.read(ONE, object_uri=answer["uri"])

    simulate(story, seed=1)
