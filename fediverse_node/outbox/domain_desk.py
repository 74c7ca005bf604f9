"""Where whoever runs this server decides with which hosts it has to do: rules, lists, and what follows from them.

The command line, and later the console, ask here; what holds is `domain.domains.DomainPolicy`, of which the writer of
each process has the current one. Hiding, cutting follows and purging go on in the background, in small pieces.
A list is read when somebody says so, and changes only what somebody has seen or allowed beforehand.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from fediverse_node.base.config import Config
from fediverse_node.base.log import event
from fediverse_node.base.outcome import Fail, Reason, TemporaryFail
from fediverse_node.domain.domain_lists import Auto, Change, Kind, ParsedList, compare, parse_list, permitted
from fediverse_node.domain.domains import DomainPolicy, DomainRule, Severity, domains_over
from fediverse_node.domain.facts import World
from fediverse_node.storage.engine import Database
from fediverse_node.storage.queries import domains as queries
from fediverse_node.storage.queries import host_marks
from fediverse_node.storage.writer import Writer
from fediverse_node.transport.exchange import Http, Response

log = logging.getLogger(__name__)

_LIST_BYTES = 8_000_000
_LIST_TIMEOUT_S = 30.0
_LIST_TYPES = "text/csv, text/plain, */*;q=0.5"
# A list whose host answers with an empty page or an error page must not take every rule back.
_LEAST_READABLE = 0.5
_PURGE_AFTER_MS = 30 * 86_400_000
_LISTS_EVERY_MS = 24 * 3_600_000


class DeskRefusal(Reason):
    """Why a rule or list was not taken."""

    OWN_HOST = "a server cannot be kept out of itself"
    NO_SUCH_LIST = "there is no subscription to this list"
    NO_SUCH_RULE = "there is no rule about this domain"
    NOT_A_LIST = "what is at this address is no list of domains"
    NOT_READ = "the list could not be read"
    NOT_SUSPENDED = "only what was said at a suspended host can be thrown away"


@dataclass(frozen=True, slots=True)
class Costed:
    """A change, and how many follows between people here and there it would cut."""

    change: Change
    follows: int


async def load_policy(database: Database, config: Config) -> DomainPolicy:
    """What holds now."""
    return await queries.load_policy(database, own=config.host, listed_only=config.allow_list)


class DomainDesk:
    """One for each process."""

    def __init__(self, *, database: Database, writer: Writer, world: World, config: Config, http: Http | None) -> None:
        """`http` reads lists; without one none can be read."""
        self._database = database
        self._writer = writer
        self._world = world
        self._config = config
        self._http = http
        self._version: str | None = None
        self._listeners: list[Callable[[], None]] = []

    def on_changed(self, listener: Callable[[], None]) -> None:
        """Call this when other rules hold: what was rendered under the old ones is out of date."""
        self._listeners.append(listener)

    @property
    def policy(self) -> DomainPolicy:
        """What holds now."""
        return self._writer.domains

    # Rules

    async def put(self, rule: DomainRule) -> Fail | None:
        """A rule that somebody here makes; it holds when this returns, its traces are cleared in the background."""
        if rule.domain == self._config.host:
            return Fail(DeskRefusal.OWN_HOST, rule.domain)
        await self._store([replace(rule, list_id=None)])
        return None

    async def drop(self, domain: str) -> Fail | None:
        """There is no rule about the domain any more: what was hidden is shown again."""
        if domain not in {rule.domain for rule in await queries.load_rules(self._database)}:
            return Fail(DeskRefusal.NO_SUCH_RULE, domain)
        version = self._next_version()
        await self._writer.run(lambda: queries.drop_rules([domain], version))
        await self.refresh()
        return None

    async def allow(self, host: str, comment: str = "") -> None:
        """The host takes part where only listed ones do."""
        version, now_ms = self._next_version(), self._world.clock.now_ms()
        await self._writer.run(lambda: queries.allow(host, comment, now_ms, version))
        await self.refresh()

    async def disallow(self, host: str) -> None:
        """It does not any more."""
        version = self._next_version()
        await self._writer.run(lambda: queries.disallow(host, version))
        await self.refresh()

    async def rules(self) -> list[DomainRule]:
        """All rules, by domain."""
        return await queries.load_rules(self._database)

    async def allowed(self) -> list[str]:
        """The hosts that are let in where only listed ones are."""
        return await queries.load_allowed(self._database)

    async def severed(self, host: str) -> Sequence[Any]:
        """The follows that were cut with a host: rows of `host_marks.SEVERED`."""
        return await self._database.fetch(host_marks.SEVERED, host=host)

    async def refresh(self) -> bool:
        """Take up what has changed, here or in another process; whether anything had."""
        version = await queries.load_version(self._database)
        if version == self._version:
            return False
        policy = await load_policy(self._database, self._config)
        wanted = await host_marks.load_missing_marks(self._database, policy)
        self._writer.domains = policy
        if wanted:
            now_ms = self._world.clock.now_ms()
            await self._writer.run(lambda: host_marks.mark(wanted, now_ms))
        self._version = version
        for listener in self._listeners:
            listener()
        return True

    async def work(self, pieces: int = 1_000_000) -> bool:
        """Hide, quieten, free and cut as the rules want it, in at most so many pieces; whether something is left."""
        for row in await self._database.fetch(host_marks.OPEN_MARKS):
            is_left = True
            while is_left:
                if pieces <= 0:
                    return True
                pieces -= 1
                is_left = await self._writer.run(self._piece(row))
            event(log, "domains.marked", host=row["host"], severity=row["wanted"])
        return False

    async def purge(self, host: str) -> Fail | None:
        """Throw away what was said at a suspended host. It cannot be undone."""
        if not self.policy.is_suspended(host):
            return Fail(DeskRefusal.NOT_SUSPENDED, host)
        now_ms = self._world.clock.now_ms()
        while await self._writer.run(lambda: host_marks.purge(host, now_ms)):
            continue
        event(log, "domains.purged", host=host)
        return None

    async def purge_old(self) -> None:
        """Throw away what was said at hosts that have been suspended for thirty days."""
        before_ms = self._world.clock.now_ms() - _PURGE_AFTER_MS
        for row in await self._database.fetch(host_marks.UNPURGED, before_ms=before_ms):
            if self._is_ruled_out(row["host"]):
                await self.purge(row["host"])

    # Lists

    async def subscribe(self, url: str, auto: Auto) -> ParsedList | Fail | TemporaryFail:
        """Read a list and remember it; nothing of it holds yet."""
        parsed = await self._read(url)
        if not isinstance(parsed, ParsedList):
            return parsed
        id_, now_ms = self._world.ids.next(), self._world.clock.now_ms()
        await self._writer.run(lambda: queries.put_list(id_, url, auto.value, now_ms))
        await self._note(await self._list(url), parsed)
        return parsed

    async def unsubscribe(self, url: str) -> Fail | None:
        """Read it no more. Its rules stay, as if somebody here had made them."""
        row = await self._list(url)
        if row is None:
            return Fail(DeskRefusal.NO_SUCH_LIST, url)
        await self._writer.run(lambda: queries.drop_list(row["id"]))
        return None

    async def lists(self) -> Sequence[Any]:
        """The subscriptions, as rows of `domain_lists`."""
        return await self._database.fetch(queries.LISTS)

    async def reread(self, url: str) -> ParsedList | Fail | TemporaryFail:
        """Ask for a list again; what it says is compared by `diff`, and holds only after `apply`."""
        row = await self._list(url)
        if row is None:
            return Fail(DeskRefusal.NO_SUCH_LIST, url)
        parsed = await self._read(url)
        if isinstance(parsed, ParsedList):
            await self._note(row, parsed)
        else:
            error = str(parsed)
            await self._writer.run(lambda: queries.note_list_failure(row["id"], error))
        return parsed

    async def diff(self, url: str) -> list[Costed] | Fail:
        """What a list, as it was read last, would change, and at what cost."""
        row = await self._list(url)
        if row is None:
            return Fail(DeskRefusal.NO_SUCH_LIST, url)
        return await self._costed(await self._compared(queries.entries_of(row), row["id"]))

    async def apply(self, url: str, auto: Auto = Auto.ALL) -> list[Costed] | Fail:
        """Let hold what `diff` says, as far as `auto` permits; what was done."""
        found = await self.diff(url)
        return found if isinstance(found, Fail) else await self._applied(found, auto)

    async def diff_file(self, text: str) -> tuple[list[Costed], ParsedList]:
        """What a list that is taken in once would change, and how it was read."""
        parsed = parse_list(text)
        return await self._costed(await self._compared(parsed.rules, None)), parsed

    async def apply_file(self, text: str) -> list[Costed]:
        """Let hold what `diff_file` says; what was done."""
        found, _ = await self.diff_file(text)
        return await self._applied(found, Auto.ALL)

    async def refresh_lists(self) -> None:
        """Read what was not read for a day, and apply what may be applied by itself."""
        now_ms = self._world.clock.now_ms()
        for row in await self.lists():
            if row["fetched_ms"] is not None and now_ms - row["fetched_ms"] < _LISTS_EVERY_MS:
                continue
            parsed = await self.reread(row["url"])
            if isinstance(parsed, ParsedList) and row["auto"] != Auto.NOTHING.value:
                done = await self.apply(row["url"], Auto(row["auto"]))
                event(log, "domains.list_applied", url=row["url"], changes=0 if isinstance(done, Fail) else len(done))

    # Inside

    def _next_version(self) -> str:
        return str(self._world.ids.next())

    def _piece(self, row: Any) -> Callable[[], Any]:
        ids, now_ms, cuts = self._world.ids.next, self._world.clock.now_ms(), self._is_ruled_out(row["host"])
        return lambda: host_marks.work_on(row, ids, now_ms, cuts=cuts)

    def _is_ruled_out(self, host: str) -> bool:
        """Whether somebody has said so of the host itself. Where only listed ones take part, the others are hidden and
        nothing more: a setting that is turned on by mistake, or too early, must not cost anybody their follows."""
        rule = self.policy.rule_for(host)
        return self.policy.allowed is None or (rule is not None and rule.severity is Severity.SUSPEND)

    async def _store(self, rules: Iterable[DomainRule]) -> None:
        version, now_ms = self._next_version(), self._world.clock.now_ms()
        stored = [replace(rule, created_ms=now_ms) for rule in rules]
        await self._writer.run(lambda: queries.put_rules(stored, version))
        await self.refresh()

    async def _list(self, url: str) -> Any:
        return await self._database.fetch_one(queries.LIST_BY_URL, url=url)

    async def _note(self, row: Any, parsed: ParsedList) -> None:
        now_ms = self._world.clock.now_ms()
        await self._writer.run(lambda: queries.note_list(row["id"], parsed.rules, now_ms))

    async def _read(self, url: str) -> ParsedList | Fail | TemporaryFail:
        if self._http is None:
            return Fail(DeskRefusal.NOT_READ, "there is no way to the network")
        answer = await self._http.get(url, accept=_LIST_TYPES, max_bytes=_LIST_BYTES, timeout_s=_LIST_TIMEOUT_S)
        if not isinstance(answer, Response):
            return answer
        if not 200 <= answer.status < 300:
            return TemporaryFail(DeskRefusal.NOT_READ, f"status {answer.status}")
        parsed = parse_list(answer.body.decode("utf-8", "replace"))
        read, unread = len(parsed.rules), len(parsed.unreadable)
        if read < _LEAST_READABLE * (read + unread) or not read:
            return Fail(DeskRefusal.NOT_A_LIST, parsed.unreadable[0] if parsed.unreadable else "it is empty")
        return parsed

    async def _compared(self, listed: Sequence[DomainRule], list_id: int | None) -> list[Change]:
        rules = {rule.domain: rule for rule in await queries.load_rules(self._database)}
        return compare(rules, listed, list_id, protected=frozenset({self._config.host}))

    async def _costed(self, changes: Sequence[Change]) -> list[Costed]:
        ties = await queries.load_ties(self._database) if any(change.suspends for change in changes) else {}
        return [Costed(change, self._cost(change, ties)) for change in changes]

    def _cost(self, change: Change, ties: Mapping[str, int]) -> int:
        if not change.suspends:
            return 0
        return sum(
            number
            for host, number in ties.items()
            if change.domain in domains_over(host) and not self.policy.is_suspended(host)
        )

    async def cost_of(self, domain: str) -> int:
        """How many follows it would cut to suspend a domain."""
        change = Change(Kind.NEW, domain, None, DomainRule(domain, Severity.SUSPEND))
        return self._cost(change, await queries.load_ties(self._database))

    async def _applied(self, found: Sequence[Costed], auto: Auto) -> list[Costed]:
        wanted = permitted([costed.change for costed in found], auto)
        gone = [change.domain for change in wanted if change.kind is Kind.GONE]
        rules = [change.after for change in wanted if change.after is not None]
        if gone:
            version = self._next_version()
            await self._writer.run(lambda: queries.drop_rules(gone, version))
        if rules:
            await self._store(rules)
        await self.refresh()
        costs = {costed.change.domain: costed.follows for costed in found}
        return [Costed(change, costs[change.domain] if change.suspends else 0) for change in wanted]
