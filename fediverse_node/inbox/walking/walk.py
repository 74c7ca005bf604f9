"""One walk through a thread: up to what is answered, down through `replies`, sideways through conversations.

It works in waves: a few requests at once, each to another domain; what they brought is written down before the next.
spec: fep-f228#reading-collections, fep-fe34. Which thread is walked when is decided by `walker.py`.
"""

from __future__ import annotations

import asyncio
from collections import Counter, deque
from collections.abc import AsyncIterator, Iterable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace

from fediverse_node.base.clock import to_ms
from fediverse_node.base.outcome import Fail, TemporaryFail
from fediverse_node.base.trace import note
from fediverse_node.domain.facts import World
from fediverse_node.domain.threads import LONGEST_REST_MS, Ended, Lack, patience_ms, rest_ms
from fediverse_node.inbox.gather import Gatherer
from fediverse_node.inbox.walking.limits import Limits
from fediverse_node.inbox.walking.manners import Manners
from fediverse_node.inbox.walking.outcomes import lack_of
from fediverse_node.inbox.walking.picture import Gap, Picture, Source, activity_in, addresses_in
from fediverse_node.protocol.addressing import is_public
from fediverse_node.protocol.objects import ObjectDocument
from fediverse_node.protocol.reading import types
from fediverse_node.protocol.uris import host_of
from fediverse_node.storage.engine import Database
from fediverse_node.storage.queries import threads as queries
from fediverse_node.storage.writer import Writer
from fediverse_node.transport.budget import Budget, registrable_domain
from fediverse_node.transport.collection_fetch import Collected, Unfinished, fetch_collection
from fediverse_node.transport.dereference import Dereferencer, Document
from fediverse_node.transport.faults import FetchFault


@dataclass(frozen=True, slots=True)
class Ports:
    """What a walk works with."""

    database: Database
    writer: Writer
    world: World
    gatherer: Gatherer
    dereferencer: Dereferencer
    manners: Manners


@dataclass(frozen=True, slots=True)
class Job:
    """A request to be made for a post. `source` is what named it; an `activity` is only looked through for a post."""

    uri: str
    source: str
    is_answered: bool = False
    is_activity: bool = False
    depth: int = 0


class Walk:
    """One walk. Make it, `run` it, and look at what came of it."""

    def __init__(self, ports: Ports, thread_id: int, limits: Limits) -> None:
        self._ports = ports
        self._limits = limits
        self.thread_id = thread_id
        self.found = 0
        self.ended: Ended | None = None
        self.picture = Picture((), (), ())
        self._budget = Budget(fetches=limits.fetches, time_s=limits.time_s, per_domain=limits.fetches_a_domain)
        self._above: deque[Job] = deque()
        self._wide: deque[Source] = deque()
        self._posts: deque[Job] = deque()
        self._below: deque[Source] = deque()
        self._seen: set[str] = set()  # addresses that were asked, or are waiting to be
        self._loose: dict[str, list[tuple[Job, ObjectDocument]]] = {}  # by what they answer
        self._found_in: dict[str, str] = {}  # posts -> the Create that named them
        self._credit: dict[str, int] = {}
        self._pages = self._sources = self._contexts = 0
        self._waited_s: Counter[str] = Counter()
        self._misses: Counter[str] = Counter()
        self._spent: set[str] = set()  # domains that may not be asked any more
        self._changed_gaps: dict[str, Gap] = {}
        self._changed_sources: dict[str, Source] = {}
        self._closed: list[str] = []
        self._arrived = 0
        self._is_joined = False

    async def run(self) -> None:
        """Walk until there is nothing left to ask, or the budget is spent. Everything learnt is written down."""
        await self._load()
        while True:
            wave = self._next_wave()
            if not wave:
                break
            async with asyncio.TaskGroup() as group:
                for job in wave:
                    group.create_task(self._ask(job) if isinstance(job, Job) else self._read(job))
            await self._save()
            if self._is_joined:
                self._is_joined = False
                await self._load()
        self._leave()
        await self._save()

    # What is to be done

    async def _load(self) -> None:
        database, thread_id = self._ports.database, self.thread_id
        self.picture = Picture(
            await database.fetch(queries.POSTS, thread_id=thread_id),
            await database.fetch(queries.SOURCES, thread_id=thread_id),
            await database.fetch(queries.GAPS, thread_id=thread_id),
        )
        self._closed += self.picture.filled
        now_ms = self._now_ms()
        await self._name([post.answers for post in self.picture.loose_ends() if post.answers], "", is_answered=True)
        self._take_sources(self.picture.sources())
        for gap in list(self.picture.gaps.values()):
            if gap.is_due(now_ms) and not gap.answered and gap.uri not in self._seen:
                self._seen.add(gap.uri)
                self._posts.append(Job(gap.uri, gap.named_by))

    def _take_sources(self, sources: Iterable[Source]) -> None:
        now_ms, names = self._now_ms(), self._ports.world.names
        for source in sources:
            if source.uri in self._seen or names.is_ours(source.uri):
                continue
            is_new = source.uri not in self.picture.asked
            if source.next_ms > now_ms or (is_new and len(self.picture.asked) >= self._limits.thread_sources):
                continue
            if source.kind == "replies":
                self._below.append(source)
            elif self._contexts < self._limits.contexts:
                self._contexts += 1
                self._wide.append(source)
            self._seen.add(source.uri)

    def _next_wave(self) -> list[Job | Source]:
        limits = self._limits
        if self.found >= limits.posts or self._budget.left <= 0 or not self._budget.remaining_s():
            return []
        if len(self.picture.posts) >= limits.thread_posts:
            self.ended = Ended.TOO_LARGE
            return []
        wave: list[Job | Source] = []
        domains: set[str] = set()
        for waiting in (self._above, self._wide, self._posts, self._below):
            self._choose(waiting, wave, domains)
        return wave

    def _choose(self, waiting: deque[Job] | deque[Source], wave: list[Job | Source], domains: set[str]) -> None:
        kept: list[Job | Source] = []
        while waiting and len(wave) < self._limits.side_by_side:
            job = waiting.popleft()
            host = host_of(job.uri) or ""
            domain = registrable_domain(host)
            if domain in domains:
                kept.append(job)
            elif domain in self._spent or self._ports.manners.rests(host):
                self._pass_over(job)
            elif isinstance(job, Source) and self._sources >= self._limits.sources:
                self.ended = Ended.BUDGET
            else:
                self._sources += isinstance(job, Source)
                domains.add(domain)
                wave.append(job)
        waiting.extendleft(reversed(kept))  # type: ignore[arg-type]

    def _pass_over(self, job: Job | Source) -> None:
        """Its host is left alone: it has been asked enough for once, or does not answer, or wants to be."""
        domain = registrable_domain(host_of(job.uri) or "")
        if domain in self._spent and not self._misses[domain]:
            self.ended = Ended.BUDGET
        elif isinstance(job, Source):
            job.asked_ms = self._now_ms()
            self._unread(job, TemporaryFail(FetchFault.TIMEOUT, "it is left alone for a while"))
        else:
            gap = self._gap(job)
            if gap is not None and gap.state is Lack.WAITING:
                gap.close_with(Lack.UNREACHABLE, "its server is left alone for a while", self._now_ms())

    def _leave(self) -> None:
        """What is left is for the next walk."""
        if self._above or self._wide or self._posts or self._below or self._loose:
            self.ended = self.ended or Ended.BUDGET

    # Posts

    async def _name(
        self, uris: Sequence[str], source: str, *, is_answered: bool = False, is_activity: bool = False, depth: int = 0
    ) -> None:
        """These were named: those that are neither here nor known to be nowhere are asked for."""
        if depth > self._limits.depth:
            self.ended = Ended.BUDGET
            return
        now_ms, names = self._now_ms(), self._ports.world.names
        wanted = []
        for uri in dict.fromkeys(uris):
            gap = self.picture.gaps.get(uri)
            is_here = uri in self.picture.posts or uri in self.picture.activities
            if is_here or uri in self._seen or names.is_ours(uri):
                continue
            if gap is None or gap.is_due(now_ms):
                wanted.append(uri)
        if not wanted:
            return
        known = {
            row["uri"]: bool(row["is_gone"]) for row in await self._ports.database.fetch(queries.KNOWN, uris=wanted)
        }
        for uri in wanted:
            if known.get(uri) is False or uri in self._seen:
                # It is part of another conversation, and says so itself; or of this one, by what was stored just now.
                self._is_joined = self._is_joined or (is_answered and depth > 0)
                continue
            job = Job(uri, source, is_answered, is_activity, depth)
            if uri in known:
                self._lack(job, Lack.GONE, "it was deleted, and this server was told")
            elif self._gap(job) is not None or is_activity:
                self._seen.add(uri)
                (self._above if is_answered or depth else self._posts).append(job)

    def _gap(self, job: Job) -> Gap | None:
        """The gap that this job may fill; None where there are so many that no more are kept."""
        if job.is_activity:
            return None
        gap = self.picture.gaps.get(job.uri)
        if gap is None:
            if len(self.picture.gaps) >= self._limits.thread_gaps:
                self.ended = Ended.TOO_LARGE
                return None
            gap = self.picture.gaps[job.uri] = Gap(job.uri, host_of(job.uri) or "", named_by=job.source)
        gap.answered = gap.answered or job.is_answered
        self._changed_gaps[job.uri] = gap
        return gap

    async def _ask(self, job: Job) -> None:
        refusal = self._ports.gatherer.refusal_to_ask(job.uri)
        if refusal is not None:
            self._missed(job, refusal)
            return
        if job.is_activity:
            await self._look_inside(job)
            return
        async with self._asking(job.uri):
            found = await self._ports.dereferencer.fetch_object(job.uri, budget=self._budget)
        self._heard(job.uri, found)
        if not isinstance(found, ObjectDocument):
            self._missed(job, found)
        elif found.id == job.uri or not await self._is_known_as(job, found.id):
            await self._judge(job, found)

    async def _look_inside(self, job: Job) -> None:
        async with self._asking(job.uri):
            document = await self._ports.dereferencer.fetch_document(job.uri, budget=self._budget)
        self._heard(job.uri, document)
        if not isinstance(document, Document):
            self._doubt(job.source)
        elif "object" not in document.body:  # no activity: a post that came to the owner of the log without one
            await self._ask(replace(job, is_activity=False))
        elif (address := addresses_in(document.body)) is not None:
            if "Create" in types(document.body):
                self._found_in[address] = document.id
            await self._name([address], job.source)

    async def _is_known_as(self, job: Job, id_: str) -> bool:
        """It was named by another address than its own id; whether it is here by that."""
        if id_ in self.picture.posts or await self._ports.database.fetch(queries.KNOWN, uris=[id_]):
            self._close(job.uri)
            return True
        return False

    async def _judge(self, job: Job, document: ObjectDocument) -> None:
        """Whether it belongs to this thread, by what it says itself."""
        answers = document.in_reply_to
        if not any(is_public(uri) for uri in (*document.to, *document.cc)):
            self._lack(job, Lack.PRIVATE, "")
        elif document.vote_name is not None:
            self._misfit(job, "a vote")
        elif job.is_answered or (answers is not None and answers in self.picture.posts):
            await self._store(job, document)
        elif answers is None or answers == document.id:
            self._misfit(job, "it answers nothing")
        else:
            await self._wait_for(job, document, answers)

    async def _wait_for(self, job: Job, document: ObjectDocument, answers: str) -> None:
        """It answers something that is not here: that is fetched first, and whether this belongs here is seen then."""
        gap = self.picture.gaps.get(answers)
        if gap is not None and not gap.is_due(self._now_ms()) and answers not in self._seen:
            self._detach(job, gap.state)
            return
        if len(self._loose) >= self._limits.loose or job.depth >= self._limits.depth:
            self._lack(job, Lack.DETACHED, "there is too much above it that is not here")
            return
        await self._name([answers], job.source, depth=job.depth + 1)
        gap = self.picture.gaps.get(answers)
        if answers in self.picture.posts:  # it came meanwhile
            await self._store(job, document)
        elif answers in self._seen:
            self._loose.setdefault(answers, []).append((job, document))
        else:
            self._detach(job, gap.state if gap is not None else Lack.FOREIGN)

    async def _store(self, job: Job, document: ObjectDocument) -> None:
        waiting = [(job, document)]
        while waiting:
            job, document = waiting.pop()
            stored = await self._ports.gatherer.store_object(
                document, budget=self._budget, walked=True, activity_uri=self._found_in.get(document.id)
            )
            if not isinstance(stored, int):
                self._missed(job, stored)
                continue
            self._arrive(job, document)
            waiting += self._loose.pop(document.id, [])
            if job.is_answered and document.in_reply_to and document.in_reply_to not in self.picture.posts:
                await self._name([document.in_reply_to], "", is_answered=True, depth=job.depth + 1)

    def _arrive(self, job: Job, document: ObjectDocument) -> None:
        note("thread.found", None, uri=document.id, named_by=job.source)
        self.found += 1
        self._arrived += 1
        self._close(job.uri)
        self._close(document.id)
        limits = self._limits
        self._credit[job.source] = min(self._credit.get(job.source, limits.credit) + 1, limits.credit)
        said = document.published
        said_ms, found_in = to_ms(said) if said is not None else self._now_ms(), self._found_in.get(document.id)
        post = self.picture.add(document, published_ms=said_ms, activity=found_in)
        self._take_sources(self.picture.sources([post]))

    def _missed(self, job: Job, outcome: Fail | TemporaryFail) -> None:
        state = lack_of(outcome)
        if state is Lack.WAITING:
            # No attempt: its turn comes with the next walk.
            self.ended = Ended.BUDGET
            self._gap(job)
            return
        if state in (Lack.MISSING, Lack.UNREADABLE):
            self._doubt(job.source)
        self._lack(job, state, str(outcome))

    def _misfit(self, job: Job, why: str) -> None:
        self._doubt(job.source)
        self._lack(job, Lack.FOREIGN, why)

    def _detach(self, job: Job, parents: Lack) -> None:
        if parents is Lack.FOREIGN:
            self._misfit(job, "it answers a post of another conversation")
        else:
            self._doubt(job.source)
            self._lack(job, Lack.DETACHED, f"what it answers: {parents.sentence}")

    def _lack(self, job: Job, state: Lack, detail: str) -> None:
        note("thread.lacking", Fail(state, detail), uri=job.uri, named_by=job.source)
        gap = self._gap(job)
        if gap is not None:
            gap.close_with(state, detail, self._now_ms())
        for child, _ in self._loose.pop(job.uri, []):
            self._detach(child, state)

    def _doubt(self, source: str) -> None:
        """A collection named something that is not of this thread. One that does little else is not believed."""
        credit = self._credit[source] = self._credit.get(source, self._limits.credit) - 1
        if credit > 0 or not source:
            return
        dropped = [job for job in (*self._posts, *self._above) if job.source == source and not job.is_answered]
        for waiting in (self._posts, self._above):
            kept = [job for job in waiting if job.source != source or job.is_answered]
            waiting.clear()
            waiting.extend(kept)
        for job in dropped:
            if self.picture.gaps.get(job.uri, Gap("", "")).attempts == 0:
                self._close(job.uri)
        asked = self._changed_sources.get(source)
        if asked is not None:
            asked.state, asked.detail = Lack.FOREIGN, "it names what does not belong to this conversation"
            asked.next_ms = self._now_ms() + LONGEST_REST_MS
        note("thread.disbelieved", Fail(Lack.FOREIGN), source=source, dropped=len(dropped))

    def _close(self, uri: str) -> None:
        self.picture.gaps.pop(uri, None)
        self._changed_gaps.pop(uri, None)
        self._closed.append(uri)

    # Collections

    async def _read(self, source: Source) -> None:
        now_ms = self._now_ms()
        source.asked_ms = now_ms
        refusal = self._ports.gatherer.refusal_to_ask(source.uri)
        collected: Collected | Fail | TemporaryFail
        if refusal is not None:
            collected = refusal
        else:
            async with self._asking(source.uri):
                collected = await fetch_collection(
                    self._ports.dereferencer,
                    source.uri,
                    budget=self._budget,
                    max_items=self._limits.items_a_source,
                    max_pages=max(1, min(self._limits.pages_a_source, self._limits.pages - self._pages)),
                )
            self._heard(source.uri, collected.fault if isinstance(collected, Collected) else collected)
        if not isinstance(collected, Collected):
            self._unread(source, collected)
            return
        self._pages += collected.pages
        is_longer = len(collected.items) > source.listed
        self._written(source, collected)
        named = [(item, addresses_in(item)) for item in collected.items]
        note("thread.read", collected.fault, source=source.uri, kind=source.kind, listed=len(named))
        if source.kind == "history":
            # Bare addresses there are those of activities: the same ones are not all fetched again.
            bare = [activity_in(item) for item, _ in named]
            if is_longer:
                await self._name([address for address in bare if address], source.uri, is_activity=True)
            named = [pair for pair, address in zip(named, bare, strict=True) if address is None]
        await self._name([address for _, address in named if address], source.uri)

    def _unread(self, source: Source, outcome: Fail | TemporaryFail) -> None:
        state = lack_of(outcome)
        note("thread.read", outcome, source=source.uri, kind=source.kind)
        if state is Lack.WAITING:
            self.ended = Ended.BUDGET
            return
        source.attempts += 1
        source.state, source.detail = state, str(outcome)
        source.next_ms = source.asked_ms + (patience_ms(state, source.attempts) or LONGEST_REST_MS)
        self._changed_sources[source.uri] = source
        if source.kind == "context":
            self.picture.asked[source.uri] = source.row()
            self._take_sources(self.picture.sources())

    def _written(self, source: Source, collected: Collected) -> None:
        fault = collected.fault
        source.attempts, source.state = 0, None
        source.total = min(max(collected.total, 0), 2**31 - 1) if collected.total is not None else None
        source.listed, source.detail = len(collected.items), str(fault) if fault is not None else ""
        source.next_ms = source.asked_ms + rest_ms(source.asked_ms - source.newest_ms)
        if isinstance(fault, TemporaryFail):
            source.next_ms = source.asked_ms + (patience_ms(Lack.UNREACHABLE, 1) or 0)
            if fault.reason is FetchFault.BUDGET_SPENT:
                self.ended, source.next_ms = Ended.BUDGET, source.asked_ms
        elif fault is not None and fault.reason is Unfinished.LONG:
            self.ended = self.ended or Ended.TOO_LARGE
        self._changed_sources[source.uri] = source

    # Asking and remembering

    @asynccontextmanager
    async def _asking(self, uri: str) -> AsyncIterator[None]:
        host, loop = host_of(uri) or "", asyncio.get_running_loop()
        async with self._ports.manners.turn(host):
            began_s = loop.time()
            try:
                yield
            finally:
                domain = registrable_domain(host)
                self._waited_s[domain] += loop.time() - began_s  # type: ignore[assignment]
                if self._waited_s[domain] > self._limits.host_time_s:
                    self._misses[domain] += self._limits.misses_of_host
                    self._spent.add(domain)

    def _heard(self, uri: str, outcome: object) -> None:
        host = host_of(uri) or ""
        self._ports.manners.heard(host, outcome)
        if not isinstance(outcome, Fail | TemporaryFail):
            return
        domain = registrable_domain(host)
        if outcome.reason is FetchFault.BUDGET_SPENT:
            self._spent.add(domain)
        elif lack_of(outcome) is Lack.UNREACHABLE:
            self._misses[domain] += 1
            if self._misses[domain] >= self._limits.misses_of_host:
                self._spent.add(domain)

    async def _save(self) -> None:
        found = queries.Found(
            [source.row() for source in self._changed_sources.values()],
            [gap.row() for gap in self._changed_gaps.values()],
            self._closed,
            self._arrived,
        )
        if not (found.sources or found.gaps or found.closed or found.posts):
            return
        for uri, source in self._changed_sources.items():
            self.picture.asked[uri] = source.row()
        self._changed_gaps, self._closed, self._arrived = {}, [], 0
        self.thread_id = await self._ports.writer.run(lambda: queries.note_found(self.thread_id, found))

    def _now_ms(self) -> int:
        return self._ports.world.clock.now_ms()
