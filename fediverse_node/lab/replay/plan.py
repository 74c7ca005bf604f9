"""What a recording asks of a replay: which requests come in and when, how others answered, who was there."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from fediverse_node.base.clock import to_ms
from fediverse_node.domain.names import Names
from fediverse_node.lab.exchange import Exchange, Message
from fediverse_node.lab.recording import Recording, RecordingError
from fediverse_node.lab.replay.ends import arrived, returned

_APPS = ("/api/", "/oauth/", "/auth/", "/sign-in", "/settings", "/media/", "/assets/")
_NAME = re.compile(r"/users/([A-Za-z0-9_]{1,30})(?![A-Za-z0-9_])")
# Of a recording that does not say that it ended, the last moments cannot tell what is missing.
_UNSURE_MS = 5_000


@dataclass(frozen=True, slots=True)
class Plan:
    """A recording seen from one host. `end_ms`: until when it tells everything; `last_ms`: its last moment."""

    host: str
    base_url: str
    began_ms: int
    end_ms: int
    last_ms: int
    scrubbed: bool
    is_own: bool  # the node wrote it itself; else it was seen by the network of a world
    incoming: tuple[Exchange, ...]
    outgoing: tuple[Exchange, ...]
    known: tuple[Mapping[str, Any], ...]
    blocked_hosts: tuple[str, ...]

    @property
    def names(self) -> Names:
        """How URIs of the recorded node are built."""
        return Names(self.base_url, self.host)

    def local_actors(self) -> list[Mapping[str, Any]]:
        """Those who lived there, as their `known` lines; people of whom only the name is known have a bare one."""
        found: dict[str, Mapping[str, Any]] = {}
        for item in self.known:
            if item.get("local") and isinstance(item.get("actor"), Mapping):
                found.setdefault(str(item["actor"].get("id")), item)
        for uri, document in self._met():
            found.setdefault(uri, {"actor": document, "local": True, "host": self.host, "follows": [], "blocks": []})
        return list(found.values())

    def _met(self) -> Iterator[tuple[str, Mapping[str, Any]]]:
        served = {}
        for exchange in self.incoming:
            document = exchange.answer.document if exchange.answer is not None and exchange.method == "GET" else None
            if document is not None and "publicKey" in document and isinstance(document.get("id"), str):
                served[document["id"]] = document
        prefix = re.compile(re.escape(self.base_url) + _NAME.pattern)
        for exchange in (*self.incoming, *self.outgoing):
            told = f"{exchange.url}\n{exchange.request.header('signature') or ''}\n{exchange.request.text}"
            # An address that is asked for in vain is nobody's.
            if exchange.status in (404, 410) and exchange.receiver == self.host:
                continue
            for name in prefix.findall(told):
                uri = self.names.actor(name)
                yield uri, served.get(uri, {"id": uri, "type": "Person", "preferredUsername": name})


def plan_of(recording: Recording, *, host: str | None = None) -> Plan:
    """The recording as `host` saw it; without one, as the node did that wrote it. Raises RecordingError."""
    about = recording.about
    host = host or about.get("host") or _only_host(recording)
    if not recording.exchanges:
        raise RecordingError("there is no exchange in this recording")
    is_own = host == about.get("host")
    base_url = str(about["base_url"]) if is_own and "base_url" in about else f"https://{host}"
    outgoing = [item for item in recording if item.sender == host]
    incoming = [item for item in recording if item.receiver == host and _is_of_a_server(item)]
    if not incoming and not outgoing:
        hosts = ", ".join(sorted({item.receiver for item in recording}))
        raise RecordingError(f"{host} takes no part in this recording; those who do: {hosts}")
    if not is_own:
        incoming, outgoing = arrived(incoming), returned(outgoing)
    last_ms = max(int(item.at_ms + item.took_ms) for item in (*incoming, *outgoing))
    began_ms = _began_ms(recording)
    ended_ms = about.get("ended_ms") if is_own else last_ms
    known: list[Mapping[str, Any]] = [*(about.get("local_actors", ()) if is_own else ()), *recording.known]
    return Plan(
        host=host,
        base_url=base_url.rstrip("/"),
        began_ms=began_ms,
        end_ms=int(ended_ms) if ended_ms is not None else last_ms - _UNSURE_MS,
        last_ms=max(last_ms, int(ended_ms or 0)),
        scrubbed=bool(about.get("scrubbed")),
        is_own=is_own,
        incoming=tuple(incoming),
        outgoing=tuple(outgoing),
        known=tuple(known),
        blocked_hosts=tuple(about.get("blocked_hosts", ()) if is_own else ()),
    )


def _only_host(recording: Recording) -> str:
    hosts = sorted({item.receiver for item in recording})
    if len(hosts) == 1:
        return hosts[0]
    raise RecordingError(f"this recording is of several hosts: say which one to replay: {', '.join(hosts)}")


def _began_ms(recording: Recording) -> int:
    first_ms = min(item.at_ms for item in recording)
    began = recording.about.get("began_ms")
    if isinstance(began, int):
        return min(began, first_ms)
    try:
        return min(to_ms(datetime.fromisoformat(str(recording.about.get("began")))), first_ms)
    except ValueError:
        return first_ms


def _is_of_a_server(exchange: Exchange) -> bool:
    target = target_of(exchange.request)
    return "@" not in exchange.sender and exchange.sender != "app" and not target.startswith(_APPS)


def target_of(message: Message) -> str:
    """Path and query of a request."""
    words = message.start.split(" ")
    return words[1] if len(words) > 1 else "/"
