"""Serves a node: prepares what is missing, listens, says what to do next, stops in good order."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import resource
import signal
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import click
import uvloop
from aiohttp import web

from fediverse_node import __version__
from fediverse_node.app import build
from fediverse_node.base.clock import SystemClock
from fediverse_node.base.config import Config
from fediverse_node.base.errors import ConfigurationError
from fediverse_node.cli.setup import Prepared, prepare
from fediverse_node.lab.recorder.lines import RecordingFile
from fediverse_node.lab.recorder.recorder import Recorder, Wanted
from fediverse_node.lab.scrub.scrubber import Scrubber
from fediverse_node.storage.migrate import HEAD, current_version

_OPEN_FILES = 8_192


@dataclass(frozen=True, slots=True)
class Recorded:
    """That exchanges with other servers are recorded, where to, and how they are changed before."""

    path: Path
    scrub: bool = False
    hosts: bool = False  # their names are scrubbed too
    apps: bool = False  # what people's apps ask is recorded too
    limit_bytes: int = 500_000_000


def serve_forever(config: Config, recorded: Recorded | None = None) -> None:
    """Until SIGINT or SIGTERM. Raises NodeError when it cannot begin."""
    logging.basicConfig(
        level=config.log_level.value.upper(), format="%(asctime)s %(levelname)s %(name)s %(message)s", stream=sys.stderr
    )
    _raise_file_limit()
    _migrate_apart(config)
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(_serve(config, recorded))


async def _serve(config: Config, recorded: Recorded | None = None) -> None:
    recorder = _recorder(config, recorded) if recorded is not None else None
    prepared = await prepare(config)
    http = recorder.http(prepared.core.ports.http(config)) if recorder is not None else None
    node = await build(prepared.core, http=http)
    if recorder is not None:
        recorder.attach(node)
    # Access logs double the cost of a request and hold what people read.
    runner = web.AppRunner(node.app, access_log=None, handle_signals=False, shutdown_timeout=5.0)
    await runner.setup()
    try:
        site = web.TCPSite(runner, config.listen.host, config.listen.port, backlog=1024, reuse_address=True)
        await site.start()
    except OSError as error:
        await runner.cleanup()
        await node.stop()
        raise ConfigurationError(
            f"cannot listen on {config.listen}: {error.strerror}. "
            "Is another server running there? LISTEN chooses another address."
        ) from error
    if recorder is not None:
        await recorder.begin()
    with recorder.watching() if recorder is not None else contextlib.nullcontext():
        await node.start()
    _greet(config, prepared)
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop.set)
    await stop.wait()
    click.echo("Stopping: requests under way are finished first.", err=True)
    await runner.cleanup()
    await node.stop()
    if recorder is not None:
        recorder.end()


def _recorder(config: Config, recorded: Recorded) -> Recorder:
    file, moved = RecordingFile.create(recorded.path, limit_bytes=recorded.limit_bytes)
    if moved is not None:
        click.echo(f"The recording that was in {recorded.path} is in {moved} now.", err=True)
    scrub = Scrubber(hosts=recorded.hosts).line if recorded.scrub else None
    private = "" if recorded.scrub else " Private messages are in it: give it to nobody, or scrub it first."
    click.echo(f"Exchanges with other servers are recorded in {recorded.path}.{private}", err=True)
    wanted = Wanted(apps=recorded.apps, scrub=scrub)
    return Recorder(file, host=config.host, base_url=config.base_url, clock=SystemClock(), wanted=wanted)


def _migrate_apart(config: Config) -> None:
    """Bring the schema up in a process of its own: Alembic would stay in this one's memory for good."""
    if asyncio.run(current_version(config.database_url)) != HEAD:
        # The same settings reach it by the same environment and folder.
        subprocess.run([sys.executable, "-m", "fediverse_node", "migrate"], check=False, stdout=subprocess.DEVNULL)


def _greet(config: Config, prepared: Prepared) -> None:
    lines = [f"fediverse_node {__version__} serves {config.base_url}"]
    if prepared.owner_link:
        lines += [
            "",
            f"  1. Open this page to sign in as {prepared.owner_name} (it works once):",
            f"     {prepared.owner_link}",
            f"  2. In a Mastodon client, give {config.base_url} as your server.",
            f"  3. More people: {_command()} user add NAME --email ADDRESS",
        ]
    else:
        lines.append(f"In a Mastodon client, give {config.base_url} as your server.")
    if config.development:
        lines += ["", "Development mode: plain http, and servers on this machine only. See docs/howto/go_public.md."]
    click.echo("\n".join(lines))
    sys.stdout.flush()


def _command() -> str:
    """How this program was called, so that the advice can be typed as it stands."""
    name = sys.argv[0]
    return os.path.relpath(name) if name.endswith("fediverse-node") else "python -m fediverse_node"


def _raise_file_limit() -> None:
    """A wide delivery has hundreds of connections open."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = _OPEN_FILES if hard == resource.RLIM_INFINITY else min(_OPEN_FILES, hard)
    if soft < wanted:
        with contextlib.suppress(ValueError, OSError):
            resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
