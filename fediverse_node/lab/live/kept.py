"""What a live world keeps beside its databases, so that it is the same the next time: hosts, people, ports.

One process at a time has a folder: two with the same databases would undo each other's work.
"""

from __future__ import annotations

import fcntl
import os
import secrets
from dataclasses import asdict, dataclass, field
from pathlib import Path
from types import TracebackType

import orjson

from fediverse_node.base.errors import NodeError

_FILE = "world.json"
_LOCK = "lock"
_FORMAT = "fediverse-node-world/1"


@dataclass
class KeptPerson:
    """Somebody who is there again after a restart, and how to be them."""

    name: str
    host: str
    token: str


@dataclass
class Kept:
    """One world. `id` tells its databases on a shared server apart from other worlds'; all have one `password`."""

    id: str = field(default_factory=lambda: secrets.token_hex(4))
    seed: str = "0"
    password: str = field(default_factory=lambda: secrets.token_urlsafe(9))
    hosts: list[str] = field(default_factory=list)
    people: list[KeptPerson] = field(default_factory=list)
    ports: dict[str, int] = field(default_factory=dict)
    has_talked: bool = False


class KeptFolder:
    """The folder of a world, for as long as it is entered. `kept` is what the last run left, or nothing yet."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.kept = Kept()
        self._lock: int | None = None

    def __enter__(self) -> KeptFolder:
        try:
            self.path.mkdir(parents=True, exist_ok=True)
            # Keys and passwords are inside: other people on this machine have no business there.
            self.path.chmod(0o700)
            self._lock = os.open(self.path / _LOCK, os.O_RDWR | os.O_CREAT, 0o600)
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            self._unlock()
            raise NodeError(f"another lab uses {self.path} now: end it, or give this one another --data") from error
        except OSError as error:
            self._unlock()
            raise NodeError(f"the folder {self.path} cannot be used: {error.strerror}") from error
        try:
            self.kept = self._load()
        except NodeError:
            self._unlock()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._unlock()

    def save(self) -> None:
        """Write down what is to be there the next time."""
        temporary = self.path / f"{_FILE}.new"
        temporary.write_bytes(orjson.dumps({"format": _FORMAT, **asdict(self.kept)}, option=orjson.OPT_INDENT_2))
        temporary.chmod(0o600)
        temporary.replace(self.path / _FILE)

    def _load(self) -> Kept:
        path = self.path / _FILE
        if not path.exists():
            return Kept()
        try:
            plain = orjson.loads(path.read_bytes())
            if plain.pop("format") != _FORMAT:
                raise ValueError(f"it does not say {_FORMAT!r}")
            plain["people"] = [KeptPerson(**person) for person in plain["people"]]
            return Kept(**plain)
        except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
            raise NodeError(
                f"{path} does not describe a world of this version: {error}. Remove {self.path}."
            ) from error

    def _unlock(self) -> None:
        if self._lock is not None:
            os.close(self._lock)
            self._lock = None
