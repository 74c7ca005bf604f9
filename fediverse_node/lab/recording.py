"""All exchanges of a world, in order: kept, told to whoever watches, written to a file and read back.

The file is JSON lines: a header line that names the format and the hosts, then one exchange a line.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import orjson

from fediverse_node.base.errors import NodeError
from fediverse_node.lab.exchange import Exchange

FORMAT = "fediverse-node-exchanges/1"


class RecordingError(NodeError):
    """The file is not a recording this version can read."""


@dataclass
class Recording:
    """The exchanges of one run. `about` says what run it was: seed, hosts, started at, version."""

    about: dict[str, Any] = field(default_factory=dict)
    exchanges: list[Exchange] = field(default_factory=list)
    _listeners: list[Callable[[Exchange], None]] = field(default_factory=list, repr=False)

    def __iter__(self) -> Iterator[Exchange]:
        return iter(self.exchanges)

    def __len__(self) -> int:
        return len(self.exchanges)

    def begin(self, exchange: Exchange) -> Exchange:
        """Keep a request that has just left. Its number must be `next_number`."""
        self.exchanges.append(exchange)
        self.tell(exchange)
        return exchange

    @property
    def next_number(self) -> int:
        """The number of the exchange that is kept next."""
        return len(self.exchanges) + 1

    def find(self, number: int) -> Exchange | None:
        """The exchange with this number."""
        return self.exchanges[number - 1] if 1 <= number <= len(self.exchanges) else None

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
            *(exchange.to_json() for exchange in self.exchanges),
        ]
        return b"".join(orjson.dumps(line) + b"\n" for line in lines)

    def save(self, path: Path) -> None:
        """Write the file."""
        path.write_bytes(self.dump())


def load_recording(path: Path) -> Recording:
    """Read a file. Raises RecordingError with the line that cannot be read."""
    try:
        lines = path.read_bytes().splitlines()
    except OSError as error:
        raise RecordingError(f"{path} cannot be read: {error.strerror}") from error
    return parse_recording(lines, name=str(path))


def parse_recording(lines: Iterable[bytes], *, name: str) -> Recording:
    """A recording from the lines of its file. Raises RecordingError, with `name` and the line, for anything else."""
    recording = Recording()
    for position, line in enumerate(lines, start=1):
        try:
            plain = orjson.loads(line)
            if position == 1:
                if plain.pop("format", None) != FORMAT:
                    raise ValueError(f"its first line does not say {FORMAT!r}")
                recording.about = plain
            else:
                recording.exchanges.append(Exchange.from_json(plain))
        except (ValueError, AttributeError) as error:
            raise RecordingError(f"{name} is no recording of exchanges: line {position}: {error}") from error
    if not recording.about and not recording.exchanges:
        raise RecordingError(f"{name} is empty: a recording begins with a line that names its format")
    return recording
