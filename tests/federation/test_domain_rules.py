"""Rules for hosts over real sockets: subscribed lists, limited hosts, media and reports that are refused."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web
from sqlalchemy import func, select

from fediverse_node.base.outcome import Fail, TemporaryFail
from fediverse_node.domain.domain_lists import Auto, Kind, ParsedList
from fediverse_node.domain.domains import DomainRule, Severity
from fediverse_node.outbox.domain_desk import DomainDesk
from fediverse_node.storage import tables as t
from fediverse_node.storage.queries.domains import load_ties
from fediverse_node.storage.statement import Statement
from fediverse_node.storage.unit import Fetch, Unit
from fediverse_node.storage.writer import Writer
from tests.fake_peer import FakePeer, Person
from tests.inprocess import Running, free_port, running_node

_REPORTS = Statement(select(func.count()).select_from(t.reports))
_ACTORS = Statement(select(t.actors.c.username, t.actors.c.silenced_ms, t.actors.c.suspended_ms))


@dataclass
class Publisher:
    """Somebody who publishes a list."""

    url: str
    text: str = ""
    status: int = 200
    asked: int = 0
    headers: list[dict[str, str]] = field(default_factory=list)

    async def answer(self, request: web.Request) -> web.Response:
        self.asked += 1
        self.headers.append(dict(request.headers))
        return web.Response(status=self.status, text=self.text)


@pytest.fixture
async def publisher() -> AsyncIterator[Publisher]:
    port = free_port()
    found = Publisher(f"http://127.0.0.1:{port}/list.csv")
    app = web.Application()
    app.router.add_get("/list.csv", found.answer)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", port).start()
    yield found
    await runner.cleanup()


async def _friend(home: Running, peer: FakePeer) -> tuple[int, Person]:
    """Alice, and somebody at the peer who follows her and whom she follows."""
    alice, bob = await home.add_person("alice"), peer.person("bob")
    bob_id = await home.node.gatherer.actor(bob.uri)
    assert isinstance(bob_id, int), bob_id
    assert await home.node.outbox.follow(alice, bob_id) is None
    target = f"{home.base_url}/users/alice"
    assert await peer.deliver(bob, f"{home.base_url}/inbox", peer.activity(bob, "Follow", target)) == 202
    for _ in range(100):
        ties = await home.node.desk.cost_of(peer.host)
        if ties == 2:
            return alice, bob
        await asyncio.sleep(0.02)
    raise AssertionError("they do not follow each other")


def _kinds(found: Any) -> list[tuple[Kind, str, int]]:
    assert not isinstance(found, Fail), found
    return [(costed.change.kind, costed.change.domain, costed.follows) for costed in found]


async def test_a_list_changes_nothing_before_somebody_has_seen_what_it_cuts(
    home: Running, peer: FakePeer, publisher: Publisher
) -> None:
    await _friend(home, peer)
    desk, url = home.node.desk, publisher.url
    publisher.text = f"#domain,#severity\nbad.example,suspend\n{peer.host},suspend\nloud.example,silence\n"
    assert isinstance(await desk.subscribe(url, Auto.NOTHING), ParsedList)
    assert desk.policy.rules == {}
    assert _kinds(await desk.diff(url)) == [
        (Kind.NEW, peer.host, 2),
        (Kind.NEW, "bad.example", 0),
        (Kind.NEW, "loud.example", 0),
    ]


async def test_a_subscribed_list_is_compared_applied_and_followed(
    home: Running, peer: FakePeer, publisher: Publisher
) -> None:
    await _friend(home, peer)
    desk, url = home.node.desk, publisher.url
    host = "127.0.0.1.example"
    publisher.text = f"#domain,#severity\nbad.example,suspend\n{host},suspend\n"
    assert isinstance(await desk.subscribe(url, Auto.NOTHING), ParsedList)
    await desk.put(DomainRule("bad.example", Severity.LIMIT, private_comment="we know them"))
    assert _kinds(await desk.diff(url)) == [(Kind.NEW, host, 0), (Kind.KEPT, "bad.example", 0)]
    await desk.apply(url)
    assert desk.policy.severity_of(f"a.{host}") is Severity.SUSPEND
    assert desk.policy.severity_of("bad.example") is Severity.LIMIT
    # What was looked at is what is applied, whatever the list says meanwhile.
    publisher.text = "#domain,#severity\nother.example,suspend\n"
    assert await desk.apply(url) == []
    assert "other.example" not in desk.policy.rules
    assert isinstance(await desk.reread(url), ParsedList)
    assert [kind for kind, _, _ in _kinds(await desk.diff(url))] == [Kind.GONE, Kind.NEW]
    await desk.apply(url)
    assert set(desk.policy.rules) == {"bad.example", "other.example"}
    assert await desk.unsubscribe(url) is None
    assert set(desk.policy.rules) == {"bad.example", "other.example"}


@pytest.mark.parametrize(
    "status, text", [(200, ""), (200, "<html>\n<body>not found</body>\n"), (500, "x.example"), (404, "")]
)
async def test_a_list_that_has_gone_bad_takes_no_rule_back(
    home: Running, publisher: Publisher, status: int, text: str
) -> None:
    desk, url = home.node.desk, publisher.url
    publisher.text = "bad.example\n"
    await desk.subscribe(url, Auto.ALL)
    await desk.apply(url)
    publisher.status, publisher.text = status, text
    assert isinstance(await desk.reread(url), Fail | TemporaryFail)
    assert _kinds(await desk.diff(url)) == []
    [row] = await desk.lists()
    assert row["last_error"]
    assert desk.policy.is_suspended("bad.example")


async def test_lists_are_fetched_by_the_guarded_client(home: Running) -> None:
    desk = home.node.desk
    for url in ("file:///etc/passwd", "http://169.254.169.254/latest", "http://10.0.0.1/list", f"{home.base_url}/list"):
        assert isinstance(await desk.subscribe(url, Auto.NOTHING), Fail), url
    assert await desk.lists() == []


async def test_a_list_applies_by_itself_what_it_was_told_to_and_cuts_no_follow(
    home: Running, peer: FakePeer, publisher: Publisher
) -> None:
    desk = home.node.desk
    publisher.text = "bad.example\n"
    await desk.subscribe(publisher.url, Auto.LIMIT_ONLY)
    publisher.text = "bad.example\nworse.example\n"
    await home.node.housekeeping.round(hourly=True)
    assert desk.policy.rules == {}, "it was read a moment ago"

    def forget() -> Unit[None]:
        yield Fetch(_READ_LONG_AGO, {})

    await home.node.core.writer.run(forget)
    await home.node.housekeeping.round(hourly=True)
    assert {rule.domain: rule.severity for rule in desk.policy.rules.values()} == {
        "bad.example": Severity.LIMIT,
        "worse.example": Severity.LIMIT,
    }


_READ_LONG_AGO = Statement(t.domain_lists.update().values(fetched_ms=1).returning(t.domain_lists.c.id))


async def test_a_rule_made_by_another_process_holds_here_soon(home: Running) -> None:
    core = home.node.core
    writer = Writer(core.database, core.world)
    other = DomainDesk(database=core.database, writer=writer, world=core.world, config=core.config, http=None)
    await other.put(DomainRule("bad.example"))
    assert not core.writer.domains.is_suspended("bad.example")
    await home.node.housekeeping.round()
    assert core.writer.domains.is_suspended("a.bad.example")


async def test_somebody_new_of_a_limited_host_is_quiet_from_the_first_moment_and_free_when_it_ends(
    home: Running, peer: FakePeer
) -> None:
    desk = home.node.desk
    await desk.put(DomainRule(peer.host, Severity.LIMIT))
    assert isinstance(await home.node.gatherer.actor(peer.person("bob").uri), int)
    assert await _flags(home, "bob") == (True, False)
    await desk.drop(peer.host)
    assert not await desk.work()
    assert await _flags(home, "bob") == (False, False)
    assert isinstance(await home.node.gatherer.actor(peer.person("carol").uri), int)
    await desk.put(DomainRule(peer.host, Severity.SUSPEND))
    await desk.put(DomainRule(peer.host, Severity.LIMIT))
    assert not await desk.work()
    assert await _flags(home, "bob") == (True, False)


async def _flags(home: Running, name: str) -> tuple[bool, bool]:
    rows = await home.node.core.database.fetch(_ACTORS)
    return next(
        (row["silenced_ms"] is not None, row["suspended_ms"] is not None) for row in rows if row["username"] == name
    )


async def test_reports_of_a_host_whose_reports_are_not_taken_reach_nobody(home: Running, peer: FakePeer) -> None:
    await home.add_person("alice")
    bob, inbox = peer.person("bob"), f"{home.base_url}/inbox"
    flag = peer.activity(bob, "Flag", [f"{home.base_url}/users/alice"], content="bad")
    await home.node.desk.put(DomainRule(peer.host, Severity.NOTHING, reject_reports=True))
    assert await peer.deliver(bob, inbox, flag) == 202
    row = await home.node.core.database.fetch_one(_REPORTS)
    assert row is not None
    assert row[0] == 0
    await home.node.desk.drop(peer.host)
    again = peer.activity(bob, "Flag", [f"{home.base_url}/users/alice"], content="bad")
    assert await peer.deliver(bob, inbox, again) == 202
    row = await home.node.core.database.fetch_one(_REPORTS)
    assert row is not None
    assert row[0] == 1


async def test_suspending_cuts_follows_both_ways_writes_them_down_and_says_nothing_to_the_host(
    home: Running, peer: FakePeer
) -> None:
    await _friend(home, peer)
    arrived = len(peer.arrived)
    assert await home.node.desk.put(DomainRule(peer.host)) is None
    assert not await home.node.desk.work()
    assert await home.node.desk.cost_of(peer.host) == 0
    rows = await home.node.desk.severed(peer.host)
    assert sorted((row["username"], row["remote_username"], bool(row["was_follower"])) for row in rows) == [
        ("alice", "bob", False),
        ("alice", "bob", True),
    ]
    assert peer.arrived[arrived:] == []
    assert (
        await peer.deliver(peer.person("bob"), f"{home.base_url}/inbox", peer.activity(peer.person("bob"), "Like", "x"))
        == 403
    )


async def test_nobody_keeps_a_server_out_of_itself(home: Running, tmp_path: Path) -> None:
    assert isinstance(await home.node.desk.put(DomainRule(home.node.core.config.host)), Fail)
    found, _ = await home.node.desk.diff_file(f"{home.node.core.config.host}\nbad.example\n")
    assert [costed.change.domain for costed in found] == ["bad.example"]


async def test_to_let_in_listed_hosts_only_costs_nobody_their_follows(tmp_path: Path, peer: FakePeer) -> None:
    async with running_node(tmp_path) as home:
        await _friend(home, peer)
        port = int(home.base_url.rpartition(":")[2])
    async with running_node(tmp_path, database_url=None, port=port, ALLOW_LIST="true") as home:
        await home.node.desk.refresh()
        assert not await home.node.desk.work()
        assert await _flags(home, "bob") == (False, True)
        await home.node.desk.allow(peer.host)
        assert not await home.node.desk.work()
        assert await _flags(home, "bob") == (False, False)
        assert await home.node.desk.severed(peer.host) == []
        ties = await load_ties(home.node.core.database)
        assert ties == {peer.host: 2}
