"""The commands by name, and what they share: configuration, the event loop, and errors in plain words."""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import NoReturn, TypeVar

import click

from fediverse_node import __version__
from fediverse_node.base.config import Config, load
from fediverse_node.base.config_docs import render_example
from fediverse_node.base.errors import NodeError
from fediverse_node.cli.lab import lab

T = TypeVar("T")


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="fediverse-node")
def cli() -> None:
    """A federated social server for people who want to talk with each other.

    Settings come from fediverse-node.toml and FEDIVERSE_NODE_* variables; `fediverse-node config` lists them.
    """


@cli.command()
def init() -> None:
    """Make the data folder, the database and the keys; the server does this by itself at its first start."""
    _run(_init)


@cli.command()
@click.option(
    "--record",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Write every exchange with other servers to this file, for `lab replay`. Private messages are in it.",
)
@click.option("--scrub", is_flag=True, help="Record with all texts, names and addresses of people made unreadable.")
@click.option("--scrub-hosts", is_flag=True, help="As --scrub, and the names of servers too.")
@click.option("--record-apps", is_flag=True, help="Also record what apps ask, without bodies and tokens.")
@click.option("--record-limit", type=click.IntRange(min=1), default=500, show_default=True, help="Megabytes at most.")
def serve(record: Path | None, scrub: bool, scrub_hosts: bool, record_apps: bool, record_limit: int) -> None:
    """Serve the node until it is stopped (Ctrl-C or SIGTERM)."""
    # The server is most of the program: other commands start faster without it.
    from fediverse_node.cli.serve import Recorded, serve_forever  # noqa: PLC0415

    if record is None and (scrub or scrub_hosts or record_apps):
        raise click.UsageError("--scrub, --scrub-hosts and --record-apps say how to record: they need --record FILE")
    config = _config()
    recorded = None
    if record is not None:
        limit_bytes = record_limit * 1_000_000
        recorded = Recorded(record, scrub or scrub_hosts, hosts=scrub_hosts, apps=record_apps, limit_bytes=limit_bytes)
    try:
        serve_forever(config, recorded)
    except NodeError as error:
        _fail(error)


@cli.group()
def user() -> None:
    """People who sign in here."""


@user.command("add")
@click.argument("name")
@click.option("--email", required=True, help="Address for signing in.")
@click.option("--password", default=None, help="Without one, a sign-in link is printed.")
@click.option("--admin", is_flag=True, help="May moderate and configure.")
@click.option(
    "--type",
    "type_",
    type=click.Choice(["person", "organization", "service", "group"]),
    default="person",
    show_default=True,
    help="What other servers are told it is.",
)
def add_user(name: str, email: str, password: str | None, admin: bool, type_: str) -> None:
    """Make an account for NAME."""
    from fediverse_node.cli.accounts import add_user as run  # noqa: PLC0415

    _run(lambda config: run(config, name, email=email, password=password, admin=admin, type_=type_.title()))


@user.command("link")
@click.argument("name")
def link_user(name: str) -> None:
    """Print a link that signs NAME in once."""
    from fediverse_node.cli.accounts import sign_in_link as run  # noqa: PLC0415

    _run(lambda config: run(config, name))


@cli.command()
@click.argument("name")
@click.option("--scopes", default="read write follow push", show_default=True, help="What the token may do.")
def token(name: str, scopes: str) -> None:
    """Print a new access token for NAME, and nothing else."""
    from fediverse_node.cli.accounts import make_token as run  # noqa: PLC0415

    _run(lambda config: run(config, name, scopes=scopes))


@cli.command()
def doctor() -> None:
    """Check database, addresses, clock, keys and the way to other servers, and say what to do."""
    from fediverse_node.cli.doctor import examine as run  # noqa: PLC0415

    if not _run(run):
        sys.exit(1)


@cli.command()
def migrate() -> None:
    """Bring the database to the schema of this version."""
    _run(_migrate)


@cli.command("config")
@click.option("--example", is_flag=True, help="A configuration file with every setting, its meaning and default.")
def show_config(example: bool) -> None:
    """Show the settings in force, or an example file."""
    if example:
        click.echo(render_example(), nl=False)
        return
    from fediverse_node.cli.settings import show as run  # noqa: PLC0415

    run(_config())


cli.add_command(lab)


def main() -> None:
    """The entry point of the installed command."""
    cli()


async def _init(config: Config) -> None:
    from fediverse_node.cli.setup import prepare  # noqa: PLC0415

    prepared = await prepare(config)
    await prepared.core.close()
    click.echo(f"The node {config.host} is ready in {config.data_dir}.")
    if prepared.owner_link:
        click.echo(f"Sign in as its owner, once, at {prepared.owner_link}")


async def _migrate(config: Config) -> None:
    from fediverse_node.storage.migrate import HEAD  # noqa: PLC0415
    from fediverse_node.storage.migrate import migrate as run  # noqa: PLC0415

    config.data_dir.mkdir(parents=True, exist_ok=True)
    before = await run(config.database_url)
    if before == HEAD:
        click.echo(f"The database has the schema of this version already ({HEAD}).")
    else:
        click.echo(f"The database went from {before or 'nothing'} to {HEAD}.")


def _config() -> Config:
    try:
        return load(os.environ)
    except NodeError as error:
        _fail(error)


def _run(command: Callable[[Config], Awaitable[T]]) -> T:
    config = _config()

    async def run() -> T:
        return await command(config)

    try:
        return asyncio.run(run())
    except NodeError as error:
        _fail(error)


def _fail(error: NodeError) -> NoReturn:
    click.echo(f"fediverse-node: {error}", err=True)
    sys.exit(2)
