"""The inbox: what arrives is understood, verified, gathered for, decided and committed; then it is answered.

spec: ap#inbox-delivery, ap#server-to-server-interactions. A 2xx is said only after the commit: either all that
the activity causes is done, or it is stored to be finished as soon as the network has answered.
"""

from __future__ import annotations

import asyncio
import logging
from collections import OrderedDict
from collections.abc import Callable

from fediverse_node.base.log import event
from fediverse_node.base.outcome import Fail, Reason, TemporaryFail
from fediverse_node.base.trace import note
from fediverse_node.domain.activities import rule_for
from fediverse_node.domain.effect_sentences import Telling
from fediverse_node.domain.facts import World
from fediverse_node.inbox.answer import Answer, Received, Turned
from fediverse_node.inbox.authenticate import Authentic, Authenticator, Heard
from fediverse_node.inbox.complete import Completer
from fediverse_node.inbox.order import load_awaited
from fediverse_node.inbox.understand import Understood, understand
from fediverse_node.inbox.verify import Signed, Verifier
from fediverse_node.protocol.synchronization import HEADER
from fediverse_node.protocol.uris import host_of
from fediverse_node.signatures.reasons import SignatureFault
from fediverse_node.signatures.request import Request
from fediverse_node.storage.engine import Database
from fediverse_node.storage.queries import inbox as queries
from fediverse_node.storage.queries.inbox import ACTOR_FETCHED, SEEN
from fediverse_node.storage.rows import dump_json
from fediverse_node.storage.writer import Decision, Writer
from fediverse_node.transport.dereference import Compactor
from fediverse_node.transport.faults import FetchFault
from fediverse_node.transport.host_memory import Capability, HostMemory

__all__ = ["Answer", "Received", "Receiver"]

log = logging.getLogger(__name__)

_REMEMBERED_SIGNATURES = 50_000
# The document is at fault, not the sender's key.
_UNREADABLE = frozenset({FetchFault.JSONLD, FetchFault.JSONLD_TOO_COSTLY})


class Receiver:
    """Takes requests to inboxes, one call each."""

    def __init__(
        self,
        *,
        database: Database,
        writer: Writer,
        world: World,
        verifier: Verifier,
        authenticator: Authenticator,
        completer: Completer,
        compactor: Compactor,
        hosts: HostMemory,
        at_work: dict[bytes, bool],
    ) -> None:
        """`at_work`: the fingerprints of what is being handled now, here (False) or by `Staging` (True)."""
        self._database = database
        self._writer = writer
        self._world = world
        self._verifier = verifier
        self._authenticator = authenticator
        self._completer = completer
        self._compactor = compactor
        self._hosts = hosts
        self._seen: OrderedDict[bytes, None] = OrderedDict()
        self._running: dict[bytes, asyncio.Future[Answer]] = {}
        self._at_work = at_work
        self._wake_staging: Callable[[], None] = lambda: None
        self._heard: Callable[[str], None] = lambda host: None
        self._synchronise: Callable[[str, str], None] = lambda sender, header: None

    def on_staged(self, wake: Callable[[], None]) -> None:
        """Call this when something was put aside for later."""
        self._wake_staging = wake

    def on_heard(self, heard: Callable[[str], None]) -> None:
        """Call this with the host that has just spoken to us, so that what waits for it is tried again."""
        self._heard = heard

    def on_synchronization(self, synchronise: Callable[[str, str], None]) -> None:
        """Call this with whoever has signed a request and with what it says about their followers.  spec: fep-8fcf"""
        self._synchronise = synchronise

    async def receive(self, received: Received) -> Answer:
        """Handle one request. Never raises for what a stranger sends."""
        request = Request(received.method, received.url, received.headers, received.body)
        understood = await understand(received.body, self._compactor, permit=lambda: self._doubt(request))
        if isinstance(understood, TemporaryFail):
            return self._answered(received, 503, understood.reason, understood.detail)
        if isinstance(understood, Fail):
            return self._answered(received, _status_of(understood), understood.reason, understood.detail)
        if await self._is_echo_of_stranger(understood):
            return self._answered(received, 202, Turned.IGNORED, "an actor that was never known here is gone")
        authentic = await self._authenticator.authenticate(request, understood)
        if isinstance(authentic, TemporaryFail):
            host = self._authenticator.is_kept_for(request, understood)
            return await self._stage(received, understood, authentic, host=host)
        if isinstance(authentic, Fail):
            return self._unsigned(received, understood, authentic)
        return await self._once(received, authentic)

    async def _doubt(self, request: Request) -> Fail | TemporaryFail | None:
        """Why nothing costly should be done for this request; None if its signature is good."""
        signed = await self._verifier.verify(request)
        return None if isinstance(signed, Signed) else signed

    async def _once(self, received: Received, authentic: Authentic | Heard) -> Answer:
        """The same message has an effect once; whoever repeats it meanwhile waits for the first one's answer.

        It is the same if its signature is; and, of what was passed on, if it is the same activity of the same actor.
        """
        fingerprint, understood = authentic.fingerprint, authentic.understood
        if fingerprint in self._seen:
            return self._repeated(received, understood)
        running = self._running.get(fingerprint)
        if running is not None:
            note("inbox.first_time", Fail(Turned.DUPLICATE, "it is being handled right now"))
            answer = await asyncio.shield(running)
            _note_answer(answer.status, answer.reason, "the answer to the first of them")
            return answer
        if fingerprint in self._at_work:
            return self._repeated(received, understood)
        self._at_work[fingerprint] = False
        future: asyncio.Future[Answer] = asyncio.get_running_loop().create_future()
        self._running[fingerprint] = future
        try:
            answer = await self._process(received, authentic)
            future.set_result(answer)
            if answer.status < 300:
                self._remember(fingerprint)
            return answer
        except BaseException as error:
            broken = Answer(503, "something went wrong here; please send it again later", Turned.BROKEN)
            future.set_result(broken)
            if not isinstance(error, Exception):
                raise
            log.exception("inbox.failed actor=%s", understood.activity.actor)
            _note_answer(503, Turned.BROKEN, type(error).__name__)
            return broken
        finally:
            del self._running[fingerprint]
            del self._at_work[fingerprint]

    async def _process(self, received: Received, authentic: Authentic | Heard) -> Answer:
        fingerprint, understood = authentic.fingerprint, authentic.understood
        if await self._database.fetch_one(SEEN, fingerprint=fingerprint) is not None:
            return self._repeated(received, understood)
        note("inbox.first_time")
        host = host_of(authentic.sender) or ""
        if authentic.claim.scheme == "rfc9421" and not self._hosts.reads_rfc9421(host):
            self._hosts.note(host, Capability.READS_RFC9421)
        self._heard(host)
        followers = next((value for name, value in received.headers if name == HEADER), None)
        if followers is not None:
            self._synchronise(authentic.sender, followers)
        if isinstance(authentic, Heard):
            return await self._stage(received, understood, None, host=host)
        now_ms = self._world.clock.now_ms()
        remember = tuple(
            lambda each=each: queries.remember_signature(each, now_ms) for each in (fingerprint, *authentic.also)
        )
        rule = rule_for(understood.activity.type)
        if rule is None:
            note("rule.found", Fail(Turned.UNKNOWN_TYPE, understood.activity.type))
            for each in remember:
                await self._writer.run(each)
            note("storage.committed")
            return self._answered(received, 202, Turned.UNKNOWN_TYPE, understood.activity.type)
        note("rule.found", None, type=understood.activity.type)
        verified = await self._completer.from_relay(authentic.verified(received.body), authentic.sender)
        is_early = await load_awaited(self._database, verified.activity) is not None
        if is_early or await self._completer.missing(verified):
            if authentic.is_direct:
                key_id = authentic.claim.key_id
                return await self._stage(received, understood, None, host=host, key_id=key_id, fingerprint=fingerprint)
            # What was passed on is authenticated anew when it is taken up, because it is read in its signed form only.
            return await self._stage(received, understood, None, host=host)
        telling = Telling(lambda facts: rule.decide(verified, facts))
        decided = await self._writer.decide(Decision(rule.needs(verified), telling, beside=remember))
        telling.note(decided.effects, activity=understood.activity.id or "")
        note("storage.committed")
        refusal = decided.refusal
        if refusal is not None:
            return self._answered(received, 202, refusal.reason, refusal.detail, understood)
        return self._answered(received, 202, Turned.ACCEPTED, "", understood)

    async def _stage(
        self,
        received: Received,
        understood: Understood,
        cause: TemporaryFail | None,
        *,
        host: str,
        key_id: str | None = None,
        fingerprint: bytes | None = None,
    ) -> Answer:
        """`host` is whose share of what may wait it takes. With a `key_id`, its actor's own signature was good."""
        now_ms = self._world.clock.now_ms()
        row = {
            "id": self._world.ids.next(),
            "method": received.method,
            "url": received.url,
            "headers": dump_json([list(pair) for pair in received.headers]),
            "body": received.body,
            "verified_key_id": key_id,
            "host": host,
            "due_ms": now_ms,
            "activity_uri": understood.activity.id,
        }
        kept = await self._writer.run(lambda: queries.stage_once(row, fingerprint, now_ms))
        if not kept:
            note("inbox.staged", TemporaryFail(Turned.STAGED_TOO_MUCH, host))
            return self._answered(received, 503, Turned.STAGED_TOO_MUCH, host)
        note(
            "inbox.staged",
            None,
            activity=understood.activity.id or "",
            staged=row["id"],
            because=str(cause or Turned.STAGED.sentence),
        )
        self._wake_staging()
        return self._answered(received, 202, Turned.STAGED, str(cause or ""), understood)

    async def _is_echo_of_stranger(self, understood: Understood) -> bool:
        """Mastodon tells every server it ever met when an actor is deleted; most never knew it."""
        activity = understood.activity
        if activity.type != "Delete" or activity.object_id != activity.actor:
            return False
        is_unknown = await self._database.fetch_one(ACTOR_FETCHED, uri=activity.actor) is None
        note("inbox.known_actor", Fail(Turned.IGNORED, activity.actor) if is_unknown else None, actor=activity.actor)
        return is_unknown

    def _unsigned(self, received: Received, understood: Understood, fail: Fail) -> Answer:
        if fail.reason is FetchFault.GONE:
            # The key's owner is gone at its origin, so what it still says counts for nothing.
            return self._answered(received, 202, Turned.KEY_GONE, fail.detail, understood)
        return self._answered(received, _status_of(fail, else_=401), fail.reason, fail.detail, understood)

    def _repeated(self, received: Received, understood: Understood) -> Answer:
        note("inbox.first_time", Fail(Turned.DUPLICATE))
        return self._answered(received, 202, Turned.DUPLICATE, "", understood)

    def _remember(self, fingerprint: bytes) -> None:
        self._seen[fingerprint] = None
        if len(self._seen) > _REMEMBERED_SIGNATURES:
            self._seen.popitem(last=False)

    def _answered(
        self, received: Received, status: int, reason: Reason, detail: str = "", understood: Understood | None = None
    ) -> Answer:
        activity = understood.activity if understood else None
        event(
            log,
            "inbox.received" if status < 300 else "inbox.refused",
            logging.DEBUG if reason is Turned.ACCEPTED else logging.INFO,
            status=status,
            reason=reason.name,
            detail=detail,
            type=activity.type if activity else "",
            actor=activity.actor if activity else "",
            remote=received.remote,
        )
        _note_answer(status, reason, detail)
        if status < 300:
            return Answer(status, None, reason)
        return Answer(status, f"{reason.sentence}{f' ({detail})' if detail else ''}", reason)


def _note_answer(status: int, reason: Reason, detail: str) -> None:
    refused = None if status < 300 else Fail(reason, detail)
    note("inbox.answered", refused, status=status, reason=reason.name, sentence=reason.sentence)


def _status_of(fault: Fail, *, else_: int = 400) -> int:
    """The HTTP status for a request that is refused before anything is decided."""
    if fault.reason is Turned.SUSPENDED:
        return 403
    if fault.reason is Turned.WRONG_ACTOR:
        return 401
    if fault.reason is Turned.TOO_MANY_KEYS:
        return 429
    is_doubted = isinstance(fault.reason, SignatureFault | FetchFault)
    return 401 if is_doubted and fault.reason not in _UNREADABLE else else_
