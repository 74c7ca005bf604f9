"""One exchange between two hosts: request, answer, what was made of it, and why it was sent.

This is what the network of a world records, the inspector shows and a recording holds. The bytes are those that were
on the wire. Nothing is interpreted here but what a reader looks for: which activity it was, whose, about what.
"""

from __future__ import annotations

import base64
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, fields
from typing import Any

import orjson

Headers = tuple[tuple[str, str], ...]
# What a file may hold where; cause may be null as well.
_KINDS: Mapping[str, type] = {
    **dict.fromkeys(("number", "at_ms"), int),
    **dict.fromkeys(("sender", "receiver", "url", "failure", "fault"), str),
    **dict.fromkeys(("effects", "sent"), list),
}


@dataclass(frozen=True, slots=True)
class Message:
    """A request or an answer as sent. `start` is its first line; header names as they were written."""

    start: str
    headers: Headers
    body: bytes = b""

    def header(self, name: str) -> str | None:
        """The first header called `name`, in any case."""
        wanted = name.lower()
        return next((value for key, value in self.headers if key.lower() == wanted), None)

    @property
    def text(self) -> str:
        """The body as text; what is not UTF-8 is replaced."""
        return self.body.decode("utf-8", "replace")

    @property
    def document(self) -> dict[str, Any] | None:
        """The body as a JSON object, if it is one."""
        if self.body.lstrip()[:1] != b"{":
            return None
        try:
            found = orjson.loads(self.body)
        except ValueError:
            return None
        return found if isinstance(found, dict) else None


@dataclass(frozen=True, slots=True)
class Step:
    """One step of the receiver's: its name, whether it was passed, and in a sentence why not."""

    name: str
    passed: bool
    sentence: str = ""
    detail: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True)
class Activity:
    """What an inbox was told, as far as a reader looks for it. Empty strings where it does not say."""

    id: str = ""
    type: str = ""
    actor: str = ""
    object_id: str = ""
    object_type: str = ""
    in_reply_to: str = ""
    thread: str = ""


@dataclass
class Exchange:
    """One request and what came of it. Numbers count from 1 in the order in which the requests left."""

    number: int
    at_ms: int  # of the world's clock, when the request had left
    sender: str  # host of the node that asked; for people "alice@alpha.test"; "" for a stranger without a name
    receiver: str  # host that was asked
    url: str
    request: Message
    answer: Message | None = None
    took_ms: float = 0.0
    failure: str = ""  # why there is no answer, in a sentence
    fault: str = ""  # what the lab did to it, in the words of the rule
    cause: int | None = None  # the exchange in whose course this one was sent
    steps: list[Step] = field(default_factory=list)
    effects: list[str] = field(default_factory=list)  # what the receiver's database did, a sentence each
    sent: list[int] = field(default_factory=list)  # exchanges that were sent because of this one
    _activity: Activity | None = field(default=None, init=False, repr=False, compare=False)

    @property
    def method(self) -> str:
        """GET, POST, …"""
        return self.request.start.partition(" ")[0]

    @property
    def status(self) -> int:
        """The status answered; 0 where there was no answer."""
        words = self.answer.start.split(" ") if self.answer else []
        return int(words[1]) if len(words) > 1 and words[1].isdigit() else 0

    @property
    def activity(self) -> Activity:
        """The activity posted, or the object or actor answered."""
        if self._activity is not None:
            return self._activity
        posted = self.method == "POST"
        message = self.request if posted else self.answer
        found = read_activity(message.document if message else None)
        # What a GET is about is known when the answer is there.
        self._activity = found if message is not None else None
        return found

    @property
    def line(self) -> str:
        """The whole in one line: who asked whom for what, and what came of it."""
        target = self.request.start.split(" ")[1] if " " in self.request.start else self.request.start
        about = f" {self.activity.type}" if self.method == "POST" and self.activity.type else ""
        came = f"{self.status}" if self.answer else "no answer"
        why = "; ".join(text for text in (self.failure, f"fault: {self.fault}" if self.fault else "") if text)
        sender = self.sender or "?"
        told = f"{self.number} {sender} → {self.receiver} {self.method} {target}{about}: {came}"
        return f"{told} ({why})" if why else told

    def names(self) -> Iterator[str]:
        """Every address by which somebody may look for this exchange."""
        found = self.activity
        yield from (self.url, found.id, found.actor, found.object_id, found.in_reply_to, found.thread)

    def to_json(self) -> dict[str, Any]:
        """The form in which exchanges are kept in files and shown by the inspector."""
        plain = {leaf.name: getattr(self, leaf.name) for leaf in fields(self) if leaf.init}
        plain["url"] = _writable(self.url)
        plain["request"] = _message_to_json(self.request)
        plain["answer"] = _message_to_json(self.answer) if self.answer else None
        plain["steps"] = [step_to_json(step) for step in self.steps]
        return plain

    @classmethod
    def from_json(cls, plain: Mapping[str, Any]) -> Exchange:
        """What `to_json` gave. Raises ValueError for anything else."""
        known = {leaf.name for leaf in fields(cls) if leaf.init}
        try:
            values = {name: value for name, value in plain.items() if name in known}
            values["request"] = _message_from_json(plain["request"])
            values["answer"] = _message_from_json(plain["answer"]) if plain.get("answer") else None
            values["steps"] = read_steps(plain.get("steps", ()))
            wrong = [name for name, kind in _KINDS.items() if not isinstance(values.get(name, kind()), kind)]
            if wrong or not all(isinstance(number, int) for number in values.get("sent", ())):
                raise TypeError(", ".join(wrong) or "sent")
            return cls(**values)
        except (KeyError, TypeError, AttributeError) as error:
            raise ValueError(f"this is no exchange: {error!r}") from error


def step_to_json(step: Step) -> dict[str, Any]:
    """The form in which steps are kept in files."""
    return {"name": step.name, "passed": step.passed, "sentence": step.sentence, "detail": dict(step.detail)}


def read_steps(plain: Iterable[Mapping[str, Any]]) -> list[Step]:
    """What `step_to_json` gave, of many."""
    return [Step(step["name"], step["passed"], step["sentence"], tuple(step["detail"].items())) for step in plain]


def read_activity(document: Mapping[str, Any] | None) -> Activity:
    """What a document is about. Never fails: what is not there is empty."""
    if document is None:
        return Activity()
    inner = document.get("object")
    embedded = inner if isinstance(inner, Mapping) else {}
    return Activity(
        id=_text(document.get("id")),
        type=_text(document.get("type")),
        actor=_id_of(document.get("actor")) or _id_of(document.get("attributedTo")),
        object_id=_id_of(inner),
        object_type=_text(embedded.get("type")),
        in_reply_to=_id_of(embedded.get("inReplyTo")) or _id_of(document.get("inReplyTo")),
        thread=_id_of(embedded.get("context")) or _id_of(document.get("context")),
    )


def _text(value: object) -> str:
    if isinstance(value, list) and value:
        value = value[0]
    return value if isinstance(value, str) else ""


def _id_of(value: object) -> str:
    if isinstance(value, list) and value:
        value = value[0]
    if isinstance(value, Mapping):
        value = value.get("id")
    return value if isinstance(value, str) else ""


def _message_to_json(message: Message) -> dict[str, Any]:
    plain: dict[str, Any] = {
        "start": _writable(message.start),
        "headers": [[_writable(name), _writable(value)] for name, value in message.headers],
    }
    try:
        plain["body"] = message.body.decode()
    except UnicodeDecodeError:
        plain["body_base64"] = base64.b64encode(message.body).decode()
    return plain


def _writable(text: str) -> str:
    """Bytes that are not UTF-8 stand in a head as half surrogates, which no JSON can hold: the rest stays readable."""
    return text if text.isascii() else text.encode("utf-8", "surrogateescape").decode("utf-8", "replace")


def _message_from_json(plain: Mapping[str, Any]) -> Message:
    body = base64.b64decode(plain["body_base64"]) if "body_base64" in plain else plain["body"].encode()
    return Message(plain["start"], tuple((str(name), str(value)) for name, value in plain["headers"]), body)
