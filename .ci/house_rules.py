"""Rules of the house that no linter knows: run by `make check`, prints every breach and fails.

Names of one machine and of package registries do not stand in the tree; pure rooms have no `async def`; modules and
functions keep to their size; room cards hold nothing but re-exports; no module is called after nothing in particular.
"""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PACKAGE = "fediverse_node"
PURE_ROOMS = {"base", "protocol", "signatures", "domain"}
EMPTY_NAMES = {"utils", "util", "helpers", "helper", "common", "misc", "manager", "service", "services"}
MODULE_LINES = 500
FUNCTION_LINES = 70

# Written with a class of one character each, so that this file does not find itself.
MACHINE_PATHS = re.compile(r"(?:^|[^\w.])/(?:wor[k]|far[m]|roo[t]|hom[e]/\w+|opt/pyp[i]|opt/wheel[s])/")
REGISTRY_HOSTS = re.compile(r"p[y]pi[.]o|pytho[n]hosted|n[p]mjs[.]|deb[.]debia[n]", re.IGNORECASE)
UNFINISHED = re.compile(r"\b(?:TOD[O]|FIXM[E]|XX[X]|NotImplementedErro[r](?!  # asyncio))\b")


def breaches() -> Iterator[str]:
    for path in _files():
        try:
            text = path.read_text(encoding="utf-8")
        except (UnicodeDecodeError, FileNotFoundError):
            continue  # not text, or deleted and not yet committed
        name = path.relative_to(ROOT).as_posix()
        yield from _words(name, text)
        if path.suffix == ".py" and name.startswith(f"{PACKAGE}/") and "/migrations/" not in name:
            yield from _code(name, text)


def _files() -> list[Path]:
    """What git has or would take: tracked files and new ones that are not ignored."""
    command = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    listed = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    if listed.returncode == 0:
        return sorted({ROOT / name for name in listed.stdout.split("\0") if name})
    # Not a checkout: an unpacked archive.
    skipped = {".venv", "node_modules", "data", "__pycache__"}
    return sorted(p for p in ROOT.rglob("*") if p.is_file() and not skipped & set(p.relative_to(ROOT).parts))


def _words(name: str, text: str) -> Iterator[str]:
    for number, line in enumerate(text.splitlines(), 1):
        if MACHINE_PATHS.search(line):
            yield f"{name}:{number}: a path of one machine"
        if REGISTRY_HOSTS.search(line):
            yield f"{name}:{number}: the host of a package registry"
        if name.startswith(f"{PACKAGE}/") and UNFINISHED.search(line):
            yield f"{name}:{number}: something unfinished"


def _code(name: str, text: str) -> Iterator[str]:
    path = Path(name)
    tree = ast.parse(text, name)
    if path.stem in EMPTY_NAMES:
        yield f"{name}: a module is called after what it is about"
    if not ast.get_docstring(tree) and text.strip():
        yield f"{name}: no module docstring"
    if (length := len(text.splitlines())) > MODULE_LINES:
        yield f"{name}: {length} lines, so two ideas share a file (at most {MODULE_LINES})"
    is_room_card = path.name == "__init__.py" and len(path.parts) == 3
    if is_room_card and any(isinstance(node, ast.FunctionDef | ast.ClassDef) for node in tree.body):
        yield f"{name}: a room card holds its docstring and re-exports only"
    pure = path.parts[1] in PURE_ROOMS
    for node in ast.walk(tree):
        if pure and isinstance(node, ast.AsyncFunctionDef):
            yield f"{name}:{node.lineno}: async def {node.name} in a pure room"
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            size = (node.end_lineno or node.lineno) - node.lineno + 1
            if size > FUNCTION_LINES:
                yield f"{name}:{node.lineno}: {node.name} has {size} lines (at most {FUNCTION_LINES})"


def main() -> int:
    found = list(breaches())
    print("\n".join(found) if found else "House rules kept.")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
