"""A run as a world would record it: really signed requests, causes, faults, refusals, and what strangers may write."""

from __future__ import annotations

import gzip
from dataclasses import dataclass, field
from functools import cache
from itertools import cycle
from typing import Any

import orjson

from fediverse_node.base.clock import from_ms
from fediverse_node.lab.exchange import Exchange, Message, Step
from fediverse_node.lab.inspector.nodes import NodeInfo, PersonInfo
from fediverse_node.lab.recording import Recording
from fediverse_node.signatures.keys import PrivateKey
from fediverse_node.signatures.request import Request
from fediverse_node.signatures.sign import sign_cavage, sign_rfc9421

BEGAN_MS = 1_900_000_000_000  # 2030-03-17
PUBLIC = "https://www.w3.org/ns/activitystreams#Public"
CONTEXT = "https://www.w3.org/ns/activitystreams"
PEOPLE = {"alice": "alpha.test", "ben": "beta.test", "chitra": "gamma.test", "dov": "delta.test", "eun": "epsilon.test"}
HOSTILE = '</script><script>window.broken=1</script><img src=x onerror="window.broken=1"><!--'
STRANGER = "a-very-long-name-of-a-host-that-nobody-would-choose.social.example"


@cache
def key_of(name: str) -> PrivateKey:
    """Everybody's key; alice has an RSA key, as most of the fediverse."""
    return PrivateKey.generate_rsa() if name == "alice" else PrivateKey.generate_ed25519()


def uri(name: str) -> str:
    return f"https://{PEOPLE[name]}/users/{name}"


def actor(name: str) -> dict[str, Any]:
    public = key_of(name).public()
    document: dict[str, Any] = {"@context": CONTEXT, "id": uri(name), "type": "Person", "preferredUsername": name}
    document |= {"inbox": f"{uri(name)}/inbox", "name": {"dov": "דוב בן־ארי", "eun": "은지 🌸"}.get(name, name.title())}
    if public.algorithm == "rsa":
        key = {"id": f"{uri(name)}#main-key", "owner": uri(name), "publicKeyPem": public.pem()}
        return document | {"publicKey": key}
    key = {"id": f"{uri(name)}#main-key", "type": "Multikey", "publicKeyMultibase": public.multibase()}
    # The word that readers look for stands in the context too, as it does in real documents.
    return document | {"assertionMethod": [key | {"controller": uri(name)}]}


def note(name: str, number: int, text: str, **more: Any) -> dict[str, Any]:
    return {
        "id": f"{uri(name)}/statuses/{number}",
        "type": "Note",
        "attributedTo": uri(name),
        "content": f"<p>{text}</p>",
        "to": [PUBLIC],
        "context": f"https://{PEOPLE[name]}/contexts/{number}",
    } | more


def signed(name: str, method: str, url: str, body: bytes, *, at_ms: int, scheme: str = "rfc9421") -> Message:
    """A request with a real signature."""
    host, _, path = url.removeprefix("https://").partition("/")
    headers: list[tuple[str, str]] = [("host", host), ("user-agent", "fediverse_node/0.1"), ("accept-encoding", "gzip")]
    if body:
        headers += [("content-type", "application/activity+json"), ("content-length", str(len(body)))]
    request = Request(method, url, tuple(headers), body)
    sign = sign_cavage if scheme == "cavage" else sign_rfc9421
    headers += sign(request, key=key_of(name), key_id=f"{uri(name)}#main-key", now=from_ms(at_ms))
    names = {name: "-".join(part.title() for part in name.split("-")) for name, _ in headers}
    return Message(f"{method} /{path} HTTP/1.1", tuple((names[name], value) for name, value in headers), body)


def answered(status: str, document: Any = None, *, body: bytes = b"", **headers: str) -> Message:
    content = orjson.dumps(document) if document is not None else body
    kind = "application/activity+json; charset=utf-8" if document is not None else "text/plain; charset=utf-8"
    pairs = [("Content-Type", kind), ("Content-Length", str(len(content))), ("Server", "fediverse_node")]
    pairs += [(name.replace("_", "-"), value) for name, value in headers.items()]
    return Message(f"HTTP/1.1 {status}", tuple(pairs), content)


def told(status: int, reason: str, sentence: str) -> Step:
    """The last step of an inbox."""
    detail = (("status", str(status)), ("reason", reason), ("sentence", sentence))
    return Step("inbox.answered", status < 300, "" if status < 300 else sentence, detail)


TAKEN = (
    Step("inbox.body", True, detail=(("size_bytes", "512"),)),
    Step("understand.json", True, detail=(("claims", "[{'scheme': 'rfc9421', 'key_id': 'https://a.example/'}]" * 3),)),
    Step("signature.digest", True, detail=(("scheme", "rfc9421"), ("label", "sig1"))),
    Step("fetch.document", False, "The host did not answer."),
    Step("signature.key", True, detail=(("found", "kept from before"),)),
    Step("policy.actor", True),
    Step("rule.decided", True),
    Step("storage.committed", True),
    told(202, "ACCEPTED", "accepted"),
)


def refused_at(name: str, sentence: str, **detail: str) -> list[Step]:
    return [Step("inbox.body", True), Step(name, False, sentence, tuple(detail.items()))]


@dataclass
class Story:
    """Writes a recording, exchange by exchange."""

    recording: Recording = field(default_factory=lambda: Recording({"seed": 42, "version": "0.1.0", "name": "sample"}))
    at_ms: int = BEGAN_MS

    def add(self, sender: str, url: str, request: Message, **more: Any) -> int:
        self.at_ms += more.pop("after_ms", 37)
        receiver = more.pop("receiver", url.removeprefix("https://").partition("/")[0])
        exchange = Exchange(self.recording.next_number, self.at_ms, sender, receiver, url, request, **more)
        if exchange.answer and not exchange.took_ms:
            exchange.took_ms = 12.5 + exchange.number % 7
        self.recording.begin(exchange)
        cause = self.recording.find(exchange.cause or 0)
        if cause is not None:
            cause.sent.append(exchange.number)
        return exchange.number

    def person(self, name: str, path: str, document: Any, answer: Any) -> int:
        """An app of somebody's talks to its own node."""
        host = PEOPLE[name]
        body = orjson.dumps(document)
        headers = (("Host", host), ("Authorization", "Bearer sample"), ("Content-Type", "application/json"))
        message = Message(f"POST {path} HTTP/1.1", (*headers, ("Content-Length", str(len(body)))), body)
        reply = answered("200 OK", answer)
        return self.add(f"{name}@{host}", f"https://{host}{path}", message, answer=reply, after_ms=1800)

    def get(
        self, asker: str, url: str, document: Any, *, cause: int | None, status: str = "200 OK", **more: Any
    ) -> int:
        message = signed(asker, "GET", url, b"", at_ms=self.at_ms)
        return self.add(PEOPLE[asker], url, message, answer=answered(status, document), cause=cause, **more)

    def post(self, name: str, to: str, activity: dict[str, Any], *, cause: int | None, **more: Any) -> int:
        """A delivery, taken with 202 unless `more` says otherwise."""
        url = f"https://{PEOPLE.get(to, to)}/inbox"
        body = orjson.dumps({"@context": CONTEXT, "actor": uri(name), **activity})
        scheme = more.pop("scheme", "rfc9421")
        message = signed(name, "POST", url, body, at_ms=self.at_ms, scheme=scheme)
        if (changed := more.pop("changed_to", None)) is not None:
            message = Message(message.start, message.headers, changed)
        more.setdefault("answer", answered("202 Accepted"))
        if more["answer"] is not None and more["answer"].start.startswith("HTTP/1.1 202") and to in PEOPLE:
            more.setdefault("steps", list(TAKEN))
            more.setdefault("effects", [f"Stored the {activity['type']} of {name}.", "Told 1 person."])
        return self.add(PEOPLE[name], url, message, cause=cause, **more)


def activity(kind: str, name: str, number: int, thing: Any) -> dict[str, Any]:
    return {"id": f"{uri(name)}#{kind.lower()}s/{number}", "type": kind, "object": thing}


def sample_recording() -> Recording:
    """About sixty exchanges of five nodes, a stranger and somebody without a name."""
    story = Story()
    follows(story)
    conversation(story)
    troubles(story)
    strangers(story)
    return story.recording


def follows(story: Story) -> None:
    for number, (name, other) in enumerate(
        [("ben", "alice"), ("chitra", "alice"), ("dov", "alice"), ("eun", "ben")], 1
    ):
        asked = story.person(name, "/api/v1/accounts/101/follow", {}, {"id": "101", "following": True})
        host = PEOPLE[other]
        finger = f"https://{host}/.well-known/webfinger?resource=acct:{other}@{host}"
        story.get(name, finger, {"subject": f"acct:{other}@{host}", "links": []}, cause=asked)
        story.get(name, uri(other), actor(other), cause=asked)
        follow = activity("Follow", name, number, uri(other))
        arrived = story.post(name, other, follow, cause=asked, scheme="cavage" if name == "chitra" else "rfc9421")
        story.get(other, uri(name), actor(name), cause=arrived)
        accept = activity("Accept", other, number, {**follow, "actor": uri(name)})
        story.post(other, name, accept, cause=arrived, scheme="cavage" if other == "alice" else "rfc9421")


def conversation(story: Story) -> None:
    first = note("alice", 1, "Good morning, fediverse 🌅 What did you plant this year?")
    said = story.person("alice", "/api/v1/statuses", {"status": "Good morning, fediverse 🌅"}, {"id": "1"})
    for to in ("beta", "gamma", "delta"):
        name = next(person for person, host in PEOPLE.items() if host.startswith(to))
        fault = {"fault": "delay 2 s", "took_ms": 2031.0} if to == "gamma" else {}
        story.post("alice", name, activity("Create", "alice", 1, first), cause=said, **fault)
    answers = [("ben", "Tomatoes, again."), ("dov", "שתלתי זעתר ונענע 🌿"), ("chitra", "بذور عبّاد الشمس 🌻")]
    for number, (name, text) in enumerate(answers, 10):
        spoken = story.person(name, "/api/v1/statuses", {"status": text}, {"id": str(number)})
        thing = note(name, number, text, inReplyTo=first["id"], context=first["context"])
        arrived = story.post(name, "alice", activity("Create", name, number, thing), cause=spoken)
        if name == "ben":
            story.get("alice", f"{uri('ben')}/statuses/9", {"error": "Gone"}, cause=arrived, status="410 Gone")
    for number, name in enumerate(("ben", "chitra"), 20):
        liked = story.person(name, "/api/v1/statuses/1/favourite", {}, {"id": "1", "favourited": True})
        story.post(name, "alice", activity("Like", name, number, first["id"]), cause=liked)
    shared = story.person("ben", "/api/v1/statuses/1/reblog", {}, {"id": "30"})
    announce = activity("Announce", "ben", 30, first["id"])
    story.post("ben", "alice", announce, cause=shared)
    heard = story.post("ben", "eun", announce, cause=shared)
    story.get("eun", first["id"], first | {"@context": CONTEXT}, cause=heard)
    story.get("eun", uri("alice"), actor("alice"), cause=heard)


def troubles(story: Story) -> None:
    thing = note("alice", 2, f"Private words, and {HOSTILE}")
    said = story.person("alice", "/api/v1/statuses", {"status": "Private words"}, {"id": "2"})
    create = activity("Create", "alice", 2, thing)
    lost = {"answer": None, "failure": "The connection was closed before an answer came.", "took_ms": 31.0}
    story.post("alice", "ben", create, cause=said, fault="drop", **lost)
    down = answered("503 Service Unavailable", {"error": "The database is locked."}, Retry_After="60")
    story.post("alice", "chitra", create, cause=said, answer=down, fault="answer 503")
    changed = orjson.dumps({"@context": CONTEXT, "actor": uri("alice"), **create, "object": "changed"})
    wrong = refused_at("inbox.signature.digest", "The body is not the one that was signed.", header="content-digest")
    story.post(
        "alice",
        "dov",
        create,
        cause=said,
        answer=answered("401 Unauthorized", {"error": "The body is not the one that was signed."}),
        steps=wrong,
        fault="wrong digest",
        changed_to=changed,
    )
    story.post("alice", "ben", create, cause=said, after_ms=61_000)
    story.post("alice", "chitra", create, cause=said, after_ms=2_400)
    later = refused_at("inbox.policy", "The sender is blocked here.", rule="block of alpha.test by dov")
    story.post("alice", "dov", create, cause=said, steps=later, effects=[])
    deleted = story.person("alice", "/api/v1/statuses/2/delete", {}, {"id": "2"})
    delete = activity("Delete", "alice", 2, {"id": thing["id"], "type": "Tombstone"})
    for name in ("ben", "chitra", "dov"):
        story.post("alice", name, delete, cause=deleted)
    stale = refused_at("inbox.signature.time", "The signature is too old.", age="13 h")
    story.at_ms -= 13 * 3_600_000
    message = signed("ben", "POST", "https://alpha.test/inbox", orjson.dumps(delete), at_ms=story.at_ms)
    story.at_ms += 13 * 3_600_000
    refusal = answered("401 Unauthorized", {"error": "The signature is too old."})
    story.add("beta.test", "https://alpha.test/inbox", message, answer=refusal, steps=stale, fault="clock skew −13 h")


def strangers(story: Story) -> None:
    packed = gzip.compress(
        orjson.dumps({"@context": CONTEXT, "id": f"https://{STRANGER}/users/zoë", "type": "Service"})
    )
    answer = answered("200 OK", body=packed, Content_Encoding="gzip")
    url = f"https://{STRANGER}/users/zo%C3%AB"
    story.add(
        "alpha.test", url, signed("alice", "GET", url, b"", at_ms=story.at_ms), answer=answer, after_ms=90_061_000
    )
    plain = Message("POST /inbox HTTP/1.1", (("Host", "alpha.test"), ("Content-Length", "9")), b"not json!")
    story.add(
        "",
        "https://alpha.test/inbox",
        plain,
        answer=answered("400 Bad Request", {"error": "This is no JSON."}),
        steps=refused_at("inbox.body", "The body is no JSON object."),
    )
    picture = bytes(range(256)) * 3
    story.add(
        "beta.test",
        "https://alpha.test/media/1.png",
        signed("ben", "GET", "https://alpha.test/media/1.png", b"", at_ms=story.at_ms),
        answer=answered("200 OK", body=picture),
    )
    waiting = activity("Update", "alice", 1, note("alice", 1, "Good evening, fediverse"))
    story.post("alice", STRANGER, waiting, cause=None, answer=None)


def large_recording(count: int) -> Recording:
    """`count` exchanges of eight nodes, each post followed by its deliveries."""
    story = Story()
    names = cycle(PEOPLE)
    while len(story.recording) < count:
        name, number = next(names), len(story.recording)
        said = story.person(name, "/api/v1/statuses", {"status": f"Word {number}"}, {"id": str(number)})
        thing = note(name, number, f"Word {number} " + "and more of it " * 20)
        for other in PEOPLE:
            if other != name and len(story.recording) < count:
                failed = {"answer": None, "failure": "Nobody answered.", "fault": "drop"} if number % 11 == 0 else {}
                story.post(name, other, activity("Create", name, number, thing), cause=said, **failed)
    return story.recording


def sample_nodes() -> tuple[NodeInfo, ...]:
    """The five nodes with their people."""
    return tuple(
        NodeInfo(
            name=host,
            address=f"127.0.0.1:{8441 + position}",
            url=f"https://127.0.0.1:{8441 + position}/",
            software="fediverse_node 0.1.0",
            ca_file="/tmp/lab/ca.pem",
            people=(PersonInfo(name, f"{name}@{host}", uri(name), f"https://127.0.0.1/sign-in/{name}", may_sign=True),),
        )
        for position, (name, host) in enumerate(PEOPLE.items())
    )
