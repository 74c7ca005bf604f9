"""Finds out why a post did not reach a host: from the record of all exchanges and, where they are open, the databases.

With a recording alone it says what the wire shows; with the databases of a world also what was planned and is waiting.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from fediverse_node.base.clock import from_ms
from fediverse_node.domain.domains import Severity, domains_over
from fediverse_node.lab.exchange import Exchange, Step
from fediverse_node.lab.why.finding import Explanation, Finding, Stage, State
from fediverse_node.protocol.uris import host_of
from fediverse_node.storage.queries import looking, receipts
from fediverse_node.storage.queries.deliveries import GIVEN_UP, REFUSED, WAITING
from fediverse_node.storage.statement import Statement

_VISIBILITIES = ("public", "unlisted", "for followers only", "a direct message")
_CARRIERS = ("Create", "Announce", "Update")


class Readable(Protocol):
    """A database to look into."""

    def read(self, statement: Statement, /, **values: Any) -> list[Any]: ...


@dataclass(frozen=True, slots=True)
class Evidence:
    """All there is to go by."""

    post_uri: str
    host: str
    exchanges: Sequence[Exchange]
    databases: Mapping[str, Callable[[], Readable]]

    @property
    def home(self) -> str:
        """The host at which the post was made."""
        return host_of(self.post_uri) or ""

    def ask(self, place: str, statement: Statement, /, **values: Any) -> list[Any] | None:
        """Rows of a host's database; None where it is not open to us."""
        found = self.databases.get(place)
        return found().read(statement, **values) if found is not None else None

    @property
    def deliveries(self) -> list[Exchange]:
        """The requests that carried the post to the host, oldest first."""
        return [
            x
            for x in self.exchanges
            if x.method == "POST"
            and x.receiver == self.host
            and x.activity.type in _CARRIERS
            and x.activity.object_id == self.post_uri
        ]


def explain(
    post_uri: str,
    host: str,
    exchanges: Iterable[Exchange],
    databases: Mapping[str, Callable[[], Readable]] | None = None,
) -> Explanation:
    """The way of a post to a host. Stages that come after the one that failed are left out.

    `post_uri` is its id; with the databases, the address of its page will do.
    """
    kept, looks = list(exchanges), databases or {}
    post_uri = _id_of(post_uri, looks)
    evidence = Evidence(post_uri, host, kept, looks)
    findings: list[Finding] = []
    for stage in (_said, _audience, _resolve, _webfinger, _actor, _sign, _inbox, _policy, _store, _shown):
        finding = stage(evidence)
        findings.append(finding)
        if finding.state is State.FAILED or (finding.state is State.WAITING and finding.stage is not Stage.RESOLVE):
            break
    return Explanation(post_uri, host, findings)


def _id_of(address: str, databases: Mapping[str, Callable[[], Readable]]) -> str:
    home = databases.get(host_of(address) or "")
    rows = home().read(receipts.BY_PAGE, page_url=address) if home is not None else []
    return str(rows[0]["uri"]) if rows else address


def _said(evidence: Evidence) -> Finding:
    rows = evidence.ask(evidence.home, receipts.SAID, object_uri=evidence.post_uri)
    if rows is None:
        seen = _numbers(x for x in evidence.exchanges if evidence.post_uri in x.names())
        if not seen:
            return _finding(
                Stage.SAID,
                State.FAILED,
                f"Nothing that was recorded speaks of {evidence.post_uri}.",
                "Give the post's id as it is on the wire (its uri in the client API), not the address of its page.",
            )
        return _finding(Stage.SAID, State.PASSED, f"{evidence.home} said it.", exchanges=seen[:1])
    if rows:
        what = _VISIBILITIES[rows[0]["visibility"]]
        return _finding(Stage.SAID, State.PASSED, f"{rows[0]['username']}@{evidence.home} said it; it is {what}.")
    if evidence.ask(evidence.home, looking.TOMBSTONE, object_uri=evidence.post_uri):
        return _finding(Stage.SAID, State.FAILED, f"{evidence.home} has deleted it.")
    return _finding(
        Stage.SAID,
        State.FAILED,
        f"{evidence.home} knows no post {evidence.post_uri}.",
        "Give the post's id as it is on the wire (its uri in the client API), not the address of its page.",
    )


def _audience(evidence: Evidence) -> Finding:
    if evidence.home == evidence.host:
        return _finding(Stage.AUDIENCE, State.PASSED, f"It was made at {evidence.host} itself.")
    planned = evidence.ask(evidence.home, receipts.DELIVERIES, object_uri=evidence.post_uri, host=evidence.host)
    if planned is None:
        sent = evidence.deliveries
        if sent:
            return _finding(Stage.AUDIENCE, State.PASSED, "It was sent there.", exchanges=_numbers(sent))
        return _finding(
            Stage.AUDIENCE,
            State.FAILED,
            f"It was never sent to {evidence.host}.",
            f"Nobody at {evidence.host} may have been in its audience when it was said, or the recording begins later.",
        )
    if planned:
        return _finding(Stage.AUDIENCE, State.PASSED, f"{evidence.home} has it to deliver to {planned[-1]['inbox']}.")
    return _nobody_there(evidence)


def _nobody_there(evidence: Evidence) -> Finding:
    """No delivery was planned: who could have been meant?"""
    host, home = evidence.host, evidence.home
    rules = evidence.ask(home, receipts.RULES, hosts=list(domains_over(host)))
    if rules and rules[0]["severity"] == Severity.SUSPEND.value:
        return _finding(
            Stage.AUDIENCE, State.FAILED, f"{home} blocks {host} and sends nothing there.", f"Lift the block of {host}."
        )
    people = {"object_uri": evidence.post_uri, "host": host}
    mentioned = evidence.ask(home, receipts.MENTIONED_AT, **people) or []
    followers = evidence.ask(home, receipts.FOLLOWERS_AT, **people) or []
    accepted = [row["username"] for row in followers if row["accepted"]]
    asking = [row["username"] for row in followers if not row["accepted"]]
    if mentioned or accepted:
        names = ", ".join(sorted({*accepted, *(row["username"] for row in mentioned)}))
        return _finding(
            Stage.AUDIENCE,
            State.FAILED,
            f"{names} at {host} can see it now, but nothing was sent there when it was said.",
            "Whoever follows after a post was said gets the next one; this one is found by its address in the search.",
        )
    if asking:
        return _finding(
            Stage.AUDIENCE,
            State.FAILED,
            f"{', '.join(asking)} at {host} has asked to follow its author and was not accepted yet.",
            "Accept the request; posts from then on will be sent.",
        )
    return _finding(
        Stage.AUDIENCE,
        State.FAILED,
        f"Nobody at {host} follows its author or is named in it, so it was not sent there.",
        "Somebody there has to follow the author, or be mentioned; or find the post by its address in the search.",
    )


def _resolve(evidence: Evidence) -> Finding:
    host = evidence.host
    waiting = _planned(evidence, WAITING, GIVEN_UP)
    sent = evidence.deliveries
    if sent:
        answered = [x for x in sent if x.answer is not None]
        if answered:
            return _finding(
                Stage.RESOLVE, State.PASSED, f"{host} was found and answered.", exchanges=_numbers(answered)
            )
        last = sent[-1]
        return _late(evidence, waiting, f"{host} did not answer: {_why(last)}.", _numbers(sent))
    if waiting is None:
        return _finding(Stage.RESOLVE, State.UNKNOWN, f"No request to {host} carried it.")
    cause = waiting["last_error"] or "nothing was sent yet"
    return _late(evidence, waiting, f"{host} could not be reached: {cause}.", ())


def _late(evidence: Evidence, waiting: Any, sentence: str, exchanges: tuple[int, ...]) -> Finding:
    if waiting is None or waiting["state"] == GIVEN_UP:
        ending = "" if waiting is None else f" After {waiting['attempts']} attempts it was given up."
        return _finding(
            Stage.RESOLVE,
            State.FAILED,
            sentence + ending,
            f"See whether {evidence.host} runs and can be reached from {evidence.home}; then say it again.",
            exchanges,
        )
    due = from_ms(waiting["due_ms"])
    return _finding(
        Stage.RESOLVE,
        State.WAITING,
        f"{sentence} Attempt {waiting['attempts'] + 1} follows at {due:%Y-%m-%d %H:%M:%S} UTC.",
        f"See whether {evidence.host} runs and can be reached from {evidence.home}; it is tried again by itself.",
        exchanges,
    )


def _webfinger(evidence: Evidence) -> Finding:
    asked = [
        x
        for x in evidence.exchanges
        if {x.sender, x.receiver} == {evidence.home, evidence.host} and "/.well-known/webfinger" in x.url
    ]
    if not asked:
        return _finding(
            Stage.WEBFINGER, State.UNKNOWN, "Neither asked the other for a handle; nothing of it was needed."
        )
    bad = [x for x in asked if x.status != 200]
    if len(bad) == len(asked):
        return _finding(
            Stage.WEBFINGER,
            State.UNKNOWN,
            f"{asked[-1].receiver} did not tell {asked[-1].sender} whose handle that is: {_why(asked[-1])}.",
            exchanges=_numbers(bad),
        )
    return _finding(Stage.WEBFINGER, State.PASSED, "Handles were found.", exchanges=_numbers(asked)[:3])


def _actor(evidence: Evidence) -> Finding:
    steps = [(x, step) for x in evidence.deliveries for step in x.steps if step.name == "signature.key"]
    fetched = [
        x
        for x in evidence.exchanges
        if x.method == "GET"
        and x.sender == evidence.host
        and x.receiver == evidence.home
        and "/.well-known/" not in x.url
    ]
    if steps and not steps[-1][1].passed:
        exchange, step = steps[-1]
        return _finding(
            Stage.ACTOR,
            State.FAILED,
            f"{evidence.host} could not read the author's key: {step.sentence}.",
            f"Open the author's actor from {evidence.host}: its document must be there, with its public key.",
            (exchange.number, *_numbers(x for x in fetched if x.cause == exchange.number)),
        )
    if steps or any(x.status == 200 for x in fetched):
        return _finding(
            Stage.ACTOR, State.PASSED, "The author's actor and key are known there.", exchanges=_numbers(fetched)[-2:]
        )
    return _finding(Stage.ACTOR, State.UNKNOWN, "Nothing was seen of their reading the author's actor.")


def _sign(evidence: Evidence) -> Finding:
    sent = [x for x in evidence.deliveries if x.answer is not None]
    if not sent:
        return _finding(Stage.SIGN, State.UNKNOWN, "Nothing arrived whose signature could be judged.")
    last = sent[-1]
    bad = _first_failed(last, "signature.")
    if bad is not None and not any(step.name == "signature.owner" and step.passed for step in last.steps):
        return _finding(
            Stage.SIGN,
            State.FAILED,
            f"{evidence.host} did not believe the signature ({bad.name}): {bad.sentence}.",
            _SIGN_ADVICE.get(bad.name, "Compare both sides' signature base in the inspector."),
            (last.number,),
        )
    if not last.steps and last.status in (401, 403):
        return _finding(
            Stage.SIGN,
            State.FAILED,
            f"{evidence.host} refused the signature or its author: it answered {_why(last)}.",
            "Compare the signature base in the inspector with what that server expects.",
            (last.number,),
        )
    return _finding(Stage.SIGN, State.PASSED, "The signature was believed.", exchanges=(last.number,))


_SIGN_ADVICE = {
    "signature.time": "Set the clocks of both machines: they differ too much, or the request was under way too long.",
    "signature.digest": "The body was changed on the way: look for a proxy that rewrites it.",
    "signature.host": "It was signed for another host name: look for a proxy that changes the Host header.",
    "signature.good": "The key they hold is not the one that signs: was it replaced? They fetch it anew at most every"
    " five minutes.",
}


def _inbox(evidence: Evidence) -> Finding:
    sent = evidence.deliveries
    if not sent:
        return _finding(Stage.INBOX, State.UNKNOWN, "Their inbox was not asked.")
    good = [x for x in sent if 200 <= x.status < 300]
    if good:
        return _finding(Stage.INBOX, State.PASSED, f"It answered {good[-1].status}.", exchanges=_numbers(good))
    last = sent[-1]
    fault = f" (made by the lab: {last.fault})" if last.fault else ""
    refused = _planned(evidence, REFUSED)
    waiting = _planned(evidence, WAITING)
    if waiting is not None and refused is None:
        due = from_ms(waiting["due_ms"])
        sentence = f"Their inbox answered {_why(last)}{fault}. It is tried again at {due:%Y-%m-%d %H:%M:%S} UTC."
        return _finding(Stage.INBOX, State.WAITING, sentence, exchanges=_numbers(sent))
    return _finding(
        Stage.INBOX,
        State.FAILED,
        f"Their inbox answered {_why(last)}{fault}. It is not tried again.",
        "Their answer says why, or their log does.",
        _numbers(sent),
    )


def _policy(evidence: Evidence) -> Finding:
    taken = [x for x in evidence.deliveries if 200 <= x.status < 300]
    steps = [(x, step) for x in taken for step in x.steps]
    if not steps:
        return _finding(Stage.POLICY, State.UNKNOWN, f"{evidence.host} does not tell what its rules said.")
    decided = [(x, s) for x, s in steps if s.name in ("rule.decided", "policy.actor", "policy.host", "rule.found")]
    bad = [(x, s) for x, s in decided if not s.passed]
    if bad and not any(s.name == "rule.decided" and s.passed for _, s in decided):
        exchange, step = bad[-1]
        return _finding(
            Stage.POLICY,
            State.FAILED,
            f"{evidence.host} took it and left it out by its own rules: {step.sentence}.",
            "That is theirs to decide; on a node of yours, look at who blocks or follows whom.",
            (exchange.number,),
        )
    staged = [(x, s) for x, s in steps if s.name in ("inbox.staged", "staging.postponed", "staging.ended")]
    if staged and staged[-1][1].name != "staging.ended":
        exchange, step = staged[-1]
        because = step.sentence or dict(step.detail).get("because", "")
        return _finding(
            Stage.POLICY,
            State.WAITING,
            f"{evidence.host} keeps it until it has fetched what is missing: {because}.",
            "It goes on by itself; see what it asks for, and who does not answer.",
            (exchange.number, *exchange.sent),
        )
    if staged and not staged[-1][1].passed:
        exchange, step = staged[-1]
        sentence = f"{evidence.host} could not fetch what was missing and gave it up: {step.sentence}."
        return _finding(Stage.POLICY, State.FAILED, sentence, exchanges=(exchange.number, *exchange.sent))
    return _finding(Stage.POLICY, State.PASSED, "No rule was against it.", exchanges=_numbers(taken)[-1:])


def _store(evidence: Evidence) -> Finding:
    rows = evidence.ask(evidence.host, looking.ONE, object_uri=evidence.post_uri)
    taken = [x for x in evidence.deliveries if x.effects]
    effects = taken[-1].effects if taken else []
    where = "; ".join(effects[:4])
    if rows:
        return _finding(
            Stage.STORE, State.PASSED, f"It is there{f': {where}' if where else ''}.", exchanges=_numbers(taken)
        )
    if rows is None and effects:
        return _finding(Stage.STORE, State.PASSED, f"It was stored: {where}.", exchanges=_numbers(taken))
    if rows is None:
        return _finding(Stage.STORE, State.UNKNOWN, f"{evidence.host} does not show what it stored.")
    if evidence.ask(evidence.host, looking.TOMBSTONE, object_uri=evidence.post_uri):
        return _finding(Stage.STORE, State.FAILED, f"{evidence.host} had it and was told that it is deleted.")
    return _finding(Stage.STORE, State.FAILED, f"{evidence.host} does not have it.")


def _shown(evidence: Evidence) -> Finding:
    rows = evidence.ask(evidence.host, receipts.SHOWN_TO, object_uri=evidence.post_uri)
    if rows is None:
        return _finding(Stage.SHOWN, State.UNKNOWN, f"{evidence.host} does not say to whom it is shown.")
    if rows:
        names = ", ".join(sorted(row["username"] for row in rows))
        return _finding(Stage.SHOWN, State.PASSED, f"It is shown to {names}.")
    return _finding(
        Stage.SHOWN,
        State.FAILED,
        f"It is at {evidence.host}, but nobody's app there shows it by itself.",
        "Nobody there follows its author, or whoever is named in it blocks or mutes them; its address finds it.",
    )


def _planned(evidence: Evidence, *states: int) -> Any | None:
    """The delivery of the post itself to the host, where it is in one of these states."""
    rows = evidence.ask(evidence.home, receipts.DELIVERIES, object_uri=evidence.post_uri, host=evidence.host) or []
    return next((row for row in rows if row["type"] in _CARRIERS and row["state"] in states), None)


def _first_failed(exchange: Exchange, prefix: str) -> Step | None:
    return next((step for step in exchange.steps if step.name.startswith(prefix) and not step.passed), None)


def _why(exchange: Exchange) -> str:
    if exchange.answer is None:
        return exchange.failure or "there was no answer"
    said = " ".join(exchange.answer.text.split())[:160]
    return f"{exchange.status}{f' ({said})' if said else ''}"


def _numbers(exchanges: Iterable[Exchange]) -> tuple[int, ...]:
    return tuple(x.number for x in exchanges)


def _finding(stage: Stage, state: State, sentence: str, advice: str = "", exchanges: tuple[int, ...] = ()) -> Finding:
    return Finding(stage, state, sentence.replace("..", "."), advice, exchanges)
