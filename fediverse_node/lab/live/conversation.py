"""Who lives in a world at first, and what they say to each other: something of each kind, across all nodes."""

from __future__ import annotations

import asyncio

from fediverse_node.lab.live.world import LiveWorld
from fediverse_node.lab.people import Person, Post

# By the letters of the first nodes: alice at alpha, ben at beta, so that one knows who is where.
_NAMES = (
    ("alice", "amir", "ada"),
    ("ben", "bea"),
    ("gita", "george", "grete"),
    ("dora", "dan"),
    ("eva", "emeka", "elif"),
    ("zoe", "zeno"),
    ("etta", "ewan", "esra"),
    ("thea", "theo"),
    ("ines", "ivo", "ida"),
    ("kofi", "karin"),
    ("lena", "luis", "lan"),
    ("maya", "milo"),
)
_SAID = (
    "Good morning! The kettle is on, the window is open, and the blackbird has an opinion.",
    "Who comes along to the library on Saturday? They give away old maps.",
    "I have been baking bread for a month now. The smoke alarm has stopped complaining. #bread",
    "The ferry was late, so I have seen the whole sunset. No complaints.",
    "Our choir needs one more alto and at least one person who owns a key.",
    "Found a book from 1931 with a tram ticket in it. Somebody never found out how it ends.",
)
_REPLIES = (
    "That made my day, thank you.",
    "Count me in. I bring a pump and a cake.",
    "Mine still sinks in the middle. What is your secret?",
    "Same here, only with rain.",
)


def people_of(position: int) -> tuple[str, ...]:
    """Who lives at the node at this position, counted from 0."""
    return _NAMES[position % len(_NAMES)]


async def populate(world: LiveWorld, hosts: list[str]) -> list[list[Person]]:
    """Their accounts, node by node, with names that people read."""
    return await asyncio.gather(
        *(world.people(*(f"{name}@{host}" for name in people_of(position))) for position, host in enumerate(hosts))
    )


async def talk(world: LiveWorld, people: list[list[Person]]) -> None:
    """A first conversation. It is done when all of it has been sent; `world.quiet()` waits for its arrival."""
    firsts = [each[0] for each in people]
    for person in (person for each in people for person in each):
        name = person.name.capitalize()
        await person.ask("PATCH", "/api/v1/accounts/update_credentials", display_name=name)
    await _follow(people)
    await world.quiet()
    posts: list[Post] = []
    for position, person in enumerate(firsts[: len(_SAID)]):
        posts.append(await person.posts(_SAID[position]))
    await world.quiet()
    for position, post in enumerate(posts):
        # Whoever follows the author answers; somebody at the same node likes it.
        other = firsts[(position + 1) % len(firsts)]
        await other.likes(post)
        if position < len(_REPLIES):
            await other.replies(post, _REPLIES[position])
        if position % 2 == 0:
            await firsts[(position + 2) % len(firsts)].boosts(post)
    await world.quiet()
    await _aside(people)


async def _follow(people: list[list[Person]]) -> None:
    """Everybody the first one of the next node, who follows the first one back; at home, the first follows all."""
    for position, each in enumerate(people):
        first, second, third = (people[(position + step) % len(people)][0] for step in range(3))
        for person in each:
            if person is not second:
                await person.follows(second)
        if second is not first:
            await second.follows(first)
        if third not in (first, second):
            await first.follows(third)
        for person in each[1:]:
            await first.follows(person)


async def _aside(people: list[list[Person]]) -> None:
    """Something that is not for everybody, a poll, and second thoughts."""
    one, other, neighbour = people[0][0], people[-1][-1], people[1 % len(people)][0]
    await one.posts("the surprise party is on Friday, not a word to anybody.", to="direct", mentioning=[other])
    poll = await other.posts("What do we bring?", poll=["Cake", "A lantern", "Both"])
    await one.votes(poll, 2)
    shy = people[0][1]
    await neighbour.follows(shy)
    secret = await shy.posts("The key is under the blue flowerpot.", to="followers")
    await shy.edits(secret, "The key is where it always is.")
