"""All exchanges of a world, in order: kept, told to whoever watches, written to a file and read back.

The file is JSON lines: a header line that names the format and the hosts, then one exchange a line. The recording of a
node that serves has lines of three more kinds: `{"known": …}` what the node knew of somebody before, `{"later": …}`
what became of an exchange after its answer, `{"end": …}` that it ended in good order.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import orjson

from fediverse_node.base.errors import NodeError
from fediverse_node.lab.exchange import Exchange, read_steps

FORMAT = "fediverse-node-exchanges/1"


class RecordingError(NodeError):
    """The file is not a recording this version can read."""


@dataclass
class Recording:
    """The exchanges of one run. `about` says what run it was: seed, hosts, started at, version; `ended_ms` where known.

    `known` is what a recorded node knew before: see `lab/recorder/known.py`. Of a world without an end only about so
    many exchanges are kept as `keeps` says, the newest.
    """

    about: dict[str, Any] = field(default_factory=dict)
    exchanges: list[Exchange] = field(default_factory=list)
    known: list[dict[str, Any]] = field(default_factory=list)
    keeps: int | None = None
    _listeners: list[Callable[[Exchange], None]] = field(default_factory=list, repr=False)

    def __iter__(self) -> Iterator[Exchange]:
        return iter(self.exchanges)

    def __len__(self) -> int:
        return len(self.exchanges)

    def begin(self, exchange: Exchange) -> Exchange:
        """Keep a request that has just left. Its number must be `next_number`."""
        self.exchanges.append(exchange)
        if self.keeps is not None and len(self.exchanges) > self.keeps + self.keeps // 8:
            del self.exchanges[: -self.keeps]
        self.tell(exchange)
        return exchange

    @property
    def next_number(self) -> int:
        """The number of the exchange that is kept next."""
        return self.exchanges[-1].number + 1 if self.exchanges else 1

    @property
    def first_number(self) -> int:
        """The number of the oldest exchange that is kept; of the next one if there is none."""
        return self.exchanges[0].number if self.exchanges else 1

    def find(self, number: int) -> Exchange | None:
        """The exchange with this number; of a node that was killed, some may be missing."""
        if 1 <= number <= len(self.exchanges) and self.exchanges[number - 1].number == number:
            return self.exchanges[number - 1]
        position = bisect_left(self.exchanges, number, key=lambda exchange: exchange.number)
        found = self.exchanges[position] if position < len(self.exchanges) else None
        return found if found is not None and found.number == number else None

    def tell(self, exchange: Exchange) -> None:
        """Tell all who listen that this exchange is new or has changed."""
        for listener in self._listeners:
            listener(exchange)

    def listen(self, listener: Callable[[Exchange], None]) -> Callable[[], None]:
        """Call `listener` with each exchange that is new or has changed; returns what ends that."""
        self._listeners.append(listener)
        return lambda: self._listeners.remove(listener)

    def dump(self) -> bytes:
        """The whole as a file."""
        lines: Iterable[Mapping[str, Any]] = [
            {"format": FORMAT, **self.about},
            *({"known": item} for item in self.known),
            *(exchange.to_json() for exchange in self.exchanges),
        ]
        return b"".join(orjson.dumps(line) + b"\n" for line in lines)

    def save(self, path: Path) -> None:
        """Write the file."""
        path.write_bytes(self.dump())


def load_recording(path: Path) -> Recording:
    """Read a file. Raises RecordingError with the line that cannot be read.

    A last line without its end is what a killed process was writing: it is left out.
    """
    try:
        data = path.read_bytes()
    except OSError as error:
        raise RecordingError(f"{path} cannot be read: {error.strerror}") from error
    # Not splitlines: texts have other characters that it takes for the end of a line.
    *lines, last = data.split(b"\n")
    if last and (not lines or _is_whole(last)):
        lines.append(last)
    return parse_recording(lines, name=str(path))


def _is_whole(line: bytes) -> bool:
    try:
        orjson.loads(line)
    except ValueError:
        return False
    return True


def parse_recording(lines: Iterable[bytes], *, name: str) -> Recording:
    """A recording from the lines of its file. Raises RecordingError, with `name` and the line, for anything else."""
    recording = Recording()
    later: list[tuple[int, dict[str, Any]]] = []
    for position, line in enumerate(lines, start=1):
        try:
            plain = orjson.loads(line)
            if position == 1:
                _check_format(plain)
                recording.about = plain
            else:
                _take(plain, recording, later)
        except (ValueError, AttributeError, KeyError, TypeError) as error:
            raise RecordingError(f"{name} is no recording of exchanges: line {position}: {error}") from error
    if not recording.about and not recording.exchanges:
        raise RecordingError(f"{name} is empty: a recording begins with a line that names its format")
    # A node writes each line when its exchange has ended; numbers are given when they begin.
    recording.exchanges.sort(key=lambda exchange: exchange.number)
    _link(recording, later)
    return recording


def _check_format(plain: dict[str, Any]) -> None:
    found = plain.pop("format", None)
    if found == FORMAT:
        return
    family = FORMAT.partition("/")[0]
    if isinstance(found, str) and found.startswith(family + "/"):
        raise ValueError(
            f"it is written in {found!r}, and this version reads {FORMAT!r}: use the version that wrote it"
        )
    raise ValueError(f"its first line does not say {FORMAT!r}")


def _take(plain: dict[str, Any], recording: Recording, later: list[tuple[int, dict[str, Any]]]) -> None:
    if "known" in plain:
        recording.known.append(dict(plain["known"]))
    elif "end" in plain:
        recording.about["ended_ms"] = int(plain["end"]["at_ms"])
    elif "later" in plain:
        later.append((int(plain["later"]["number"]), plain["later"]))
    else:
        recording.exchanges.append(Exchange.from_json(plain))


def _link(recording: Recording, later: Iterable[tuple[int, Mapping[str, Any]]]) -> None:
    """What came of an exchange afterwards, and what was sent because of it, is told by other lines."""
    for number, told in later:
        exchange = recording.find(number)
        if exchange is not None:
            exchange.steps.extend(read_steps(told["steps"]))
            exchange.effects.extend(str(effect) for effect in told["effects"])
    for exchange in recording.exchanges:
        cause = recording.find(exchange.cause) if exchange.cause is not None else None
        if cause is not None and exchange.number not in cause.sent:
            cause.sent.append(exchange.number)
