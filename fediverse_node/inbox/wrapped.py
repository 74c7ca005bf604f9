"""An activity inside an Announce: what a group, or a relay, says that somebody else has done.  spec: fep-1b12, fep-fe34

Nobody but its actor is believed about it. A proof inside shows it at once; a new, changed or deleted object is looked
up at its origin; everything else has no effect of its own here. What the group itself has a say in is decided
afterwards, by the rule of the Announce (`domain/group_news.py`).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime

from fediverse_node.base.outcome import Fail, TemporaryFail
from fediverse_node.base.trace import note
from fediverse_node.domain.activities import rule_for
from fediverse_node.domain.effect_sentences import Telling
from fediverse_node.domain.facts import World
from fediverse_node.domain.groups import PASSED_ON
from fediverse_node.domain.model import Visibility
from fediverse_node.domain.verified import Verified
from fediverse_node.inbox.answer import Turned
from fediverse_node.inbox.authenticate import name_of
from fediverse_node.inbox.gather import is_remote
from fediverse_node.inbox.hearsay import Hearsay
from fediverse_node.inbox.understand import Understood, understand_document
from fediverse_node.inbox.vouching import Vouched, Voucher, claims_to_be_by
from fediverse_node.protocol.activitystreams import Activity, inner_activity
from fediverse_node.protocol.addressing import visibility
from fediverse_node.protocol.uris import same_origin
from fediverse_node.storage.engine import Database
from fediverse_node.storage.queries.groups import RELAY_OF, TELLER
from fediverse_node.storage.queries.inbox import OBJECT_ID, OBJECT_OWNER, SEEN, remember_signature
from fediverse_node.storage.writer import Decision, Writer
from fediverse_node.transport.dereference import Compactor

# What can be seen at the origin of what it is about.
_VISIBLE = frozenset({"Create", "Update", "Delete"})
_PUBLIC = (Visibility.PUBLIC,)
_OPEN = (Visibility.PUBLIC, Visibility.UNLISTED)


class Wrapped:
    """Finds out what is true of what is passed on in an Announce."""

    def __init__(
        self,
        *,
        database: Database,
        writer: Writer,
        world: World,
        voucher: Voucher,
        hearsay: Hearsay,
        compactor: Compactor,
    ) -> None:
        self._database = database
        self._writer = writer
        self._world = world
        self._voucher = voucher
        self._hearsay = hearsay
        self._compactor = compactor

    async def is_relay(self, actor_uri: str) -> bool:
        """Whether we have subscribed to this actor as a relay, and it has agreed."""
        return await self._database.fetch_one(RELAY_OF, actor_uri=actor_uri) is not None

    async def lacks(self, verified: Verified, inner: Activity) -> bool:
        """Whether somebody has to be asked, or a proof to be checked, before the Announce is decided."""
        if not _could_be_settled(inner, self._world):
            return False
        if claims_to_be_by(verified.activity.object or {}, inner.actor):
            return await self._is_listened_to(verified.activity.actor)
        if inner.type not in _VISIBLE or not await self._is_listened_to(verified.activity.actor):
            return False
        if inner.type == "Create":
            return await self._database.fetch_one(OBJECT_ID, uri=inner.object_id or "") is None
        return await self._database.fetch_one(OBJECT_OWNER, uri=inner.object_id or "") is not None

    async def _is_listened_to(self, teller: str) -> bool:
        """A group that somebody here follows, or a relay. Others could send us anywhere."""
        return await self._database.fetch_one(TELLER, uri=teller) is not None or await self.is_relay(teller)

    async def settle(self, verified: Verified, inner: Activity) -> Fail | TemporaryFail | None:
        """Do what follows from the inner activity, as far as it can be shown. None when that is done.

        A Fail says that it has had no effect of its own; the group may still have its say.
        """
        document = verified.activity.object or {}
        outcome: Fail | TemporaryFail | None = Fail(Turned.WRONG_ACTOR, f"{verified.activity.actor} alone says so")
        if claims_to_be_by(document, inner.actor):
            outcome = await self._by_proof(document, inner)
        if outcome is not None and not isinstance(outcome, TemporaryFail) and inner.type in _VISIBLE:
            is_relayed = await self.is_relay(verified.activity.actor)
            outcome = await self._hearsay.settle(Understood(inner), wanted=_PUBLIC if is_relayed else _OPEN)
        note("wrapped.settled", outcome, type=inner.type, object=inner.object_id or "", actor=inner.actor)
        return outcome

    async def _by_proof(self, document: Mapping[str, object], inner: Activity) -> Fail | TemporaryFail | None:
        understood = await understand_document(document, self._compactor)
        if not isinstance(understood, Understood):
            return understood
        now = self._world.clock.now()
        vouched = await self._voucher.vouch(understood.document, actor=inner.actor, now=now)
        if not isinstance(vouched, Vouched):
            return vouched
        secured = await understand_document(vouched.document, self._compactor)
        if not isinstance(secured, Understood):
            return secured
        if secured.activity.actor != inner.actor:
            return Fail(Turned.WRONG_ACTOR, secured.activity.actor)
        return await self._decide(secured, vouched, now)

    async def _decide(self, secured: Understood, vouched: Vouched, now: datetime) -> Fail | None:
        """As if its actor had sent it; once, whoever brings it again."""
        fingerprint, activity = name_of(secured), secured.activity
        rule = rule_for(activity.type)
        if rule is None or activity.type not in PASSED_ON:
            return Fail(Turned.UNKNOWN_TYPE, activity.type)
        if await self._database.fetch_one(SEEN, fingerprint=fingerprint) is not None:
            return Fail(Turned.DUPLICATE)
        verified = Verified(activity, activity.actor, vouched.method, object=secured.object, solicited=True)
        telling = Telling(lambda facts: rule.decide(verified, facts))
        now_ms = int(now.timestamp() * 1000)
        remember = (lambda: remember_signature(fingerprint, now_ms),)
        decided = await self._writer.decide(Decision(rule.needs(verified), telling, beside=remember))
        telling.note(decided.effects, activity=activity.id or "")
        refusal = decided.refusal
        return Fail(refusal.reason, refusal.detail) if refusal is not None else None

    async def from_relay(self, verified: Verified, sender: str) -> Verified:
        """What a relay brings with its author's proof is wanted as if we had asked for it, if everybody may read it."""
        activity, document = verified.activity, verified.object
        if verified.method not in ("proof", "ld") or activity.type != "Create" or document is None:
            return verified
        is_open = visibility(document.to, document.cc, None, author_uri=document.attributed_to) is Visibility.PUBLIC
        if not is_open or not await self.is_relay(sender):
            return verified
        return replace(verified, solicited=True)


def inner_of(verified: Verified) -> Activity | None:
    """The activity that an Announce carries, if it carries one and not a post."""
    return inner_activity(verified.activity) if verified.activity.type == "Announce" else None


def _could_be_settled(inner: Activity, world: World) -> bool:
    if inner.object_id is None or len(inner.objects) != 1 or world.names.is_ours(inner.actor):
        return False
    if inner.type not in _VISIBLE:
        return True
    return is_remote(inner.object_id, world) and same_origin(inner.object_id, inner.actor)
