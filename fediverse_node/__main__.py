"""`python -m fediverse_node` is `fediverse-node`."""

from __future__ import annotations

from fediverse_node.cli.main import main

main()
