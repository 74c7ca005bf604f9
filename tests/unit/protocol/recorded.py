"""Where recorded documents of other implementations are, when they are there at all.

They are other projects' fixtures and are not part of this repository: the tests that need them are skipped
without them, and every behaviour they show has a small document of our own in the tests beside this file.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import orjson
import pytest

PAYLOADS = Path(__file__).resolve().parents[3] / "../shared/data/payloads"
WIRE = PAYLOADS.parent / "wire"

needs_recordings = pytest.mark.skipif(
    not PAYLOADS.is_dir(), reason="the recorded documents are not beside this checkout"
)


def names() -> list[str]:
    """The names of all recorded documents, in order."""
    return sorted(str(path.relative_to(PAYLOADS)) for path in PAYLOADS.glob("**/*.json"))


def load(name: str) -> Any:
    """One recorded document."""
    return orjson.loads((PAYLOADS / name).read_bytes())


def every_part(value: object) -> list[object]:
    """The document and every object inside it."""
    parts: list[object] = []
    waiting = [value]
    while waiting:
        item = waiting.pop()
        if isinstance(item, dict):
            parts.append(item)
            waiting += item.values()
        elif isinstance(item, list):
            waiting += item
    return parts
