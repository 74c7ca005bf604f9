"""`fediverse-node lab up`: a live world with people in it, for as long as the command runs."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import signal
import sys
import webbrowser
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NoReturn

import click
import uvloop
from aiohttp import web

from fediverse_node.base.config_values import parse_database_url
from fediverse_node.base.errors import ConfigurationError, NodeError
from fediverse_node.lab.app_client import Refused
from fediverse_node.lab.live.conversation import populate, talk
from fediverse_node.lab.live.kept import Kept
from fediverse_node.lab.live.listeners import LOOPBACK, Listeners, listen_as_before, listen_in_a_row, port_of
from fediverse_node.lab.live.log_files import LogFiles
from fediverse_node.lab.live.page import LabPage
from fediverse_node.lab.live.stranger import Stranger, parse_stranger
from fediverse_node.lab.live.world import PROXY, LiveWorld, live_world, proxy_of
from fediverse_node.lab.names import host_names
from fediverse_node.lab.world import NotQuiet

_MOST_NODES = 24
_PAGE = "lab"
_PAGE_STOP_S = 1.0


@dataclass(frozen=True, slots=True)
class Wish:
    """What was asked for on the command line."""

    number: int
    strangers: tuple[Stranger, ...]
    first_port: int | None
    opens_browser: bool
    folder: Path | None
    seed: int | None
    server_url: str | None

    @property
    def hosts(self) -> list[str]:
        """The names of the nodes."""
        return host_names(self.number)


@click.command()
@click.argument("number", metavar="[NODES]", type=click.IntRange(1, _MOST_NODES), default=3)
@click.option(
    "--attach",
    multiple=True,
    metavar="NAME=ADDRESS",
    help="An outside server joins under that name, as in mastodon.test=127.0.0.1:3000. May be given more than once.",
)
@click.option(
    "--port", type=click.IntRange(1024, 65_000), metavar="PORT", help="The first of the ports in a row; 4400 if free."
)
@click.option("--no-browser", is_flag=True, help="Open no page.")
@click.option(
    "--data",
    type=click.Path(file_okay=False, path_type=Path),
    metavar="DIR",
    help="Keep the world there for the next time; without it, everything is gone at the end.",
)
@click.option("--seed", type=int, metavar="N", help="Which faults happen by chance, and the nodes' keys.")
@click.option("--database", metavar="URL", help="A PostgreSQL server that holds the databases, in place of files.")
def up(
    number: int,
    attach: Sequence[str],
    port: int | None,
    no_browser: bool,
    data: Path | None,
    seed: int | None,
    database: str | None,
) -> None:
    """Start NODES servers that know each other (3 if not said), with people and a first conversation.

    Names like alpha.test lead from each to all others, over TLS of their own; nothing on this machine is changed, and
    nothing leaves it. Ctrl-C ends it.
    """
    try:
        strangers = tuple(parse_stranger(text) for text in attach)
        wish = Wish(number, strangers, port, not no_browser, data, seed, _server(database))
        _silence()
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            runner.run(_run(wish))
    except NodeError as error:
        _fail(error)


async def _run(wish: Wish) -> None:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop.set)
    bound: list[Listeners] = []

    def listen(kept: Kept) -> Listeners:
        bound.append(_listeners(wish, kept))
        return bound[0]

    async with live_world(
        wish.folder, seed=wish.seed, listeners=listen, server_url=wish.server_url, keeps_logs=False
    ) as world:
        with LogFiles(world.folder.path):
            async with _page(world, bound[0]) as page:
                await _begin(world, wish)
                _greet(world, page, wish)
                talking = loop.create_task(_talk(world, wish, stop))
                await stop.wait()
                for number in (signal.SIGINT, signal.SIGTERM):  # a second Ctrl-C does not wait for anybody
                    loop.remove_signal_handler(number)
                click.echo("\nStopping.", err=True)
                talking.cancel()
                await asyncio.gather(talking, return_exceptions=True)


async def _begin(world: LiveWorld, wish: Wish) -> None:
    for stranger in wish.strangers:
        await world.attach(stranger)
    await world.open_nodes(wish.hosts)
    if not world.folder.kept.has_talked:
        await populate(world, wish.hosts)
    world.save()


async def _talk(world: LiveWorld, wish: Wish, stop: asyncio.Event) -> None:
    """The first conversation goes on while its exchanges are looked at already."""
    if world.folder.kept.has_talked:
        return
    people = [[person for person in world.everybody() if person.home.host == host] for host in wish.hosts]
    try:
        await talk(world, people)
        await world.quiet()
    except (NotQuiet, Refused) as error:  # somebody plays with it already: stopped a node, closed an account
        click.echo(f"The first conversation broke off: {error}", err=True)
        return
    world.folder.kept.has_talked = True
    world.save()
    if not stop.is_set():
        click.echo(f"They have talked: {len(world.recording)} exchanges so far. Ctrl-C ends the world.")


@contextlib.asynccontextmanager
async def _page(world: LiveWorld, listeners: Listeners) -> AsyncIterator[LabPage]:
    listener = listeners.take(_PAGE)
    world.ports[_PAGE] = port_of(listener)
    page = LabPage(world, url=f"http://{LOOPBACK}:{port_of(listener)}")
    runner = web.AppRunner(page.app(), access_log=None, handle_signals=False, shutdown_timeout=_PAGE_STOP_S)
    await runner.setup()
    await web.SockSite(runner, listener).start()
    try:
        yield page
    finally:
        await runner.cleanup()


def _listeners(wish: Wish, kept: Kept) -> Listeners:
    hosts = list(dict.fromkeys([*kept.hosts, *wish.hosts]))
    purposes = [_PAGE, *hosts, PROXY, *(proxy_of(stranger.name) for stranger in wish.strangers)]
    before = listen_as_before(kept.ports, purposes) if wish.first_port is None else None
    return before or listen_in_a_row(purposes, first=wish.first_port)


def _greet(world: LiveWorld, page: LabPage, wish: Wish) -> None:
    url = f"http://{LOOPBACK}:{world.ports[_PAGE]}/"
    click.echo(f"The lab is up. All exchanges, as they happen: {url}\nWhy a post did not reach a server: {url}why\n")
    for host in world.nodes:
        click.echo(f"{host}  {world.url_of(host)}")
        for person in world.everybody():
            if person.home.host == host:
                click.echo(f"  @{person.address}  {page.entrance(person.address)}\n    token {person.token}")
    click.echo(
        "\nThe links sign a browser in, the tokens are for apps and scripts; everybody's password is "
        f"{world.password}\nIn a Mastodon app give a node's http address as your server. An app that insists on https"
        f" takes\nhttp://{LOOPBACK}:{world.ports[PROXY]} as its proxy, https://{next(iter(world.nodes))} as its server,"
        f" and trusts {world.authority.file}."
    )
    for stranger in wish.strangers:
        click.echo(f"\n{stranger.name} is asked at {stranger.url}. Start it with this in its environment:")
        click.echo("\n".join(f"  {line}" for line in environment_of(world, stranger)))
    click.echo(f"\nEach node's log is in {world.folder.path}, as NAME.log. Ctrl-C ends the world.")
    sys.stdout.flush()
    if wish.opens_browser and _has_screen():
        webbrowser.open(url)


def environment_of(world: LiveWorld, stranger: Stranger) -> list[str]:
    """What an outside server's environment has to say, so that it reaches the world, and trusts it."""
    proxy = f"http://{LOOPBACK}:{world.ports[proxy_of(stranger.name)]}"
    ca = world.authority.file
    return [
        f"https_proxy={proxy} HTTPS_PROXY={proxy}",
        f"http_proxy={proxy} HTTP_PROXY={proxy}",
        "no_proxy=localhost,127.0.0.1 NO_PROXY=localhost,127.0.0.1",
        f"SSL_CERT_FILE={ca} CURL_CA_BUNDLE={ca} REQUESTS_CA_BUNDLE={ca}",
        f"NODE_EXTRA_CA_CERTS={ca} NODE_USE_ENV_PROXY=1",
    ]


def _has_screen() -> bool:
    """Whether a page can be shown: a text browser would take the terminal away."""
    return sys.platform == "darwin" or bool(os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY"))


def _server(url: str | None) -> str | None:
    if url is None:
        return None
    try:
        checked = parse_database_url(url)
    except ValueError as error:
        raise ConfigurationError(f"--database {error}") from error
    if not checked.startswith("postgres"):
        raise ConfigurationError("--database names a PostgreSQL server; without it, the databases are files")
    return checked


def _silence() -> None:
    """The nodes' logs go to files; what the machinery below them says has no place on the screen."""
    logging.getLogger().addHandler(logging.NullHandler())


def _fail(error: NodeError) -> NoReturn:
    click.echo(f"fediverse-node: {error}", err=True)
    sys.exit(2)
