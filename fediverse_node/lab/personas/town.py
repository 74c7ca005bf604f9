"""What every persona has: its ports, its people, what it holds, and the way out of its door.

Fetching and delivering are here, signed by the habits of the software, with its second knock and its repetitions.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Coroutine
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, ClassVar
from urllib.parse import urlsplit

import orjson

from fediverse_node.base.clock import Clock
from fediverse_node.base.ids import IdFactory
from fediverse_node.base.outcome import Fail, TemporaryFail
from fediverse_node.base.randomness import Randomness
from fediverse_node.lab.personas.drafts import Arrived, Document, Post, Refused, Sent, first_uri
from fediverse_node.lab.personas.habits import Form, Habits
from fediverse_node.lab.personas.proving import KeyRing
from fediverse_node.lab.personas.signing import Letter, sign
from fediverse_node.signatures.keys import PrivateKey
from fediverse_node.transport.exchange import Http, Response

_log = logging.getLogger(__name__)

Keys = Callable[[], PrivateKey]
_BAD_SIGNATURE = (400, 401)


@dataclass(slots=True, eq=False)
class Resident:
    """Somebody who lives in a persona: a person, a group, a channel, or the server itself.

    `followers` are URIs with their Follow, `requests` those that wait for an answer; `following` says whether it was
    granted.
    """

    name: str
    uri: str
    key: PrivateKey
    key_id: str
    kind: str = "Person"
    title: str = ""
    summary: str = ""
    locked: bool = False
    owner: str = ""  # of a channel or community
    moved_to: str = ""
    also_known_as: list[str] = field(default_factory=list)
    followers: dict[str, Document] = field(default_factory=dict)
    requests: dict[str, Document] = field(default_factory=dict)
    following: dict[str, bool] = field(default_factory=dict)
    pinned: list[str] = field(default_factory=list)
    blocked_by: dict[str, str] = field(default_factory=dict)

    @property
    def display_name(self) -> str:
        """The name as shown."""
        return self.title or self.name


class Town:
    """The state of a persona and its ports. See `persona.Persona` for what a scenario calls."""

    habits: ClassVar[Habits]

    def __init__(
        self,
        *,
        origin: str,
        clock: Clock,
        randomness: Randomness,
        http: Http,
        keys: Keys,
        handle_host: str | None = None,
        authorized_fetch: bool | None = None,
    ) -> None:
        """`origin` is scheme://host[:port]. `handle_host` is what stands after the @ where that is another host.

        `authorized_fetch`: whether documents are shown to signed requests alone; None is as the software comes.
        """
        self.origin = origin.rstrip("/")
        self.host = urlsplit(self.origin).netloc
        self.clock = clock
        self.randomness = randomness
        self.http = http
        self.keys = keys
        self.handle_host = handle_host or self.host
        self.authorized_fetch = self.habits.authorized_fetch if authorized_fetch is None else authorized_fetch
        self.ids = IdFactory(clock, randomness)
        self.residents: dict[str, Resident] = {}  # by URI
        self.posts: dict[str, Post] = {}  # said here
        self.held: dict[str, Post] = {}  # said elsewhere, and taken
        self.activities: dict[str, Document] = {}
        self.gone: dict[str, Document] = {}  # tombstones
        self.aliases: dict[str, str] = {}  # pages and such, to the URI of what they show
        self.arrived: list[Arrived] = []
        self.refused: list[Refused] = []
        self.sent: list[Sent] = []
        self.reports: list[Document] = []
        self.troubles: list[BaseException] = []
        self.key_ring = KeyRing(self.fetch)
        self._actors: dict[str, Document] = {}
        self._forms: dict[str, Form] = {}  # by host: what it was seen to read
        self._counter = 0
        self._jobs: list[asyncio.Task[None]] = []
        self._repeats: list[asyncio.Task[None]] = []

    # Names and numbers, all from the ports.

    def now(self) -> datetime:
        """The moment."""
        return self.clock.now()

    def number(self) -> int:
        """1, 2, 3, ..."""
        self._counter += 1
        return self._counter

    def uuid(self) -> str:
        """A random UUID, version 4."""
        digits = f"{self.randomness.below(1 << 128):032x}"
        return f"{digits[:8]}-{digits[8:12]}-4{digits[13:16]}-a{digits[17:20]}-{digits[20:]}"

    def snowflake(self) -> int:
        """A number in the order of time."""
        return self.ids.next()

    def at(self, path: str) -> str:
        """An address here."""
        return f"{self.origin}{path}"

    def is_same_host(self, one: str, other: str) -> bool:
        """Whether two addresses are of one host."""
        return self._host_of(one) == self._host_of(other) != ""

    def is_here(self, uri: str) -> bool:
        """Whether an address is of this server."""
        return uri.startswith(f"{self.origin}/") or uri == self.origin

    # Fetching.

    async def fetch(self, uri: str) -> Document | None:
        """The document at an address, signed as this software does; None where there is none to be had."""
        if self.is_here(uri):
            return None
        answer = await self.get(uri)
        if not isinstance(answer, Response) or answer.status != 200 or "json" not in answer.content_type:
            return None
        try:
            document = orjson.loads(answer.body)
        except ValueError:
            return None
        return document if isinstance(document, dict) else None

    async def get(self, url: str) -> Response | Fail | TemporaryFail:
        """A GET as this software makes it."""
        signing = self.habits.signing
        resident = self.fetching_resident() if signing.signs_fetches else None
        form = self._forms.get(self._host_of(url), signing.first_knock)
        answer = await self._get_once(url, resident, form)
        refused = isinstance(answer, Response) and answer.status in _BAD_SIGNATURE
        if refused and resident is not None and signing.knocks_twice:
            answer = await self._get_once(url, resident, form.other)
            self._learn(url, form.other, answer)
        return answer

    async def _get_once(self, url: str, resident: Resident | None, form: Form) -> Response | Fail | TemporaryFail:
        headers = {"user-agent": self._user_agent()}
        plain = {**headers, "accept": self.habits.accept}
        if resident is None:
            return await self.http.get(url, accept=self.habits.accept, headers=tuple(headers.items()))

        async def hop(hop_url: str) -> tuple[tuple[str, str], ...]:
            signed = sign(self._letter("GET", hop_url, plain, b"", resident), form, self.habits.signing)
            return tuple((name, value) for name, value in signed if name != "accept")

        return await self.http.get(url, accept=self.habits.accept, hop_headers=hop)

    async def actor(self, uri: str, *, again: bool = False) -> Document | None:
        """The document of an actor elsewhere, kept once fetched."""
        if again or uri not in self._actors:
            found = await self.fetch(uri)
            if found is None:
                return None
            self._actors[uri] = found
        return self._actors[uri]

    def remember_actor(self, document: Document) -> None:
        """An actor has told what it looks like now."""
        uri = first_uri(document)
        if uri:
            self._actors[uri] = document

    async def handle_of(self, uri: str) -> tuple[str, str]:
        """Name and host of somebody, here or elsewhere."""
        if uri in self.residents:
            return self.residents[uri].name, self.handle_host
        document = await self.actor(uri)
        name = str((document or {}).get("preferredUsername") or "somebody")
        return name, self._host_of(uri)

    async def inbox_of(self, uri: str) -> str | None:
        """Where to deliver what is for this actor: its server's shared inbox where there is one."""
        document = await self.actor(uri)
        if document is None:
            return None
        endpoints = document.get("endpoints")
        shared = endpoints.get("sharedInbox") if isinstance(endpoints, dict) else None
        return str(shared or document.get("inbox") or "") or None

    # Delivering.

    async def deliver_to(self, resident: Resident, activity: Document, people: list[str]) -> list[int | None]:
        """Deliver to people elsewhere, each inbox once; the statuses of the first attempts."""
        inboxes: dict[str, None] = {}
        for uri in people:
            if not self.is_here(uri):
                inbox = await self.inbox_of(uri)
                if inbox:
                    inboxes[inbox] = None
        return [await self.deliver(resident, activity, inbox) for inbox in inboxes]

    async def deliver(self, resident: Resident, activity: Document, inbox: str) -> int | None:
        """Deliver to one inbox; the status of the first attempt. What fails is repeated later, as the software does."""
        status = await self._attempt(resident, activity, inbox)
        if self._is_worth_repeating(status):
            waiting = [job for job in self._repeats if not job.done()]
            self._repeats = [*waiting, self._start(self._repeat(resident, activity, inbox))]
        return status

    async def _repeat(self, resident: Resident, activity: Document, inbox: str) -> None:
        for pause_s in self.habits.retry_pauses_s:
            await asyncio.sleep(pause_s * (1 + self.randomness.fraction() / 10))
            if not self._is_worth_repeating(await self._attempt(resident, activity, inbox)):
                return

    def _is_worth_repeating(self, status: int | None) -> bool:
        return status is None or (status >= 300 and status not in self.habits.gives_up_at)

    async def _attempt(self, resident: Resident, activity: Document, inbox: str) -> int | None:
        signing = self.habits.signing
        form = self._forms.get(self._host_of(inbox), signing.first_knock)
        answer = await self._post_once(resident, activity, inbox, form)
        if isinstance(answer, Response) and answer.status in _BAD_SIGNATURE and signing.knocks_twice:
            answer = await self._post_once(resident, activity, inbox, form.other)
            self._learn(inbox, form.other, answer)
        return answer.status if isinstance(answer, Response) else None

    async def _post_once(
        self, resident: Resident, activity: Document, inbox: str, form: Form
    ) -> Response | Fail | TemporaryFail:
        body = self.encode(activity)
        headers = {"content-type": self.habits.post_type, "user-agent": self._user_agent()}
        headers |= self.extra_headers(resident, activity, inbox)
        signed = sign(self._letter("POST", inbox, headers, body, resident), form, self.habits.signing)
        answer = await self.http.post(inbox, body, headers=signed)
        status = answer.status if isinstance(answer, Response) else None
        self.sent.append(Sent(inbox, activity, status, form.value))
        return answer

    def _letter(self, method: str, url: str, headers: dict[str, str], body: bytes, resident: Resident) -> Letter:
        return Letter(
            method=method,
            url=url.partition("#")[0],
            headers=headers,
            body=body,
            key=resident.key,
            key_id=resident.key_id,
            now=self.now(),
        )

    def _learn(self, url: str, form: Form, answer: object) -> None:
        if isinstance(answer, Response) and answer.status < 300:
            self._forms[self._host_of(url)] = form

    def _user_agent(self) -> str:
        return self.habits.user_agent.format(origin=self.origin, host=self.host)

    def _host_of(self, url: str) -> str:
        return urlsplit(url).netloc

    # What a software may do otherwise.

    def encode(self, document: Document) -> bytes:
        """The bytes of a document, as this software writes JSON."""
        return orjson.dumps(document)

    def extra_headers(self, resident: Resident, activity: Document, inbox: str) -> dict[str, str]:
        """Headers that go with a delivery besides the usual ones; they count as signed where the habits list them."""
        return {}

    def fetching_resident(self) -> Resident:
        """Who signs fetches."""
        first = next(iter(self.residents.values()))
        if not self.habits.signing.fetches_as_person:
            return first
        return next((found for found in self.residents.values() if found is not first), first)

    # Work that goes on after an answer was given.

    def later(self, work: Coroutine[Any, Any, None]) -> None:
        """Do this beside everything else. What goes wrong in it stands in `troubles`."""
        self._jobs = [*(job for job in self._jobs if not job.done()), self._start(work)]

    def _start(self, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        job = asyncio.get_running_loop().create_task(work)
        job.add_done_callback(self._note_trouble)
        return job

    def _note_trouble(self, job: asyncio.Task[None]) -> None:
        error = None if job.cancelled() else job.exception()
        if error is not None:
            self.troubles.append(error)
            _log.error("persona.failed software=%s host=%s", self.habits.software, self.host, exc_info=error)

    async def settle(self) -> None:
        """Wait until nothing is under way here but repetitions of failed deliveries, which take hours."""
        while jobs := [job for job in self._jobs if not job.done()]:
            await asyncio.gather(*jobs, return_exceptions=True)

    def pending(self) -> int:
        """How many deliveries have failed and will be tried again."""
        return sum(1 for job in self._repeats if not job.done())

    async def close(self) -> None:
        """End what is under way."""
        jobs, self._jobs, self._repeats = [*self._jobs, *self._repeats], [], []
        for job in jobs:
            job.cancel()
        await asyncio.gather(*jobs, return_exceptions=True)
