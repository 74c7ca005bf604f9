"""The words of `fediverse-node domain`; what they do is in `cli.domains`, loaded when it is needed."""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import Awaitable, Callable
from typing import TextIO

import click

from fediverse_node.base.config import Config, load
from fediverse_node.base.errors import NodeError


@click.group()
def domain() -> None:
    """Other servers: which are kept out, kept quiet or let in."""


_YES = click.option("--yes", is_flag=True, help="Do it, although follows are cut.")
_SHARED = (
    click.option("--reject-media", is_flag=True, help="Show no pictures, films and emojis of it."),
    click.option("--reject-reports", is_flag=True, help="Take no reports from it."),
    click.option("--obfuscate", is_flag=True, help="Show its name with asterisks where rules are published."),
    click.option("--public-comment", default="", help="Why; everybody who may see the rules can read it."),
    click.option("--private-comment", default="", help="Why; for those who run this server."),
)


def _ruled(command: Callable[..., None]) -> Callable[..., None]:
    for option in reversed(_SHARED):
        command = option(command)
    return click.argument("name", metavar="DOMAIN")(command)


@domain.command("block")
@_ruled
@_YES
def block(name: str, yes: bool, **about: str | bool) -> None:
    """Have nothing to do with DOMAIN and all below it."""
    _put(name, "suspend", agreed=yes, **about)


@domain.command("limit")
@_ruled
def limit(name: str, **about: str | bool) -> None:
    """Show people of DOMAIN, and all below it, only to those who follow them."""
    _put(name, "silence", agreed=True, **about)


@domain.command("except")
@_ruled
def exempt(name: str, **about: str | bool) -> None:
    """Let DOMAIN out of a rule about a domain above it, or only refuse its media or reports."""
    _put(name, "noop", agreed=True, **about)


def _put(name: str, severity: str, *, agreed: bool, **about: str | bool) -> None:
    from fediverse_node.cli import domains  # noqa: PLC0415  (loads the database)
    from fediverse_node.domain.domains import DomainRule, Severity  # noqa: PLC0415

    rule = DomainRule(name, Severity(severity), **about)  # type: ignore[arg-type]
    _run(lambda config: domains.put(config, rule, agreed=agreed))


@domain.command("unblock")
@click.argument("name", metavar="DOMAIN")
def unblock(name: str) -> None:
    """Take the rule about DOMAIN back, whatever it was: what was hidden is shown again."""
    from fediverse_node.cli import domains  # noqa: PLC0415

    _run(lambda config: domains.drop(config, name))


@domain.command("allow")
@click.argument("name", metavar="HOST")
@click.option("--comment", default="", help="Why; for those who run this server.")
def allow(name: str, comment: str) -> None:
    """Let HOST in where only listed hosts are (setting allow_list)."""
    from fediverse_node.cli import domains  # noqa: PLC0415

    _run(lambda config: domains.allow(config, name, comment=comment, take_back=False))


@domain.command("disallow")
@click.argument("name", metavar="HOST")
def disallow(name: str) -> None:
    """Let HOST in no longer."""
    from fediverse_node.cli import domains  # noqa: PLC0415

    _run(lambda config: domains.allow(config, name, comment="", take_back=True))


@domain.command("list")
def list_rules() -> None:
    """Print all rules, hosts that are let in, and subscriptions."""
    from fediverse_node.cli import domains  # noqa: PLC0415

    _run(domains.show)


@domain.command("severed")
@click.argument("name", metavar="HOST")
def severed(name: str) -> None:
    """Print the follows that were cut with HOST."""
    from fediverse_node.cli import domains  # noqa: PLC0415

    _run(lambda config: domains.severed(config, name))


@domain.command("purge")
@click.argument("name", metavar="HOST")
@click.confirmation_option(prompt="What was said there will be gone for good. Go on?")
def purge(name: str) -> None:
    """Throw away what was said at the suspended HOST, now instead of after thirty days."""
    from fediverse_node.cli import domains  # noqa: PLC0415

    _run(lambda config: domains.purge(config, name))


@domain.command("import")
@click.argument("file", type=click.File(encoding="utf-8", errors="replace"))
@click.option("--yes", is_flag=True, help="Do it, instead of printing what it would do.")
def take_in(file: TextIO, yes: bool) -> None:
    """Take in a list of domains from FILE: CSV as Mastodon exports it, or a domain a line."""
    text = file.read()
    from fediverse_node.cli import domains  # noqa: PLC0415

    _run(lambda config: domains.take_in(config, text, agreed=yes))


@domain.command("export")
def export() -> None:
    """Print the rules as Mastodon exports them."""
    from fediverse_node.cli import domains  # noqa: PLC0415

    _run(domains.export)


@domain.command("subscribe")
@click.argument("url")
@click.option(
    "--auto",
    type=click.Choice(["none", "limit-only", "all"]),
    default="none",
    show_default=True,
    help="What the list may change by itself, once a day; limit-only never cuts a follow.",
)
def subscribe(url: str, auto: str) -> None:
    """Read the list of domains at URL from now on. Nothing of it holds before `apply`."""
    from fediverse_node.cli import domains  # noqa: PLC0415
    from fediverse_node.domain.domain_lists import Auto  # noqa: PLC0415

    _run(lambda config: domains.subscribe(config, url, Auto(auto)))


@domain.command("unsubscribe")
@click.argument("url")
def unsubscribe(url: str) -> None:
    """Read the list at URL no more; the rules that came from it stay."""
    from fediverse_node.cli import domains  # noqa: PLC0415

    _run(lambda config: domains.unsubscribe(config, url))


@domain.command("diff")
@click.argument("url", required=False)
@click.option("--offline", is_flag=True, help="As the lists were read last, without asking for them again.")
def diff(url: str | None, offline: bool) -> None:
    """Print what the subscribed lists (or the one at URL) would change, and how many follows that would cut."""
    from fediverse_node.cli import domains  # noqa: PLC0415

    _run(lambda config: domains.diff(config, url, again=not offline))


@domain.command("apply")
@click.argument("url", required=False)
def apply(url: str | None) -> None:
    """Let hold what `diff` has printed."""
    from fediverse_node.cli import domains  # noqa: PLC0415

    _run(lambda config: domains.apply(config, url))


def _run(command: Callable[[Config], Awaitable[None]]) -> None:
    async def run(config: Config) -> None:
        await command(config)

    try:
        asyncio.run(run(load(os.environ)))
    except NodeError as error:
        click.echo(f"fediverse-node: {error}", err=True)
        sys.exit(2)
