"""A stretch of ordinary life on four nodes, with some faults or none: the same for every test of the invariants."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence

from fediverse_node.lab.databases import Databases
from fediverse_node.lab.faults import FaultKind, Rule
from fediverse_node.lab.invariants import Broken, Checker
from fediverse_node.lab.world import World, simulate

Story = Callable[[World, Checker], Awaitable[None]]
BETA = "beta.test"

# What passes by itself, and must break nothing.
PASSING = (
    Rule(FaultKind.DUPLICATE, chance=0.4, method="POST"),
    Rule(FaultKind.LOSE_ANSWER, chance=0.2, method="POST"),
    Rule(FaultKind.REORDER, chance=0.3, amount=4.0, method="POST"),
    Rule(FaultKind.DROP, chance=0.1, method="POST"),
    Rule(FaultKind.STATUS, chance=0.1, amount=503, method="POST"),
)


def broken_in(
    story: Story, *, seed: int = 1, rules: Sequence[Rule] = (), databases: Databases | None = None
) -> list[Broken]:
    """All that does not hold while a story is told: looked at after it, and when all is quiet."""
    found: list[Broken] = []

    async def told(world: World) -> None:
        checker = Checker(world, collect=True)
        for rule in rules:
            world.faults.add(rule)
        await story(world, checker)
        world.faults.heal()
        await world.quiet()
        checker.at_quiet()
        found.extend(checker.broken)

    simulate(told, seed=seed, databases=databases)
    return found


def keys_of(found: Sequence[Broken]) -> set[tuple[str, str]]:
    """What sorts of things were broken."""
    return {broken.key for broken in found}


async def life(world: World, checker: Checker) -> None:
    """Everything people do, once at least; each step is looked at."""
    alice, ben, cleo, dora = await world.people("alice@alpha", "ben@beta", "cleo@gamma", "dora@delta")

    async def settle() -> None:
        checker.after_step()
        await world.quiet()
        checker.at_quiet()

    for reader in (ben, cleo):
        await reader.follows(alice)
    await dora.follows(cleo)
    await settle()
    post = await alice.posts("the <first> of & many 'words' <3", warning="long ahead")
    secret = await alice.posts("nobody else shall know: café №7", to="followers")
    await settle()
    await alice.posts("only between the two of us", to="direct", mentioning=[ben])
    question = await alice.posts("tea or coffee today?", poll=["tea", "coffee"], poll_open_s=3 * 86_400)
    await settle()
    reply = await ben.replies(post, "an answer with a link https://example.com/?a=1&b=2")
    await ben.likes(post)
    await ben.likes(secret)
    await cleo.boosts(post)
    await settle()
    await ben.votes(question, 1)
    await cleo.votes(question, 0)
    await settle()
    post = await alice.edits(post, "the second of all words")
    secret = await alice.edits(secret, "nobody else shall ever know this")
    await settle()
    await ben.unlikes(post)
    await cleo.unboosts(post)
    await settle()
    await alice.blocks(cleo)
    await world.wait(days=4)
    await settle()
    await alice.deletes(secret)
    await ben.deletes(reply)
    await settle()
    await ben.unfollows(alice)
    await settle()
