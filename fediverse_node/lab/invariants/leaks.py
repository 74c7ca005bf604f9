"""Private words are found nowhere outside the hosts of those whom they are for.

Promises, after every step: the words of a post for followers or for single people (its text, its warning, the options
of its poll, in each of its versions) stand in no request and no answer, no log line and no database of any host but
the author's, those of the people it names, and, where it is for followers, those of the author's followers when it was
posted or later. Within these hosts, no app of somebody else gets them. They are looked for as they are, in JSON, HTML
and URLs, and in base64.

A word counts as private only as long as nobody said it in public. Texts of less than eight letters cannot be told from
chance and are not looked for; of a text with links, mentions or several lines the longest part between them is. A
text that lies across two pages of an SQLite file is not seen there, but in the exchange that brought it.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from fediverse_node.lab.exchange import Exchange, Message
from fediverse_node.lab.invariants.broken import Finding
from fediverse_node.lab.invariants.changes import Changes
from fediverse_node.lab.invariants.log_pages import LogPages
from fediverse_node.lab.invariants.reach import actor_uri_of
from fediverse_node.lab.invariants.scene import Now, Scene
from fediverse_node.lab.invariants.spellings import Needle, phrase_of
from fediverse_node.lab.invariants.traffic import described, is_of_app
from fediverse_node.lab.invariants.views import address_of
from fediverse_node.lab.ledger import Act, Ending, Said
from fediverse_node.lab.people import Readable
from fediverse_node.storage.inline import InlineSqlite
from fediverse_node.storage.queries import comparing


@dataclass
class Secret:
    """Private words, and whom they are for. The same words may be said more than once."""

    needle: Needle
    said: list[Said] = field(default_factory=list)
    people: dict[str, None] = field(default_factory=dict)  # addresses
    hosts: dict[str, None] = field(default_factory=dict)
    is_public: bool = False

    def admit(self, address: str) -> None:
        """These words are for this person too."""
        self.people[address] = None
        self.hosts[address.rpartition("@")[2]] = None


class Leaks:
    """Keeps the private words of a world and reads all that is new."""

    name = "leaks"

    def __init__(self, scene: Scene) -> None:
        self._scene = scene
        self._changes = Changes()
        self._pages = LogPages()
        self._secrets: dict[str, Secret] = {}
        self._public: list[str] = []
        self._private: list[tuple[str, Said]] = []
        self._reported: dict[tuple[str, str, str], None] = {}
        scene.ledger.listeners.append(self._hear)

    def after_step(self, now: Now) -> Iterator[Finding]:
        """All exchanges, log lines and pages that are new."""
        secrets = [secret for secret in self._secrets.values() if not secret.is_public]
        if not secrets:
            return
        for exchange in now.changed:
            yield from self._exchange(exchange, secrets)
        for line in now.lines:
            data = f"{line.text}\n{line.trace}".encode("utf-8", "surrogateescape")
            for secret in self._found(data, [line.host], secrets):
                yield from self._finding(
                    secret, "a log", line.host, f"the log of {line.host or 'the lab'}: {line.text}"
                )
        for host, node in self._scene.nodes.items():
            if self._changes.is_new(host, node.database):
                yield from self._database(host, secrets)

    def at_quiet(self, now: Now) -> Iterator[Finding]:
        """Nothing more than after each step."""
        yield from ()

    # Whom words are for

    def _hear(self, act: Act) -> None:
        if act.verb not in ("posts", "edits"):
            return
        said = next((one for one in reversed(self._scene.ledger.said) if act.number in _acts_of(one)), None)
        if said is None:
            return
        if act.ending is Ending.OPEN:
            self._enter(said)
        self._admit_followers(said)

    def _enter(self, said: Said) -> None:
        texts = list(said.wordings[-1].texts())
        joined = [_joined(text) for text in texts]
        if not said.is_private:
            self._public += joined
            for secret in self._secrets.values():
                secret.is_public = secret.is_public or any(secret.needle.text in text for text in joined)
            return
        self._private += [(text, said) for text in joined]
        for phrase in filter(None, map(phrase_of, texts)):
            if phrase not in self._secrets:
                is_public = any(phrase in text for text in self._public)
                self._secrets[phrase] = Secret(Needle(phrase), is_public=is_public)
                # Whoever got longer words that hold these, has got these.
                for text, earlier in self._private:
                    if phrase in text and earlier is not said:
                        self._tell(self._secrets[phrase], earlier)
        for secret in self._secrets.values():
            if any(secret.needle.text in text for text in joined):
                self._tell(secret, said)

    def _tell(self, secret: Secret, said: Said) -> None:
        if said not in secret.said:
            secret.said.append(said)
        for address in (said.author, *said.mentioned):
            secret.admit(address)
        self._admit_followers(said)

    def _admit_followers(self, said: Said) -> None:
        """Those who follow the author now may read it, but none of whom the author has blocked before."""
        database = self._scene.database_of(said.host)
        if said.audience != "followers" or database is None:
            return
        for address in self._followers(said, database):
            for secret in self._secrets.values():
                if said in secret.said:
                    secret.admit(address)

    def _followers(self, said: Said, database: Readable) -> Iterator[str]:
        asked = {act.who for act in self._scene.ledger.acts_of("follows") if act.target == said.author}
        moved = any(True for _ in self._scene.ledger.acts_of("moves"))
        for row in database.read(comparing.FOLLOWERS, uri=actor_uri_of(said.author)):
            address = address_of(row["uri"])
            is_known = address.rpartition("@")[2] in self._scene.nodes
            # Nobody follows who never asked to; strangers, and those who came by a move, have no entry here.
            if (address in asked or moved or not is_known) and not self._is_blocked(said.author, address):
                yield address

    def _is_blocked(self, author: str, address: str) -> bool:
        is_blocked = False
        for act in self._scene.ledger.acts:
            if act.who == author and act.target == address and act.ending is Ending.DONE:
                is_blocked = act.verb == "blocks" or (is_blocked and act.verb != "unblocks")
        return is_blocked

    # Where words stand

    def _exchange(self, exchange: Exchange, secrets: list[Secret]) -> Iterator[Finding]:
        hosts = [exchange.receiver] if is_of_app(exchange) else [exchange.sender, exchange.receiver]
        person = exchange.sender if is_of_app(exchange) else ""
        messages = [("a request", exchange.request)]
        if exchange.answer is not None:
            messages.append(("an answer", exchange.answer))
        for what, message in messages:
            for secret in self._found(_bytes_of(message), hosts, secrets, person):
                outside = next((host for host in (person, *hosts) if host and not _may_have(secret, host)), "")
                yield from self._finding(
                    secret, what, outside, f"{what} that {outside} sees: {described(exchange)}", exchange.number
                )

    def _found(self, data: bytes, hosts: list[str], secrets: list[Secret], person: str = "") -> Iterator[Secret]:
        for secret in secrets:
            if all(host in secret.hosts for host in hosts) and (not person or person in secret.people):
                continue
            if secret.needle.stands_in(data):
                for said in secret.said:
                    self._admit_followers(said)
                if not all(_may_have(secret, host) for host in hosts) or (person and person not in secret.people):
                    yield secret

    def _database(self, host: str, secrets: list[Secret]) -> Iterator[Finding]:
        database = self._scene.nodes[host].database
        foreign = [secret for secret in secrets if host not in secret.hosts]
        if isinstance(database, InlineSqlite):
            data = b"\0".join(self._pages.new_in(database.path))
            for secret in self._found(data, [host], foreign):
                yield from self._finding(secret, "a database", host, f"the database of {host}")
        elif foreign:
            yield from self._rows(host, database, foreign)

    def _rows(self, host: str, database: Readable, foreign: list[Secret]) -> Iterator[Finding]:
        spelt = {
            part.decode(): secret
            for secret in foreign
            for part in (*secret.needle.spellings, *secret.needle.base64_parts)
        }
        hits = [(row["what"], spelt[row["needle"]]) for row in database.read(comparing.TEXTS, needles=list(spelt))]
        for row in database.read(comparing.BODIES):
            hits += [(row["what"], secret) for secret in foreign if secret.needle.stands_in(bytes(row["body"]))]
        for what, secret in hits:
            for said in secret.said:
                self._admit_followers(said)
            if host not in secret.hosts:
                yield from self._finding(secret, "a database", host, f"{what} in the database of {host}")

    def _finding(self, secret: Secret, what: str, outside: str, where: str, number: int = 0) -> Iterator[Finding]:
        """Each place is told once."""
        key = (secret.needle.text, what, outside)
        if key in self._reported:
            return
        self._reported[key] = None
        said = secret.said[-1]
        yield Finding(
            f"{said.audience} words in {what}",
            f"{outside or 'nobody in particular'} is not one of those whom words of {said.author} are for, "
            f"and they are found in {where}",
            (number,) if number else (),
            (("words", secret.needle.text), ("for", f"{said.audience}: {', '.join(secret.people)}")),
        )


def _may_have(secret: Secret, who: str) -> bool:
    return who in secret.people if "@" in who else who in secret.hosts


def _acts_of(said: Said) -> set[int]:
    return {wording.act for wording in said.wordings} | {said.posted}


def _joined(text: str) -> str:
    return " ".join(text.split())


def _bytes_of(message: Message) -> bytes:
    head = "\r\n".join([message.start, *(f"{name}: {value}" for name, value in message.headers)])
    return head.encode("utf-8", "surrogateescape") + b"\r\n\r\n" + message.body
