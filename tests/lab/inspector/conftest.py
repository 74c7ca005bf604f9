"""The sample run, and a browser to look at it with."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from fediverse_node.lab.inspector.page import render_html
from fediverse_node.lab.recording import Recording
from tests.browser import MISSING, Page, find_chromium, new_page, running_browser
from tests.lab.inspector.sample import sample_nodes, sample_recording

READY = "document.documentElement.dataset.ready === 'true'"


@pytest.fixture(scope="session")
def recording() -> Recording:
    """Read only."""
    return sample_recording()


@pytest.fixture(scope="session")
def page_file(recording: Recording, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The sample run as one file."""
    path = tmp_path_factory.mktemp("inspector") / "run.html"
    path.write_text(render_html(recording, nodes=sample_nodes()), encoding="utf-8")
    return path


@pytest.fixture(scope="session")
def browser() -> Iterator[str]:
    """The address of a running browser."""
    program = find_chromium()
    if program is None:
        pytest.skip(MISSING)
    with running_browser(program) as address:
        yield address


@pytest.fixture
async def page(browser: str) -> AsyncIterator[Page]:
    """An empty page; whatever a test does to it, nothing may go wrong on it."""
    async with new_page(browser) as opened:
        yield opened
    assert opened.problems == []
