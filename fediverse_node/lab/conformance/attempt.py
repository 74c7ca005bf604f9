"""A Follow, honest or forged, and what came of it: the status, and whether an Accept shows that it counted."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum
from typing import Any

from fediverse_node.lab.conformance.case import Case, CaseCheck, came, dump
from fediverse_node.lab.conformance.facts import Control
from fediverse_node.lab.conformance.letters import Letter, honest_cavage, honest_rfc9421
from fediverse_node.lab.conformance.stand_in import Actor
from fediverse_node.lab.conformance.verdict import Check, Need, Outcome, Verdict, failed, passed, skipped, warning
from fediverse_node.lab.exchange import Exchange
from fediverse_node.protocol.media_types import ACTIVITY_JSON

SENDING = (Need.SEND, Need.STAND_IN, Need.INBOX)
_ANSWERS = ("Accept", "Reject", "TentativeAccept", "TentativeReject")
_CONTROL_PATIENCE_S = 8.0


class Expect(Enum):
    """What should happen to a request."""

    TAKEN = "taken"
    REFUSED = "refused"
    WITHOUT_EFFECT = "without effect"  # for whom is watched; what is answered does not matter
    SURVIVED = "survived"  # whatever happens, nothing may break


@dataclass(frozen=True, slots=True)
class Try:
    """What to send, and whose inbox an Accept would reach if it counted. `follow` is undone in the end.

    `signer` is who signed it, where that is not who is watched: it may count for either.
    """

    letter: Letter
    watched: Actor
    follow: dict[str, Any]
    signer: Actor | None = None


@dataclass(frozen=True, slots=True)
class Probe:
    """A row of a table: one request to the inbox. `otherwise` is the verdict where what is expected does not happen."""

    id: str
    title: str
    why: str
    advice: str
    build: Callable[[Case], Try]
    refs: tuple[str, ...] = ()
    expect: Expect = Expect.REFUSED
    otherwise: Verdict = Verdict.FAILED
    needs: tuple[Need, ...] = (Need.CONTROL,)

    def to_check(self) -> CaseCheck:
        """The row as a check."""

        async def run(case: Case) -> Outcome:
            return await judge(case, self.build(case), self.expect, self.otherwise)

        return Check(self.id, self.title, self.why, self.advice, run, self.refs, (*SENDING, *self.needs))


def honest(
    case: Case,
    actor: Actor,
    activity: object,
    *,
    form: str | None = None,
    url: str | None = None,
    content_type: str = ACTIVITY_JSON,
) -> Letter:
    """An activity, signed by this actor in the way that the server is known to take."""
    wanted = form or (case.facts.control.form if case.facts.control else "cavage")
    sign = honest_cavage if wanted == "cavage" else honest_rfc9421
    body = activity if isinstance(activity, bytes) else dump(activity)
    return sign(
        url or case.facts.inbox or "",
        body,
        key=actor.key,
        key_id=actor.key_id,
        now=case.clock.now(),
        content_type=content_type,
    )


async def send_try(case: Case, attempt: Try) -> Exchange:
    """Send it; what the server took is remembered, so that it can be undone."""
    exchange = await case.send(attempt.letter)
    if 200 <= exchange.status < 300:
        case.stand_in.to_undo.append((attempt.watched, attempt.follow))
        if attempt.signer is not None:
            case.stand_in.to_undo.append((attempt.signer, attempt.follow))
    return exchange


async def has_acted(case: Case, actor: Actor, patience_s: float | None = None) -> bool:
    """Whether an answer to the actor's Follow arrives."""
    stand_in = case.stand_in
    wait_s = case.patience_s if patience_s is None else patience_s
    return await stand_in.wait_for(lambda: bool(stand_in.told(actor, *_ANSWERS)), wait_s)


async def judge(case: Case, attempt: Try, expect: Expect, otherwise: Verdict = Verdict.FAILED) -> Outcome:
    """Send it and say what came of it."""
    exchange = await send_try(case, attempt)
    broken = broke(exchange)
    if broken is not None:
        return broken
    if expect is Expect.SURVIVED:
        return passed(came(exchange))
    if expect is Expect.TAKEN:
        return await taken(case, exchange, attempt.watched, otherwise)
    if expect is Expect.WITHOUT_EFFECT:
        return await without_effect(case, exchange, attempt.watched, otherwise)
    return await refused(case, exchange, attempt.watched, otherwise)


def broke(exchange: Exchange) -> Outcome | None:
    """The outcome where the server did not answer, answered 5xx or wants to be left alone."""
    if exchange.status == 429:
        return skipped("It asks for fewer requests (429)")
    if exchange.status == 0:
        return failed(f"It did not answer: {exchange.failure}")
    if exchange.status >= 500:
        return failed(f"It broke: {came(exchange)}")
    return None


async def refused(case: Case, exchange: Exchange, watched: Actor, otherwise: Verdict = Verdict.FAILED) -> Outcome:
    """Passed if it was refused; what was taken counts the more if an Accept shows it."""
    if not 200 <= exchange.status < 300:
        return passed(came(exchange))
    control = case.facts.control
    if await has_acted(case, watched):
        return Outcome(otherwise, f"It was answered {exchange.status} and acted upon: an answer to the Follow came.")
    if control is not None and control.shows_effects:
        return warning(f"{exchange.status}, though nothing came of it: the sender does not learn that it was refused.")
    return Outcome(otherwise, f"It was answered {exchange.status}; whether it counted cannot be seen from outside.")


async def without_effect(case: Case, exchange: Exchange, watched: Actor, otherwise: Verdict) -> Outcome:
    """Passed if it was refused, or if nothing came of it for whom is watched."""
    if not 200 <= exchange.status < 300:
        return passed(came(exchange))
    if await has_acted(case, watched):
        return Outcome(otherwise, f"It was answered {exchange.status} and counted for somebody who did not sign it.")
    control = case.facts.control
    if control is not None and control.shows_effects:
        return passed(f"{exchange.status}, and nothing came of it for the one who did not sign")
    return warning(f"It was answered {exchange.status}; whether it counted cannot be seen from outside.")


async def taken(case: Case, exchange: Exchange, watched: Actor, otherwise: Verdict = Verdict.FAILED) -> Outcome:
    """Passed if it was accepted, with the effect that an honest Follow has here."""
    if not 200 <= exchange.status < 300:
        return Outcome(otherwise, f"It was refused: {said(exchange)}")
    control = case.facts.control
    if control is None or not control.shows_effects:
        return passed(f"{exchange.status}; whether it counted cannot be seen from outside")
    if await has_acted(case, watched, max(case.patience_s, 2.0)):
        return passed(f"{exchange.status}, and the Follow was answered")
    return Outcome(otherwise, f"It was answered {exchange.status}, but the Follow was never answered.")


def said(exchange: Exchange) -> str:
    """The status and the beginning of what the server says about it."""
    text = exchange.answer.text.strip() if exchange.answer is not None else ""
    return f"{came(exchange)} {text[:120]}".strip()


def duration(seconds: float) -> str:
    """For people: "40 ms", "1.5 s"."""
    return f"{seconds:.1f} s" if seconds >= 1 else f"{seconds * 1000:.0f} ms"


async def control_follow(case: Case, form: str) -> tuple[Exchange, Control]:
    """An honest Follow by somebody new, and how long the answer takes."""
    actor = case.stand_in.new_actor()
    follow = case.follow(actor)
    exchange = await send_try(case, Try(honest(case, actor, follow, form=form), actor, follow))
    control = Control(form, exchange.status)
    if 200 <= exchange.status < 300:
        loop = asyncio.get_running_loop()
        started = loop.time()
        if await has_acted(case, actor, _CONTROL_PATIENCE_S):
            control.answered_after_s = loop.time() - started
    return exchange, control
