"""Recordings of real nodes, made once for all tests that only read them."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from tests.lab.replay.conversation import record, record_later, scrubbing


@pytest.fixture(scope="session")
def recorded(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The recording of a conversation, as it was."""
    folder = tmp_path_factory.mktemp("recorded")
    asyncio.run(record(folder, folder / "recording.jsonl"))
    return folder / "recording.jsonl"


@pytest.fixture(scope="session")
def recorded_scrubbed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The recording of such a conversation, scrubbed while it was made."""
    folder = tmp_path_factory.mktemp("scrubbed")
    asyncio.run(record(folder, folder / "recording.jsonl", wanted=scrubbing()))
    return folder / "recording.jsonl"


@pytest.fixture(scope="session")
def recorded_later(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A recording that began when the two knew each other already."""
    folder = tmp_path_factory.mktemp("later")
    asyncio.run(record_later(folder, folder / "recording.jsonl"))
    return folder / "recording.jsonl"
