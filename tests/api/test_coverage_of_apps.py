"""What apps cannot do without is built, method by method."""

from __future__ import annotations

import re
from pathlib import Path

from fediverse_node.mastodon_api.routes import all_methods

# Pages for people, which are not methods of the API: tests/api/test_oauth.py opens them.
_PAGES = {("GET", "/oauth/authorize")}


def test_everything_that_apps_call_at_login_or_on_a_main_screen_is_built(shared: Path) -> None:
    text = (shared / "reference/CLIENT_MATRIX.md").read_text()
    block = text.partition("Tier 1, all of it:")[2].split("```")[1]
    wanted = {tuple(line.split(" ")) for line in block.strip().splitlines()}
    built = {(verb, re.sub(r"\{[^}]*\}", "{}", path)) for verb, path in all_methods()}
    assert len(wanted) == 99
    assert sorted(wanted - built - _PAGES) == []
