"""What differs between a recording and its replay, or between two replays: request by request, and in the end."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field

from fediverse_node.lab.exchange import Exchange, Message
from fediverse_node.lab.replay.normal import (
    activity_id,
    choose,
    differences,
    headers_that_matter,
    is_of_drawn,
    normal,
    request_key,
)
from fediverse_node.lab.replay.plan import Plan
from fediverse_node.lab.replay.run import Run
from fediverse_node.lab.replay.state import State

Said = Callable[[str], str]
_RETRIED = frozenset({0, 408, 421, 425, 429})
_TOGETHER_MS = 2_000
_COLLECTIONS = frozenset({"Collection", "CollectionPage", "OrderedCollection", "OrderedCollectionPage"})
_OF_THE_MOMENT = ("/nodeinfo/",)


@dataclass(frozen=True, slots=True)
class Difference:
    """One thing that was otherwise. `number` is that of the recorded exchange it belongs to, or came from."""

    kind: str
    what: str  # the request, in words
    number: int | None
    where: str = ""
    before: str = ""
    after: str = ""


@dataclass(frozen=True, slots=True)
class Side:
    """One of the two that are compared. `incoming` by the numbers of the recording."""

    name: str
    incoming: Mapping[int, Exchange]
    outgoing: tuple[Exchange, ...]
    state: State | None = None
    # Its own numbers of requests that came in -> those of the recording.
    origins: Mapping[int, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Report:
    """What a replay showed. Without differences it went as before."""

    before: str
    after: str
    compared_in: int
    compared_out: int
    differences: tuple[Difference, ...]
    notes: tuple[str, ...]
    state: State | None

    @property
    def is_same(self) -> bool:
        """Whether nothing differs."""
        return not self.differences


def recorded_side(plan: Plan) -> Side:
    """The recording itself."""
    incoming = {exchange.number: exchange for exchange in plan.incoming}
    return Side("the recording", incoming, plan.outgoing, origins={number: number for number in incoming})


def replayed_side(run: Run, name: str) -> Side:
    """A replay."""
    by_number = {exchange.number: exchange for exchange in run.recording}
    incoming = {number: by_number[other] for number, other in run.came_in.items() if other in by_number}
    host = run.recording.about.get("host")
    outgoing = tuple(exchange for exchange in run.recording if exchange.sender == host and exchange.receiver != host)
    origins = {other: number for number, other in run.came_in.items()}
    return Side(name, incoming, outgoing, run.state, origins)


def compare(before: Side, after: Side, plan: Plan, *, notes: Iterable[str], left_out: Iterable[str] = ()) -> Report:
    """All differences, in the order of the recording."""
    found: list[Difference] = []
    # What a refusal quotes is not readable any more in a scrubbed recording, and a world's network has its own words.
    said = _without_quotes if before.state is None and (plan.scrubbed or not plan.is_own) else normal
    told = list(notes)
    for number in sorted({*before.incoming, *after.incoming}):
        asked = before.incoming.get(number)
        if asked is not None and is_of_drawn(asked):
            told.append(f"not compared, because its number is another in each run: {_what(asked)}")
        else:
            found += _incoming(number, asked, after.incoming.get(number), said)
    out, count = _outgoing(before, after, plan, told, frozenset(left_out))
    found += out
    if before.state is not None and after.state is not None:
        found += _states(before.state, after.state)
    found.sort(key=lambda difference: difference.number if difference.number is not None else 1 << 60)
    compared_in = len({*before.incoming} & {*after.incoming})
    return Report(before.name, after.name, compared_in, count, tuple(found), tuple(told), after.state)


def _incoming(number: int, before: Exchange | None, after: Exchange | None, said: Said) -> Iterator[Difference]:
    if before is None or after is None:
        there = before or after
        what = _what(there) if there is not None else ""
        yield Difference("not handled", what, number, "", *(_handled(one) for one in (before, after)))
        return
    what = _what(before)
    if _status(before) != _status(after):
        yield Difference("status", what, number, "", _status(before), _status(after))
    if before.steps and after.steps and _is_told_to_the_end(before) == _is_told_to_the_end(after):
        for kind, one, other in (
            ("reason", _reason(before, said), _reason(after, said)),
            ("steps", _failed(before, said), _failed(after, said)),
        ):
            if one != other:
                yield Difference(kind, what, number, "", one, other)
        yield from _changed_effects(what, number, _effects(before, said), _effects(after, said))
    if before.method == "GET" and before.status == after.status and before.answer and after.answer:
        yield from _answers(what, number, before.answer, after.answer)


def _is_told_to_the_end(exchange: Exchange) -> bool:
    """What was put aside is finished later; a world's own recording does not say how."""
    was_staged = any(step.name == "inbox.staged" and step.passed for step in exchange.steps)
    return not was_staged or any(step.name.startswith("staging.") for step in exchange.steps)


def _answers(what: str, number: int, before: Message, after: Message) -> Iterator[Difference]:
    one, other = before.document, after.document
    if one is None or other is None or _is_of_the_moment(what, one):
        return
    for path, was, is_ in differences(one, other):
        yield Difference("answer", what, number, path, was, is_)


def _is_of_the_moment(what: str, document: Mapping[str, object]) -> bool:
    """Whether it shows how much there is, which depends on what was there before the recording."""
    return document.get("type") in _COLLECTIONS or any(part in what for part in _OF_THE_MOMENT)


def _changed_effects(what: str, number: int, one: list[str], other: list[str]) -> Iterator[Difference]:
    for effect in [effect for effect in one if effect not in other]:
        yield Difference("effect", what, number, "", effect, "nothing")
    for effect in [effect for effect in other if effect not in one]:
        yield Difference("effect", what, number, "", "nothing", effect)


def _outgoing(
    before: Side, after: Side, plan: Plan, notes: list[str], left_out: frozenset[str]
) -> tuple[list[Difference], int]:
    """Requests that are missing, additional or different."""
    found: list[Difference] = []
    waiting: dict[tuple[str, str, str], list[Exchange]] = {}
    for exchange in after.outgoing:
        waiting.setdefault(request_key(exchange), []).append(exchange)
    last: dict[tuple[str, str, str], Exchange] = {}
    ids = {activity_id(exchange) for exchange in before.outgoing}
    count = 0
    for exchange in before.outgoing:
        key = request_key(exchange)
        number = before.origins.get(exchange.cause or 0, exchange.number if before.state is None else None)
        pair = choose(waiting.get(key, []), exchange, ids)
        if pair is not None:
            waiting[key] = [item for item in waiting[key] if item is not pair]
            last[key] = pair
            count += 1
            found += _different(exchange, pair, number)
        elif str((exchange.request.document or {}).get("id")) in left_out:
            notes.append(f"not sent, because it was not repeated: {_what(exchange)}")
        elif key in last and (_is_retried(last[key]) or _is_twin(exchange, before.outgoing)):
            notes.append(f"not asked once more: {_what(exchange)}")
        else:
            found.append(Difference("missing", _what(exchange), number, "", "was sent", "is not sent"))
    for key, rest in waiting.items():
        for exchange in rest:
            if key in last and (_is_retried(last[key]) or _is_twin(exchange, after.outgoing)):
                notes.append(f"asked once more than before: {_what(exchange)}")
            elif exchange.at_ms > plan.end_ms:
                notes.append(f"sent when the recording was about to end, and so not compared: {_what(exchange)}")
            else:
                number = after.origins.get(exchange.cause or 0)
                found.append(Difference("additional", _what(exchange), number, "", "was not sent", "is sent"))
    return found, count


def _different(before: Exchange, after: Exchange, number: int | None) -> Iterator[Difference]:
    what = _what(before)
    for name, (one, other) in _paired(headers_that_matter(before), headers_that_matter(after)).items():
        if one != other:
            yield Difference("request", what, number, f"header {name}", one or "nothing", other or "nothing")
    one_document, other_document = before.request.document, after.request.document
    if one_document is not None and other_document is not None:
        for path, was, is_ in differences(one_document, other_document):
            yield Difference("request", what, number, path, was, is_)
    elif before.request.body != after.request.body:
        yield Difference("request", what, number, "body", before.request.text[:400], after.request.text[:400])


def _states(before: State, after: State) -> Iterator[Difference]:
    for (kind, was), (_, is_) in zip(before.kinds(), after.kinds(), strict=True):
        one, other = [normal(item) for item in was], [normal(item) for item in is_]
        for item in [item for item in one if item not in other]:
            yield Difference("state", f"{kind} in the end", None, kind, item, "nothing")
        for item in [item for item in other if item not in one]:
            yield Difference("state", f"{kind} in the end", None, kind, "nothing", item)


def _is_twin(exchange: Exchange, others: Iterable[Exchange]) -> bool:
    """Whether the same was asked at the same time: two who need one document may both fetch it, or one for both."""
    if exchange.method != "GET":
        return False
    return any(
        other is not exchange and other.url == exchange.url and abs(other.at_ms - exchange.at_ms) < _TOGETHER_MS
        for other in others
    )


def _is_retried(exchange: Exchange) -> bool:
    return exchange.status in _RETRIED or exchange.status >= 500


def _paired(one: Mapping[str, str], other: Mapping[str, str]) -> dict[str, tuple[str, str]]:
    return {name: (one.get(name, ""), other.get(name, "")) for name in dict.fromkeys((*one, *other))}


def _what(exchange: Exchange) -> str:
    activity = exchange.activity if exchange.method == "POST" else None
    about = f" {activity.type} {activity.id}".rstrip() if activity is not None and activity.type else ""
    return f"{exchange.method} {exchange.url}{about}"


def _handled(exchange: Exchange | None) -> str:
    return "handled" if exchange is not None else "not handled"


def _status(exchange: Exchange) -> str:
    return str(exchange.status) if exchange.answer is not None else f"no answer: {exchange.failure}"


def _reason(exchange: Exchange, said: Said) -> str:
    told = [step for step in exchange.steps if step.name == "inbox.answered"]
    if not told:
        return ""
    detail = dict(told[-1].detail)
    return said(told[-1].sentence or detail.get("sentence", ""))


def _failed(exchange: Exchange, said: Said) -> str:
    failed = (step for step in exchange.steps if not step.passed and step.name != "inbox.answered")
    return "; ".join(said(f"{step.name}: {step.sentence}") for step in failed) or "none"


def _effects(exchange: Exchange, said: Said) -> list[str]:
    return sorted(said(effect) for effect in exchange.effects)


def _without_quotes(text: str) -> str:
    return normal(text).partition(" (")[0]
