"""Nodes and peers that the tests of this folder share; each test brings people of its own or undoes what it did."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from tests.fake_peer import FakePeer, fake_peer
from tests.federation.fedify import FedifyPerson, FedifyServer, fedify_server
from tests.inprocess import Running
from tests.inprocess import running_node as running_node_here
from tests.running_node import Api, RunningNode, running_node


@pytest.fixture(scope="session")
def node() -> Iterator[RunningNode]:
    """A node with alice."""
    with running_node("alice") as running:
        yield running


@pytest.fixture(scope="session")
def other_node() -> Iterator[RunningNode]:
    """A second node with ben. It goes by another name of this machine: another host in every way."""
    with running_node("ben", host_name="localhost") as running:
        yield running


@pytest.fixture(scope="session", params=["rfc9421", "draft-cavage-http-signatures-12"])
def fedify(request: pytest.FixtureRequest) -> Iterator[FedifyServer]:
    """The Fedify peer, once for each kind of signature that it tries first."""
    with fedify_server(request.param) as running:
        yield running


@pytest.fixture
async def ada(fedify: FedifyServer) -> AsyncIterator[FedifyPerson]:
    """Somebody at Fedify whom nobody has met before."""
    async with fedify.person() as person:
        yield person


@pytest.fixture
async def alice(node: RunningNode) -> AsyncIterator[Api]:
    async with node.api("alice") as api:
        yield api


@pytest.fixture
async def ben(other_node: RunningNode) -> AsyncIterator[Api]:
    async with other_node.api("ben") as api:
        yield api


@pytest.fixture
async def peer() -> AsyncIterator[FakePeer]:
    """A small server of another make."""
    async with fake_peer() as found:
        yield found


@pytest.fixture
async def home(tmp_path: Path) -> AsyncIterator[Running]:
    """A node of ours in this process."""
    async with running_node_here(tmp_path) as running:
        yield running
