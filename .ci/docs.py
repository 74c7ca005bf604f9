"""Writes the documents that are made from the code; with --check says which are not current, and fails."""

from __future__ import annotations

import sys
from pathlib import Path

from fediverse_node.base.config_docs import render_example, render_reference

ROOT = Path(__file__).resolve().parent.parent
DOCUMENTS = {
    "docs/reference/configuration.md": render_reference,
    "docs/reference/fediverse-node.example.toml": render_example,
}


def main(arguments: list[str]) -> int:
    stale = 0
    for name, render in DOCUMENTS.items():
        path, text = ROOT / name, render()
        if path.exists() and path.read_text(encoding="utf-8") == text:
            continue
        if "--check" in arguments:
            print(f"{name} is not current: run `make docs`")
            stale = 1
        else:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
            print(f"wrote {name}")
    return stale


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
