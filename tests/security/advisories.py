"""The list of advisories as a page of the documentation: `python -m tests.security.advisories` writes it."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
PAGE = ROOT / "docs/reference/security_advisories.md"
_HERE = "tests/security"
_HEAD = """# Advisories of other servers, attempted here

What went wrong elsewhere is tried against this server as an attacker would: real HTTP and TLS, real signatures with the
attacker's own keys, names that change where they lead. Each test asserts what became of it (nothing stored, changed or
shown) and whom the node asked for it. `fediverse-node lab check` asks the checks of the last line of any server from
outside.

This page is made of `tests/security/advisories.toml` by `python -m tests.security.advisories`; a test compares them.
"""


def load() -> list[dict[str, Any]]:
    """The advisories, in their order."""
    listed: list[dict[str, Any]] = tomllib.loads((ROOT / _HERE / "advisories.toml").read_text("utf-8"))["advisory"]
    return listed


def page() -> str:
    """The whole page."""
    return "\n".join([_HEAD, *(_section(entry) for entry in load())])


def _section(entry: dict[str, Any]) -> str:
    tests = [f"`{name if '/' in name else f'{_HERE}/{name}'}`" for name in entry["tests"]]
    lines = [
        f"## {entry['subject']}",
        "",
        f"{entry['where']}: {', '.join(entry['ids'])}.",
        "",
        entry["rule"],
        "",
        *(f"- {test}" for test in tests),
    ]
    if entry["lab"]:
        lines += ["", f"From outside: {', '.join(f'`{check}`' for check in entry['lab'])}."]
    return "\n".join((*lines, ""))


if __name__ == "__main__":
    PAGE.write_text(page(), "utf-8")
