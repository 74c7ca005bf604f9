"""Handles to actors and actors to handles, where both name each other.

A WebFinger answer is one server's claim about another server's actor, so it counts only if the actor's own side says
the same: by its name on its own host, by its `webfinger` property, or by its own host's WebFinger.
spec: rfc7033, fep-2c59, fep-4adb. No XML is read, so a host that answers through host-meta alone is not found.
"""

from __future__ import annotations

from dataclasses import dataclass

from fediverse_node.base.outcome import Fail, TemporaryFail
from fediverse_node.base.trace import note
from fediverse_node.protocol.actors import ActorDocument
from fediverse_node.protocol.media_types import JRD_JSON, JSON
from fediverse_node.protocol.uris import canonical_host, host_of
from fediverse_node.protocol.webfinger import (
    Acct,
    Jrd,
    is_username,
    lookup_url,
    parse_jrd,
    parse_resource,
    subject_acct,
)
from fediverse_node.transport.budget import Budget
from fediverse_node.transport.dereference import Dereferencer, parse_json_object
from fediverse_node.transport.exchange import Http, Response
from fediverse_node.transport.faults import FetchFault, status_fault
from fediverse_node.transport.urls import is_same_resource

_ACCEPT = f"{JRD_JSON}, {JSON}"
_SIZE_LIMIT = 100_000
_TIMEOUT_S = 10.0
# Lemmy and PieFed have a person and a group of one name behind one handle.
_ACTORS_LIMIT = 3
_NO_HTTPS_HERE = (FetchFault.TLS, FetchFault.REFUSED_CONNECTION)


@dataclass(frozen=True, slots=True)
class Found:
    """An actor and the handle it goes by, confirmed from both sides."""

    actor: ActorDocument
    acct_user: str
    acct_host: str

    @property
    def actor_uri(self) -> str:
        """The id of the actor."""
        return self.actor.id


@dataclass(frozen=True, slots=True)
class _Answer:
    acct: Acct
    actor_uris: tuple[str, ...]


class HandleLookup:
    """Looks up handles over one client. WebFinger requests are not signed: every server answers them to everybody."""

    def __init__(self, http: Http, dereferencer: Dereferencer, *, development: bool) -> None:
        """`development` also asks over http: first where the host has a port, else where https is not there."""
        self._http = http
        self._dereferencer = dereferencer
        self._development = development

    async def fetch_handle(self, user: str, host: str, *, budget: Budget) -> Found | Fail | TemporaryFail:
        """The actor that `user@host` leads to, and its own handle, which may be on another host.

        HANDLE_MISMATCH where the sides do not name each other; NOT_FOUND where the host does not know the user.
        """
        found = await self._fetch_handle(user, host, budget)
        _note_found(found, f"{user}@{host}")
        return found

    async def _fetch_handle(self, user: str, host: str, budget: Budget) -> Found | Fail | TemporaryFail:
        canonical = canonical_host(host)
        if canonical is None or not is_username(user):
            return Fail(FetchFault.BAD_URL, "not a handle")
        asked = Acct(user, canonical)
        answer = await self._ask_to_the_end(asked, budget)
        if not isinstance(answer, _Answer):
            return answer
        outcome: Found | Fail | TemporaryFail = Fail(FetchFault.HANDLE_MISMATCH, f"no actor behind {asked}")
        for actor_uri in answer.actor_uris[:_ACTORS_LIMIT]:
            actor = await self._dereferencer.fetch_actor(actor_uri, budget=budget)
            outcome = await self._confirm(actor, answer, budget) if isinstance(actor, ActorDocument) else actor
            if isinstance(outcome, Found):
                break
        return outcome

    async def fetch_acct(self, actor: ActorDocument, *, budget: Budget) -> Found | Fail | TemporaryFail:
        """The handle that an actor, known by its id, goes by."""
        found = await self._fetch_acct(actor, budget)
        _note_found(found, actor.id)
        return found

    async def _fetch_acct(self, actor: ActorDocument, budget: Budget) -> Found | Fail | TemporaryFail:
        claimed = _claimed_acct(actor)
        if claimed is None:
            return Fail(FetchFault.HANDLE_MISMATCH, f"{actor.id[:200]} does not say a name")
        answer = await self._ask_to_the_end(claimed, budget)
        if not isinstance(answer, _Answer):
            return answer
        if not _names(answer, actor) or not _is_same_user(answer.acct.user, claimed.user):
            return Fail(FetchFault.HANDLE_MISMATCH, f"{claimed} does not lead to {actor.id[:200]}")
        return Found(actor, answer.acct.user, answer.acct.host)

    async def _ask_to_the_end(self, asked: Acct, budget: Budget) -> _Answer | Fail | TemporaryFail:
        """Ask the handle's host; if its answer is about a handle of another host, ask that one, and no third."""
        answer = await self._ask(asked, budget)
        if not isinstance(answer, _Answer) or answer.acct.host == asked.host:
            return answer
        confirmed = await self._ask(answer.acct, budget)
        if not isinstance(confirmed, _Answer):
            return confirmed
        if not _is_same_acct(confirmed.acct, answer.acct) or set(answer.actor_uris).isdisjoint(confirmed.actor_uris):
            return Fail(FetchFault.HANDLE_MISMATCH, f"{asked} and {answer.acct} do not agree")
        return confirmed

    async def _confirm(self, actor: ActorDocument, answer: _Answer, budget: Budget) -> Found | Fail | TemporaryFail:
        """Whether the actor's own side names the handle."""
        found = Found(actor, answer.acct.user, answer.acct.host)
        claimed = _claimed_acct(actor)
        if claimed is not None and _is_same_acct(claimed, answer.acct):
            return found
        mismatch = Fail(FetchFault.HANDLE_MISMATCH, f"{actor.id[:200]} is not {answer.acct}")
        if claimed is None or actor.webfinger is not None or not _is_same_user(claimed.user, answer.acct.user):
            return mismatch
        own_side = await self._ask(claimed, budget)
        if not isinstance(own_side, _Answer):
            return own_side
        return found if _is_same_acct(own_side.acct, answer.acct) and _names(own_side, actor) else mismatch

    async def _ask(self, acct: Acct, budget: Budget) -> _Answer | Fail | TemporaryFail:
        answer = await self._answer(acct, budget)
        if isinstance(answer, _Answer):
            note("webfinger.answer", None, asked=acct.uri, subject=answer.acct.uri, actors=answer.actor_uris)
        else:
            note("webfinger.answer", answer, asked=acct.uri)
        return answer

    async def _answer(self, acct: Acct, budget: Budget) -> _Answer | Fail | TemporaryFail:
        response = await self._get(acct, budget)
        if not isinstance(response, Response):
            return response
        fault = status_fault(response.status)
        if fault is not None:
            return fault
        document = parse_json_object(response.body)
        jrd = parse_jrd(document) if not isinstance(document, Fail) else document
        if isinstance(jrd, Fail):
            return jrd
        subject = _subject(jrd, acct)
        if subject is None or not jrd.actor_uris:
            return Fail(FetchFault.HANDLE_MISMATCH, f"the answer about {acct} names no handle or no actor")
        return _Answer(subject, jrd.actor_uris)

    async def _get(self, acct: Acct, budget: Budget) -> Response | Fail | TemporaryFail:
        schemes: tuple[str, ...] = ("https",)
        if self._development:
            schemes = ("http", "https") if ":" in acct.host else ("https", "http")
        response: Response | Fail | TemporaryFail = Fail(FetchFault.BAD_URL)
        for scheme in schemes:
            spent = budget.take(acct.host)
            if spent is not None:
                return spent
            url = lookup_url(f"{scheme}://{acct.host}", acct.uri)
            timeout_s = min(_TIMEOUT_S, budget.remaining_s())
            response = await self._http.get(url, accept=_ACCEPT, max_bytes=_SIZE_LIMIT, timeout_s=timeout_s)
            if isinstance(response, Response) or response.reason not in _NO_HTTPS_HERE:
                break
        return response


def _note_found(found: Found | Fail | TemporaryFail, asked: str) -> None:
    if isinstance(found, Found):
        note("webfinger.confirmed", None, asked=asked, actor=found.actor_uri, host=found.acct_host)
    else:
        note("webfinger.confirmed", found, asked=asked)


def _claimed_acct(actor: ActorDocument) -> Acct | None:
    """What the actor says its handle is: `webfinger`, else its name on its own host."""
    if actor.webfinger is not None:
        parsed = parse_resource(actor.webfinger)
        return parsed if isinstance(parsed, Acct) else None
    host = host_of(actor.id)
    if host is None or not is_username(actor.preferred_username):
        return None
    return Acct(actor.preferred_username, host)


def _subject(jrd: Jrd, asked: Acct) -> Acct | None:
    subject = subject_acct(jrd)
    if subject is not None:
        return subject
    # Some name the profile's address as subject and the handle as an alias.
    aliases = (parse_resource(alias) for alias in jrd.aliases)
    return next((alias for alias in aliases if isinstance(alias, Acct) and _is_same_acct(alias, asked)), None)


def _names(answer: _Answer, actor: ActorDocument) -> bool:
    return any(is_same_resource(uri, actor.id) for uri in answer.actor_uris)


def _is_same_user(first: str, second: str) -> bool:
    return first.casefold() == second.casefold()


def _is_same_acct(first: Acct, second: Acct) -> bool:
    return first.host == second.host and _is_same_user(first.user, second.user)
