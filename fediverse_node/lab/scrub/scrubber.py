"""Makes a recording readable by strangers: what people said and who they are goes, what servers did stays.

Texts, names, handles, numbers of posts, files, IP addresses and keys are replaced, each always by the same, so that
what was one thing stays one thing; words of protocols, types, sizes, structure, moments and the order of things stay.
Whatever is not known to be a word of a protocol is taken for somebody's text. The key of the replacement is drawn for
each recording and thrown away: nobody, here or elsewhere, can turn it back. A signature that was made over the
original holds no more; a replay signs anew.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Iterable, Mapping
from http import HTTPStatus
from pathlib import Path
from typing import Any

import orjson

from fediverse_node.lab.recorder.secrets import without_secrets
from fediverse_node.lab.recording import Recording, RecordingError, parse_recording
from fediverse_node.lab.scrub.addresses import ADDRESS, HANDLE, Addresses
from fediverse_node.lab.scrub.documents import Documents
from fediverse_node.lab.scrub.headers import DROPPED, Headers, new_digests
from fediverse_node.lab.scrub.vocabulary import sentence_words
from fediverse_node.lab.scrub.words import Words

_LEFT_OUT = "[left out]"
# Text of the signed request itself, and lists of what stands in the steps beside.
_TELLING = frozenset({"base", "others", "claims"})
_PLAIN = re.compile(r"[A-Za-z]+|\d+|[^\x00-\x7f]+")
_STATUS = re.compile(r"(HTTP/\d(?:\.\d)?) (\d{3})(?: (.*))?", re.DOTALL)
_PHRASES = frozenset(status.phrase for status in HTTPStatus)
_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
_HEAD_KEPT = frozenset({"format", "version", "began", "began_ms", "seed", "scrubbed", "ended_ms"})


class Scrubber:
    """For one recording. `hosts`: the names of servers are replaced too."""

    def __init__(self, *, hosts: bool = False) -> None:
        self._words = Words()
        self._addresses = Addresses(self._words, hosts=hosts)
        self._documents = Documents(self._words, self._addresses)
        self._headers = Headers(self._words, self._addresses)

    def line(self, plain: Mapping[str, Any]) -> dict[str, Any]:
        """Any line of a recording, as `recording.py` describes them."""
        if "format" in plain:
            return self._head(plain)
        if "known" in plain:
            return {"known": self._known(plain["known"])}
        if "end" in plain:
            return {"end": {"at_ms": plain["end"]["at_ms"]}}
        if "later" in plain:
            later = plain["later"]
            return {
                "later": {
                    "number": later["number"],
                    "steps": self._steps(later["steps"]),
                    "effects": [self.sentence(effect) for effect in later["effects"]],
                }
            }
        return self._exchange(plain)

    def sentence(self, text: str) -> str:
        """What this program says: names and addresses go, its own words stay."""
        found, position = [], 0
        for match in _NAMED.finditer(text):
            found.append(self._plain(text[position : match.start()]))
            found.append(self._named(match.group()))
            position = match.end()
        return "".join([*found, self._plain(text[position:])])

    def _named(self, named: str) -> str:
        if "://" in named:
            return self._addresses.url(named)
        if "@" in named:
            return self._addresses.handle(named)
        return self._addresses.host(named) if self._addresses.is_host(named) else self._plain(named)

    def _plain(self, text: str) -> str:
        words = sentence_words()

        def replaced(match: re.Match[str]) -> str:
            word = match.group()
            if word in words or (word.isdigit() and len(word) <= 4):
                return word
            return self._addresses.digits(word) if word.isascii() and word.isdigit() else self._words.word(word)

        return _PLAIN.sub(replaced, text)

    def _head(self, plain: Mapping[str, Any]) -> dict[str, Any]:
        scrubbed: dict[str, Any] = {key: value for key, value in plain.items() if key in _HEAD_KEPT}
        scrubbed["scrubbed"] = True
        if isinstance(plain.get("host"), str):
            scrubbed["host"] = self._addresses.host(plain["host"])
        if isinstance(plain.get("base_url"), str):
            scrubbed["base_url"] = self._addresses.url(plain["base_url"])
        scrubbed["local_actors"] = [self._known(item) for item in plain.get("local_actors", ())]
        scrubbed["blocked_hosts"] = [self._addresses.host(str(host)) for host in plain.get("blocked_hosts", ())]
        return scrubbed

    def _known(self, item: Mapping[str, Any]) -> dict[str, Any]:
        scrubbed: dict[str, Any] = {}
        for key, value in item.items():
            match value:
                case bool() | int() | None:
                    scrubbed[key] = value
                case str() if key == "host":
                    scrubbed[key] = self._addresses.host(value)
                case Mapping() if key in ("actor", "object"):
                    scrubbed[key] = self._documents.document(value)
                case list():
                    scrubbed[key] = [
                        {name: self._addresses.url(of) if isinstance(of, str) else of for name, of in relation.items()}
                        for relation in value
                    ]
                case _:
                    scrubbed[key] = self._documents.document(value)
        return scrubbed

    def _exchange(self, plain: Mapping[str, Any]) -> dict[str, Any]:
        scrubbed = {
            key: value
            for key, value in plain.items()
            if key in ("number", "at_ms", "took_ms", "cause", "sent") and not isinstance(value, str)
        }
        for end in ("sender", "receiver"):
            named = str(plain.get(end) or "")
            scrubbed[end] = self._addresses.handle(named) if "@" in named else self._addresses.host(named)
        scrubbed["url"] = self._addresses.url(plain["url"])
        scrubbed["request"] = self._message(plain["request"])
        scrubbed["answer"] = self._message(plain["answer"]) if plain.get("answer") else None
        for said in ("failure", "fault"):
            scrubbed[said] = self.sentence(str(plain.get(said) or ""))
        scrubbed["steps"] = self._steps(plain.get("steps", ()))
        scrubbed["effects"] = [self.sentence(effect) for effect in plain.get("effects", ())]
        return scrubbed

    def _steps(self, steps: Iterable[Mapping[str, Any]]) -> list[dict[str, Any]]:
        return [
            {
                "name": step["name"],
                "passed": step["passed"],
                "sentence": self.sentence(step["sentence"]),
                "detail": {
                    name: _LEFT_OUT if name in _TELLING else self.sentence(str(value))
                    for name, value in step["detail"].items()
                },
            }
            for step in steps
        ]

    def _message(self, message: Mapping[str, Any]) -> dict[str, Any]:
        headers = [(str(name), str(value)) for name, value in message["headers"]]
        kind = next((value for name, value in headers if name.lower() == "content-type"), "")
        before, after = self._body(message, kind)
        scrubbed: dict[str, Any] = {"start": self._start(message["start"])}
        fresh = new_digests(headers, before, after)
        scrubbed["headers"] = [
            [self._headers.name(name), fresh.get(name.lower()) or self._headers.value(name, value)]
            for name, value in headers
            if name.lower() not in DROPPED
        ]
        if "body_base64" in message:
            scrubbed["body_base64"] = base64.b64encode(after).decode()
        else:
            scrubbed["body"] = after.decode()
        return scrubbed

    def _body(self, message: Mapping[str, Any], kind: str) -> tuple[bytes, bytes]:
        if "body_base64" in message:
            before = base64.b64decode(message["body_base64"])
            return before, self._words.noise(before)
        text = str(message["body"])
        return text.encode(), self._documents.body(text, kind).encode()

    def _start(self, start: str) -> str:
        answer = _STATUS.fullmatch(start)
        if answer is not None:
            version, status, phrase = answer.groups()
            if phrase is None:
                return start
            return f"{version} {status} {phrase if phrase in _PHRASES else self._words.text(phrase)}"
        method, _, rest = start.partition(" ")
        target, space, version = rest.rpartition(" ")
        if not space:
            return self._words.text(start)
        method = method if method in _METHODS else self._words.text(method)
        return (
            f"{method} {self._addresses.target(target)} {self._plain(version) if version[:5] != 'HTTP/' else version}"
        )


_HOST = r"(?:[A-Za-z0-9-]+\.)+[A-Za-z0-9-]+(?::\d+)?"
_NAMED = re.compile(f"{ADDRESS.pattern}|{HANDLE.pattern}|{_HOST}", re.IGNORECASE)


def scrub_file(source: Path, target: Path, *, hosts: bool) -> int:
    """Scrub a recording line by line; how many exchanges there were. Raises RecordingError."""
    try:
        lines = [line for line in source.read_bytes().split(b"\n") if line]
    except OSError as error:
        raise RecordingError(f"{source} cannot be read: {error.strerror}") from error
    recording: Recording = parse_recording(lines, name=str(source))
    scrubber = Scrubber(hosts=hosts)
    written = [orjson.dumps(scrubber.line(without_secrets(orjson.loads(line)))) for line in lines]
    try:
        target.write_bytes(b"\n".join(written) + b"\n")
    except OSError as error:
        raise RecordingError(f"{target} cannot be written: {error.strerror}") from error
    return len(recording)
