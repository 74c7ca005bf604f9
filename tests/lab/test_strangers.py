"""Servers that are none of ours live in a simulated world too: personas, and any aiohttp application."""

from __future__ import annotations

import pytest
from aiohttp import web

from fediverse_node.base.errors import NodeError
from fediverse_node.lab.personas import PERSONAS
from fediverse_node.lab.stranger import Stranger
from fediverse_node.lab.world import World, simulate

# What they cannot do is not asked of them here; tests/lab/personas asks for all that they can.
_TALKATIVE = sorted(name for name in PERSONAS if name in ("mastodon", "misskey", "akkoma", "gotosocial", "snac"))


@pytest.mark.parametrize("software", _TALKATIVE)
async def test_a_persona_talks_with_a_node(world: World, software: str) -> None:
    alice = await world.person("alice@alpha")
    persona = await world.persona(software)
    carl = persona.person("carl")
    await carl.follows(alice.uri)
    await world.quiet()
    post = await alice.posts("hello over there")
    await world.quiet()
    assert carl.sees("hello over there")
    answer = await carl.replies(post.uri, "hello yourself")
    await world.quiet()
    assert alice.sees("hello yourself"), answer
    assert any(exchange.sender == f"{software}.test" for exchange in world.recording)


async def _with_a_persona(world: World) -> bytes:
    alice = await world.person("alice@alpha")
    mastodon = await world.persona("mastodon")
    await mastodon.person("carl").follows(alice.uri)
    await alice.posts("hello")
    await world.quiet()
    return world.recording.dump()


def test_a_world_with_a_persona_repeats_itself() -> None:
    assert simulate(_with_a_persona, seed=1) == simulate(_with_a_persona, seed=1)


async def test_an_application_of_ones_own_answers_under_a_name_and_asks_from_it(world: World) -> None:
    async def hello(request: web.Request) -> web.Response:
        return web.json_response({"host": request.host})

    def make(stranger: Stranger) -> web.Application:
        app = web.Application()
        app.router.add_get("/", hello)
        return app

    await world.node("alpha")
    stranger = await world.attach("mine.example", make)
    answer = await stranger.http.get("https://alpha.test/nodeinfo/2.1", accept="application/json")
    assert getattr(answer, "status", answer) == 200
    assert [(x.sender, x.receiver) for x in world.recording] == [("mine.example", "alpha.test")]
    other = await world.attach("other.example", web.Application())
    answer = await other.http.get("https://mine.example/", accept="application/json")
    assert getattr(answer, "body", answer) == b'{"host": "mine.example"}'


async def test_an_unknown_persona_is_refused_with_the_list_of_those_there_are(world: World) -> None:
    with pytest.raises(NodeError, match="there are akkoma, "):
        await world.persona("friendster")
