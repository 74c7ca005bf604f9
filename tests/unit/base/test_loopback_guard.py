"""Tests stay on this machine."""

from __future__ import annotations

import asyncio
import socket

import pytest
import uvloop

from tests.loopback import StrangerContactedError

STRANGERS = ["192.0.2.1", "2001:db8::1", "10.0.0.1", "169.254.169.254"]


@pytest.mark.parametrize("host", STRANGERS)
async def test_a_test_cannot_connect_to_another_machine(host: str) -> None:
    with pytest.raises(StrangerContactedError, match="tried to reach"):
        await asyncio.open_connection(host, 80)


@pytest.mark.parametrize("host", STRANGERS)
def test_nor_can_it_from_a_faster_loop(host: str) -> None:
    with (
        pytest.raises(StrangerContactedError, match="tried to reach"),
        asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner,
    ):
        runner.run(asyncio.open_connection(host, 80))


def test_a_test_cannot_send_a_packet_to_another_machine() -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender, pytest.raises(StrangerContactedError):
        sender.sendto(b"hello", ("192.0.2.1", 53))


def test_a_test_cannot_look_up_a_public_name() -> None:
    with pytest.raises(StrangerContactedError, match="tried to look up"):
        socket.getaddrinfo("social.example.org", 443)


def test_a_name_that_cannot_exist_is_not_found() -> None:
    with pytest.raises(socket.gaierror):
        socket.getaddrinfo("nobody.invalid", 443)


@pytest.mark.parametrize("loop", [asyncio.new_event_loop, uvloop.new_event_loop], ids=["asyncio", "uvloop"])
@pytest.mark.parametrize("host", ["127.0.0.1", "localhost"])
def test_a_test_can_talk_to_this_machine(loop: object, host: str) -> None:
    async def talk() -> bytes:
        async def greet(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            writer.write(b"hello")
            writer.close()

        server = await asyncio.start_server(greet, "127.0.0.1", 0)
        async with server:
            reader, writer = await asyncio.open_connection(host, server.sockets[0].getsockname()[1])
            said = await reader.read()
            writer.close()
            await writer.wait_closed()
            return said

    with asyncio.Runner(loop_factory=loop) as runner:  # type: ignore[arg-type]
        assert runner.run(talk()) == b"hello"
