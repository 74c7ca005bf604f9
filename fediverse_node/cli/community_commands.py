"""`fediverse-node emoji`, `announcement`, `invite`, `relay`, `group`; what they do is loaded when it is needed."""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path

import click

from fediverse_node.base.config import Config, load
from fediverse_node.base.errors import NodeError

_FILE = click.Path(exists=True, dir_okay=False, path_type=Path)


@click.group()
def emoji() -> None:
    """Custom emojis of this server."""


@emoji.command("add")
@click.argument("name")
@click.argument("file", type=_FILE)
@click.option("--category", default="", help="Under what apps list it.")
def add_emoji(name: str, file: Path, category: str) -> None:
    """Let people write :NAME: for the picture in FILE: PNG, GIF or WebP, at most 256 kB."""
    from fediverse_node.cli import emojis  # noqa: PLC0415  (loads the database)

    _run(lambda config: emojis.add(config, name, file, category=category))


@emoji.command("import")
@click.argument("pack", type=click.Path(exists=True, path_type=Path))
@click.option("--category", default="", help="Under what apps list them; else as the pack says.")
def import_emojis(pack: Path, category: str) -> None:
    """Add all pictures of PACK: a folder or a zip file, as exported by Misskey or made for Pleroma."""
    from fediverse_node.cli import emojis  # noqa: PLC0415

    _run(lambda config: emojis.import_pack(config, pack, category=category))


@emoji.command("list")
def list_emojis() -> None:
    """Print all of them."""
    from fediverse_node.cli import emojis  # noqa: PLC0415

    _run(emojis.show)


@emoji.command("remove")
@click.argument("name")
def remove_emoji(name: str) -> None:
    """Take NAME away; in what was said with it the name stands from now on."""
    from fediverse_node.cli import emojis  # noqa: PLC0415

    _run(lambda config: emojis.remove(config, name))


@click.group()
def announcement() -> None:
    """What everybody who lives here is told: open apps show it."""


@announcement.command("add")
@click.argument("text")
@click.option("--starts", default="", metavar="MOMENT", help="When it begins, as 2026-12-24T18:00+01:00.")
@click.option("--ends", default="", metavar="MOMENT", help="When it ends; afterwards it is not shown any more.")
@click.option("--all-day", is_flag=True, help="It takes whole days: the hours mean nothing.")
@click.option("--at", default="", metavar="MOMENT", help="Show it from then on; else at once.")
def add_announcement(text: str, starts: str, ends: str, all_day: bool, at: str) -> None:
    """Announce TEXT: links, @people, #hashtags, :emojis: and addresses of posts are understood.

    Moments without a zone are UTC.
    """
    from fediverse_node.cli import announcements  # noqa: PLC0415

    _run(lambda config: announcements.add(config, text, starts=starts, ends=ends, at=at, all_day=all_day))


@announcement.command("list")
def list_announcements() -> None:
    """Print all of them, with what people answered."""
    from fediverse_node.cli import announcements  # noqa: PLC0415

    _run(announcements.show)


@announcement.command("remove")
@click.argument("number", type=click.IntRange(min=0, max=2**63 - 1))
def remove_announcement(number: int) -> None:
    """Take the announcement with this NUMBER back; apps that show it forget it."""
    from fediverse_node.cli import announcements  # noqa: PLC0415

    _run(lambda config: announcements.remove(config, number))


@click.group()
def invite() -> None:
    """Invitations, by which people sign up also where registration is not open."""


@invite.command("add")
@click.argument("name")
@click.option(
    "--uses", "most_uses", type=click.IntRange(min=1, max=1_000_000), help="For so many; else for any number."
)
@click.option("--days", type=click.FloatRange(min=0.001, max=36_500), help="For so long; else for good.")
def add_invite(name: str, most_uses: int | None, days: float | None) -> None:
    """Let NAME, who lives here, invite others; prints the address to pass on."""
    from fediverse_node.cli import invites  # noqa: PLC0415

    _run(lambda config: invites.add(config, name, most_uses=most_uses, days=days))


@invite.command("list")
def list_invites() -> None:
    """Print all of them, with who invites and how often they were used."""
    from fediverse_node.cli import invites  # noqa: PLC0415

    _run(invites.show)


@invite.command("remove")
@click.argument("code")
def remove_invite(code: str) -> None:
    """Take the invitation with this CODE back; whoever came by it stays."""
    from fediverse_node.cli import invites  # noqa: PLC0415

    _run(lambda config: invites.remove(config, code))


@click.group()
def relay() -> None:
    """Servers that pass on what is public to whoever subscribes."""


@relay.command("add")
@click.argument("url")
def add_relay(url: str) -> None:
    """Subscribe to the relay at URL: its inbox (…/inbox), or its actor."""
    from fediverse_node.cli import relays  # noqa: PLC0415

    _run(lambda config: relays.add(config, url))


@relay.command("list")
def list_relays() -> None:
    """Print all relays, and what they have answered."""
    from fediverse_node.cli import relays  # noqa: PLC0415

    _run(relays.show)


@relay.command("remove")
@click.argument("url")
def remove_relay(url: str) -> None:
    """End the subscription; what it brought stays."""
    from fediverse_node.cli import relays  # noqa: PLC0415

    _run(lambda config: relays.remove(config, url))


@click.group()
def group() -> None:
    """Groups of this server; `user add NAME --type group` makes one."""


@group.command("list")
def list_groups() -> None:
    """Print all groups with their members and moderators."""
    from fediverse_node.cli import groups  # noqa: PLC0415

    _run(groups.show)


@group.command("posting")
@click.argument("name")
@click.argument("who", type=click.Choice(["everybody", "members", "moderators"]))
def set_posting(name: str, who: str) -> None:
    """Say of whom the group NAME passes on what they write in it."""
    from fediverse_node.cli import groups  # noqa: PLC0415

    _run(lambda config: groups.set_posting(config, name, who))


@group.command("moderator")
@click.argument("name")
@click.argument("person")
@click.option("--remove", is_flag=True, help="Not any more.")
def set_moderator(name: str, person: str, remove: bool) -> None:
    """Give PERSON (a handle) a say in the group NAME."""
    from fediverse_node.cli import groups  # noqa: PLC0415

    _run(lambda config: groups.moderator(config, name, person, no_more=remove))


@group.command("ban")
@click.argument("name")
@click.argument("person")
@click.option("--lift", is_flag=True, help="Let them write and follow again.")
def ban(name: str, person: str, lift: bool) -> None:
    """Keep PERSON (a handle) out of the group NAME."""
    from fediverse_node.cli import groups  # noqa: PLC0415

    _run(lambda config: groups.ban(config, name, person, lift=lift))


@group.command("remove")
@click.argument("name")
@click.argument("post")
@click.option("--back", is_flag=True, help="Put it back.")
def remove_post(name: str, post: str, back: bool) -> None:
    """Take POST (its address) out of the group NAME; it stays with its author."""
    from fediverse_node.cli import groups  # noqa: PLC0415

    _run(lambda config: groups.remove_post(config, name, post, back=back))


@group.command("lock")
@click.argument("name")
@click.argument("post")
@click.option("--open", "open_again", is_flag=True, help="Open it again.")
def lock(name: str, post: str, open_again: bool) -> None:
    """Close the conversation of POST (its address) in the group NAME."""
    from fediverse_node.cli import groups  # noqa: PLC0415

    _run(lambda config: groups.lock(config, name, post, open_again=open_again))


def _run(command: Callable[[Config], Awaitable[None]]) -> None:
    async def run() -> None:
        await command(load(os.environ))

    try:
        asyncio.run(run())
    except NodeError as error:
        click.echo(f"fediverse-node: {error}", err=True)
        sys.exit(2)
