"""`fediverse-node domain`: with which hosts this server has to do. All decisions are those of `outbox.domain_desk`."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable, Sequence
from contextlib import asynccontextmanager

import click

from fediverse_node.base.clock import from_ms
from fediverse_node.base.config import Config
from fediverse_node.base.errors import ConfigurationError
from fediverse_node.base.outcome import Fail, TemporaryFail
from fediverse_node.cli.setup import prepare
from fediverse_node.domain.domain_lists import Auto, Change, Kind, ParsedList, dump_list
from fediverse_node.domain.domains import DomainRule, Severity, parse_domain
from fediverse_node.outbox.domain_desk import Costed, DomainDesk

_WORDS = {Severity.SUSPEND: "suspended", Severity.LIMIT: "limited", Severity.NOTHING: "not restricted"}


async def put(config: Config, rule: DomainRule, *, agreed: bool) -> None:
    """Make a rule, or change one. What cuts follows is done only when somebody has agreed to it."""
    async with _desk(config) as desk:
        domain = _domain(rule.domain)
        cost = await desk.cost_of(domain) if rule.severity is Severity.SUSPEND else 0
        if cost and not agreed:
            raise ConfigurationError(
                f"suspending {domain} would cut {_follows(cost)} between people here and there, and they do not come"
                " back by themselves. Say --yes to do it, or limit it instead: `fediverse-node domain limit`."
            )
        known = {found.domain: found for found in await desk.rules()}
        _done(await desk.put(_merged(rule, domain, known.get(domain))))
        await desk.work()
        click.echo(f"{domain} and all below it: {_effect(desk.policy.rules[domain])}.{_cut(cost)}")


async def drop(config: Config, text: str) -> None:
    """Take a rule back."""
    async with _desk(config) as desk:
        domain = _domain(text)
        _done(await desk.drop(domain))
        await desk.work()
        click.echo(f"There is no rule about {domain} any more. Follows that were cut do not come back by themselves:")
        click.echo(f"`fediverse-node domain severed {domain}` lists them.")


async def allow(config: Config, text: str, *, comment: str, take_back: bool) -> None:
    """Let a host in where only listed ones are, or do so no longer."""
    async with _desk(config) as desk:
        host = _domain(text)
        await (desk.disallow(host) if take_back else desk.allow(host, comment))
        await desk.work()
        click.echo(f"{host} is {'not let in any more' if take_back else 'let in'}.")
        if not config.allow_list:
            click.echo("Every host is, at the moment: the setting allow_list is off.")


async def show(config: Config) -> None:
    """Print all rules, and the hosts that are let in."""
    async with _desk(config) as desk:
        sources = {row["id"]: row["url"] for row in await desk.lists()}
        for rule in await desk.rules():
            source = sources.get(rule.list_id or 0)
            remarks = [rule.public_comment, rule.private_comment, f"from {source}" if source else ""]
            said = "; ".join(remark for remark in remarks if remark)
            click.echo(f"{rule.domain}: {_effect(rule)}{f' ({said})' if said else ''}")
        for host in await desk.allowed():
            click.echo(f"{host}: let in")
        for row in await desk.lists():
            read = from_ms(row["fetched_ms"]).strftime("%Y-%m-%d") if row["fetched_ms"] else "never"
            failed = f"; the last time failed: {row['last_error']}" if row["last_error"] else ""
            click.echo(f"list {row['url']}: read {read}, applies {row['auto']} by itself{failed}")


async def severed(config: Config, text: str) -> None:
    """Print the follows that were cut with a host."""
    async with _desk(config) as desk:
        rows = await desk.severed(_domain(text))
        for row in rows:
            ours, theirs = f"@{row['username']}", f"@{row['remote_username']}@{row['remote_host']}"
            one, other = (theirs, ours) if row["was_follower"] else (ours, theirs)
            click.echo(f"{from_ms(row['created_ms']).strftime('%Y-%m-%d')} {one} followed {other}")
        if not rows:
            click.echo("Nothing was cut.")


async def purge(config: Config, text: str) -> None:
    """Throw away what was said at a suspended host."""
    async with _desk(config) as desk:
        host = _domain(text)
        _done(await desk.purge(host))
        click.echo(f"What was said at {host} is gone for good.")


async def export(config: Config) -> None:
    """Print the rules as Mastodon exports them."""
    async with _desk(config) as desk:
        click.echo(dump_list(await desk.rules()), nl=False)


async def take_in(config: Config, text: str, *, agreed: bool) -> None:
    """Take in a list once: show what it changes, and do it if somebody has agreed."""
    async with _desk(config) as desk:
        found, parsed = await desk.diff_file(text)
        _complain(parsed)
        if not agreed:
            _print(found)
            click.echo("Nothing was changed. Say --yes to do it.")
            return
        _print(await desk.apply_file(text))
        await desk.work()


async def subscribe(config: Config, url: str, auto: Auto) -> None:
    """Read a list from now on; nothing of it holds yet."""
    async with _desk(config) as desk:
        parsed = _read(await desk.subscribe(url, auto))
        _complain(parsed)
        click.echo(
            f"{len(parsed.rules)} domains were read. Nothing of it holds yet: look at `fediverse-node domain diff`,"
        )
        click.echo("and then say `fediverse-node domain apply`.")
        if auto is not Auto.NOTHING:
            click.echo(f"Once a day it is read again, and applied by itself: {auto.value}.")


async def unsubscribe(config: Config, url: str) -> None:
    """Read a list no more."""
    async with _desk(config) as desk:
        _done(await desk.unsubscribe(url))
        click.echo("It is not read any more. The rules that came from it stay.")


async def diff(config: Config, url: str | None, *, again: bool) -> None:
    """Print what the subscribed lists would change; `again` reads them first."""
    async with _desk(config) as desk:
        for each in await _urls(desk, url):
            if again:
                _complain(_read(await desk.reread(each)))
            click.echo(f"{each}:")
            _print(_found(await desk.diff(each)))


async def apply(config: Config, url: str | None) -> None:
    """Let hold what `diff` printed: the lists as they were read last, not as they may be by now."""
    async with _desk(config) as desk:
        for each in await _urls(desk, url):
            click.echo(f"{each}:")
            _print(_found(await desk.apply(each)))
        await desk.work()


@asynccontextmanager
async def _desk(config: Config) -> AsyncIterator[DomainDesk]:
    core = (await prepare(config)).core
    http = core.ports.http(config)
    desk = DomainDesk(database=core.database, writer=core.writer, world=core.world, config=config, http=http)
    try:
        await desk.refresh()
        yield desk
    finally:
        await http.close()
        await core.close()


def _merged(rule: DomainRule, domain: str, known: DomainRule | None) -> DomainRule:
    """What is not said about a rule that exists stays as it is."""
    return DomainRule(
        domain=domain,
        severity=rule.severity,
        reject_media=rule.reject_media or (known is not None and known.reject_media),
        reject_reports=rule.reject_reports or (known is not None and known.reject_reports),
        obfuscate=rule.obfuscate or (known is not None and known.obfuscate),
        public_comment=rule.public_comment or (known.public_comment if known else ""),
        private_comment=rule.private_comment or (known.private_comment if known else ""),
    )


def _domain(text: str) -> str:
    domain = parse_domain(text)
    if domain is None:
        raise ConfigurationError(f"{text!r} is no domain. Write it like social.example.org.")
    return domain


def _done(fault: Fail | None) -> None:
    if fault is not None:
        raise ConfigurationError(f"{fault}.")


def _read(outcome: ParsedList | Fail | TemporaryFail) -> ParsedList:
    if not isinstance(outcome, ParsedList):
        raise ConfigurationError(f"{outcome}.")
    return outcome


def _found(outcome: list[Costed] | Fail) -> list[Costed]:
    if isinstance(outcome, Fail):
        raise ConfigurationError(f"{outcome}.")
    return outcome


async def _urls(desk: DomainDesk, url: str | None) -> Sequence[str]:
    urls = [url] if url is not None else [row["url"] for row in await desk.lists()]
    if not urls:
        raise ConfigurationError("there is no subscription to a list: `fediverse-node domain subscribe URL` makes one.")
    return urls


def _complain(parsed: ParsedList) -> None:
    for line in parsed.unreadable:
        click.echo(f"not read: {line}", err=True)


def _print(found: Iterable[Costed]) -> None:
    total, number = 0, 0
    for costed in found:
        total, number = total + costed.follows, number + 1
        click.echo(f"  {_sentence(costed.change)}{_cut(costed.follows)}")
    if not number:
        click.echo("  nothing to change")
    elif total:
        click.echo(f"  In all this cuts {_follows(total)}.")


def _sentence(change: Change) -> str:
    before = _effect(change.before) if change.before else "no rule"
    after = _effect(change.after) if change.after else "no rule"
    if change.kind is Kind.KEPT:
        return f"kept     {change.domain}: {before}; the list says {after}"
    return f"{change.kind.value:<8} {change.domain}: {before} -> {after}"


def _effect(rule: DomainRule) -> str:
    parts = [_WORDS[rule.severity]]
    parts += ["no media"] if rule.reject_media else []
    parts += ["no reports"] if rule.reject_reports else []
    return ", ".join(parts)


def _cut(number: int) -> str:
    return f" This cuts {_follows(number)}." if number else ""


def _follows(number: int) -> str:
    return f"{number} follow{'' if number == 1 else 's'}"
