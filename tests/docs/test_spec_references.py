"""Every `spec:` in the code names a specification that schemas/specs.toml knows, and none is listed for nothing."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

_ROOT = Path(__file__).resolve().parents[2]
_KNOWN = tomllib.loads((_ROOT / "schemas/specs.toml").read_text())
_REFERENCE = re.compile(r"\bspec: ((?:[a-z0-9][a-z0-9.-]*(?:#[^\s,;\"]+)?(?:, )?)+)")


def _used() -> dict[str, str]:
    found: dict[str, str] = {}
    for path in sorted((_ROOT / "fediverse_node").rglob("*.py")):
        for match in _REFERENCE.finditer(path.read_text()):
            for reference in match[1].split(","):
                name = reference.strip().partition("#")[0].rstrip(".")
                if name:
                    found.setdefault(name, str(path.relative_to(_ROOT)))
    return found


def test_every_reference_leads_somewhere() -> None:
    assert {name: where for name, where in _used().items() if name not in _KNOWN} == {}


def test_no_specification_is_listed_that_nothing_follows() -> None:
    assert set(_KNOWN) - set(_used()) == set()


def test_every_specification_has_a_name_and_an_address() -> None:
    for entry in _KNOWN.values():
        assert entry["title"]
        assert entry["url"].startswith("https://") or entry["url"].startswith("http://")
