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
from fediverse_node.cli.community_commands import announcement, emoji, group, invite, relay
from fediverse_node.cli.domain_commands import domain
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


@user.command("drop-second-factor")
@click.argument("name")
def drop_second_factor(name: str) -> None:
    """Ask NAME for the password alone again: for people who have lost their phone and their recovery codes."""
    from fediverse_node.cli.accounts import drop_second_factor as run  # noqa: PLC0415

    _run(lambda config: run(config, name))


@user.command("rotate-keys")
@click.argument("name")
@click.option(
    "--overlap-days",
    type=click.FloatRange(min=0, max=365),
    default=7,
    show_default=True,
    help="How long the old keys still count; 0 if somebody else may have them.",
)
def rotate_keys(name: str, overlap_days: float) -> None:
    """Give NAME new keys, and tell all followers. Nobody is lost: the old ones count until the overlap is over."""
    from fediverse_node.cli.accounts import rotate_keys as run  # noqa: PLC0415

    _run(lambda config: run(config, name, overlap_days=overlap_days))


@user.command("alias")
@click.argument("name")
@click.argument("account", metavar="[ACCT|URL]", required=False)
@click.option("--remove", is_flag=True, help="It is not the same account any more.")
def alias_user(name: str, account: str | None, remove: bool) -> None:
    """Say that NAME is known by another account too, so that its followers can be brought here; or list them."""
    from fediverse_node.cli.moving import alias as run  # noqa: PLC0415

    if remove and account is None:
        raise click.UsageError("--remove needs the account that is meant")
    _run(lambda config: run(config, name, account, remove=remove))


@user.command("move")
@click.argument("name")
@click.argument("account", metavar="[ACCT|URL]", required=False)
@click.option("--yes", is_flag=True, help="Do it. Without this it is only said what would happen.")
@click.option("--undo", is_flag=True, help="Make an account that has moved usable again.")
def move_user(name: str, account: str | None, yes: bool, undo: bool) -> None:
    """Let NAME go on as another account, which must name it as an alias, and take the followers along."""
    from fediverse_node.cli import moving  # noqa: PLC0415

    if undo == (account is not None):
        raise click.UsageError("say where the account moves to, or --undo")
    if account is None:
        _run(lambda config: moving.undo(config, name))
    else:
        _run(lambda config: moving.move(config, name, account, agreed=yes))


_KINDS = ["following", "followers", "blocks", "mutes", "domain_blocks", "lists", "bookmarks"]


@user.command("export")
@click.argument("name")
@click.option("--to", type=click.Path(path_type=Path), default=Path(), help="The folder; - for standard output.")
@click.option("--kind", "kinds", type=click.Choice(_KINDS), multiple=True, help="Only this; may be repeated.")
def export_user(name: str, to: Path, kinds: tuple[str, ...]) -> None:
    """Write whom NAME follows, blocks and mutes, lists and bookmarks, in files that Mastodon can read."""
    from fediverse_node.cli.exporting import export as run  # noqa: PLC0415

    if str(to) == "-" and len(kinds) != 1:
        raise click.UsageError("to the standard output goes one --kind at a time")
    _run(lambda config: run(config, name, to, kinds))


@user.command("import")
@click.argument("name")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--kind", type=click.Choice(_KINDS), help="What is in the file, where that cannot be seen from it.")
def import_user(name: str, file: Path, kind: str | None) -> None:
    """Take in a file that Mastodon or this server wrote. Other servers are asked slowly; it can be repeated.

    Exit status 1 if something of it could not be done.
    """
    from fediverse_node.cli.exporting import take_in as run  # noqa: PLC0415

    if not _run(lambda config: run(config, name, file, kind)):
        sys.exit(1)


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
@click.argument("what", metavar="FILE|URL")
@click.option("--json", "as_json", is_flag=True, help="The findings for a program.")
@click.option(
    "--keys",
    type=click.Path(exists=True, path_type=Path),
    multiple=True,
    metavar="PATH",
    help="A file, or a folder of files, in which the actors' keys are; may be given several times.",
)
@click.option("--offline", is_flag=True, help="Ask no server for a key that is nowhere at hand.")
def inspect(what: str, as_json: bool, keys: tuple[Path, ...], offline: bool) -> None:
    """Print how a document is understood: what it says, whether its signatures hold, and what becomes of it here.

    FILE is a JSON document, a captured message or recording, or a raw HTTP request with its head; URL is fetched. Exit
    status 0 if all is well, 1 if something of it would be refused, 2 if there is nothing to inspect.
    """
    from fediverse_node.cli.inspect import inspect as run  # noqa: PLC0415

    sys.exit(_run(lambda config: run(config, what, as_json=as_json, keys=keys, offline=offline)))


@cli.command()
@click.argument("post")
def thread(post: str) -> None:
    """Show the conversation of POST (a URL or an id): what is here, what is not and why, who was asked."""
    from fediverse_node.cli.thread import show_thread as run  # noqa: PLC0415

    _run(lambda config: run(config, post))


@cli.command()
@click.argument("post")
@click.argument("host", required=False)
@click.option("--json", "as_json", is_flag=True, help="The receipts for a program.")
def why(post: str, host: str | None, as_json: bool) -> None:
    """Say what became of POST (a URL or an id) at the servers it was sent to, or why it was not sent to HOST.

    Exit status 0 if every server (or HOST) took it, 1 if not.
    """
    from fediverse_node.cli.why import why as run  # noqa: PLC0415

    if not _run(lambda config: run(config, post, host, as_json=as_json)):
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


cli.add_command(announcement)
cli.add_command(domain)
cli.add_command(emoji)
cli.add_command(group)
cli.add_command(invite)
cli.add_command(lab)
cli.add_command(relay)


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
