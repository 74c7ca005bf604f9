"""`fediverse-node lab check`: examines a server from outside and says what to mend. Thin: all of it is in the lab."""

from __future__ import annotations

import asyncio
import shutil
import ssl
import sys
from collections.abc import Sequence
from ipaddress import ip_address
from pathlib import Path

import click

from fediverse_node.base.errors import NodeError
from fediverse_node.lab.conformance.examine import Options, examine
from fediverse_node.lab.conformance.index import CHECKS, SECTIONS
from fediverse_node.lab.conformance.report import Report
from fediverse_node.lab.conformance.report_html import render_html
from fediverse_node.lab.conformance.report_text import TextReport
from fediverse_node.lab.conformance.target import local_secret
from fediverse_node.lab.conformance.verdict import Finding
from fediverse_node.protocol.uris import origin_of
from fediverse_node.transport.resolver import Endpoint, Resolver, SystemResolver

_FILE = click.Path(dir_okay=False, writable=True, path_type=Path)


@click.command()
@click.argument("target", metavar="ACTOR")
@click.option(
    "--send/--no-send",
    default=None,
    help="Send more than GETs: forged and honest messages by throw-away actors. Without either you are asked.",
)
@click.option("--html", "html_path", type=_FILE, help="Write the report as one HTML file.")
@click.option("--json", "json_path", type=_FILE, help="Write the report as JSON, with all that was sent and came back.")
@click.option("--only", multiple=True, metavar="NAME", help="Only this section or check, as in --only webfinger.")
@click.option("--post", metavar="URL", help="A public post to examine; otherwise the newest of the outbox.")
@click.option("--private", metavar="URL", help="A post that is not for everybody: strangers must not see it.")
@click.option("--deleted", metavar="URL", help="A post that was deleted.")
@click.option(
    "--as",
    "origins",
    multiple=True,
    metavar="URL",
    help="Where the server reaches this machine, for its keys. Twice for checks that need two hosts.",
)
@click.option(
    "--listen", default="127.0.0.1:0", show_default=True, metavar="HOST:PORT", help="Where to listen for the server."
)
@click.option("--token", help="What the file on the server holds, in place of the token of this machine.")
@click.option("--resolve", multiple=True, metavar="NAME=ADDRESS[:PORT]", help="Where a name leads, in place of DNS.")
@click.option(
    "--ca",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="Certificates to trust beside the system's, in PEM.",
)
@click.option("--quiet", "-q", is_flag=True, help="Print only what failed, and warnings.")
def check(
    target: str,
    *,
    send: bool | None,
    html_path: Path | None,
    json_path: Path | None,
    only: tuple[str, ...],
    post: str | None,
    private: str | None,
    deleted: str | None,
    origins: tuple[str, ...],
    listen: str,
    token: str | None,
    resolve: tuple[str, ...],
    ca: Path | None,
    quiet: bool,
) -> None:
    """Examine a server as another would see it.

    ACTOR is an address (https://server/@actor) or a handle (@actor@server). Servers on this machine are examined at
    once; others when a file there shows that their people agree. Ends with 0 only if nothing failed, with 1 if
    something did, and with 2 if the server could not or may not be examined.
    """
    is_terminal = sys.stdout.isatty()
    text = TextReport(width=shutil.get_terminal_size().columns, colour=is_terminal, quiet=quiet)
    _refuse_unknown(only)

    def tell(finding: Finding) -> None:
        for line in text.lines_of(finding):
            click.echo(line)

    try:
        host, port = _listening(listen)
        options = Options(
            target=target,
            secret=local_secret(Path(click.get_app_dir("fediverse-node")) / "check-secret"),
            may_send=lambda count: _may_send(send, count),
            token=token,
            origins=tuple(_origin(each) for each in origins),
            listen_host=host,
            listen_port=port,
            post=post,
            private=private,
            deleted=deleted,
            resolver=_resolver(resolve),
            ssl_context=_trusting(ca),
            only=only,
            tell=tell,
        )
        report = asyncio.run(examine(options))
        for line in text.last_lines(report)[:-1]:
            click.echo(line)
        _write(report, html_path, json_path)
        click.echo(text.last_lines(report)[-1])
    except (NodeError, OSError) as error:
        click.echo(f"fediverse-node: {error}", err=True)
        sys.exit(2)
    sys.exit(0 if report.is_well else 1)


def _write(report: Report, html_path: Path | None, json_path: Path | None) -> None:
    if html_path is not None:
        html_path.write_text(render_html(report), "utf-8")
        click.echo(f"The report is in {html_path}.")
    if json_path is not None:
        json_path.write_bytes(report.dump_json())
        click.echo(f"The report as JSON is in {json_path}.")


def _may_send(send: bool | None, count: int) -> bool:
    if send is not None:
        return send
    click.echo("")
    click.echo(
        f"So far only GETs were sent. {count} more checks send messages to the inbox: follows, replies and likes by\n"
        "throw-away actors, most of them forged on purpose, some large or broken. What the server takes is undone in\n"
        "the end, but the person examined will see notifications. Use an account made for tests."
    )
    try:
        return click.confirm("Send them?", default=False)
    except click.Abort:
        click.echo("\nNobody answered: nothing but GETs is sent (--send sends without asking).")
        return False


def _refuse_unknown(names: Sequence[str]) -> None:
    known = {*SECTIONS, *(each.id for each in CHECKS)}
    for name in names:
        if name not in known:
            raise click.BadParameter(f"{name!r} is none of {', '.join(SECTIONS)}", param_hint="--only")


def _listening(text: str) -> tuple[str, int]:
    host, _, port = text.rpartition(":")
    if not host or not port.isdecimal() or int(port) > 65535:
        raise click.BadParameter(f"{text!r} is not HOST:PORT", param_hint="--listen")
    return host.strip("[]"), int(port)


def _origin(text: str) -> str:
    origin = origin_of(text)
    if origin is None or text.rstrip("/") != origin:
        raise click.BadParameter(f"{text!r} is not an address like https://check.example.org", param_hint="--as")
    return origin


def _resolver(entries: Sequence[str]) -> Resolver | None:
    """The system's resolver, but for the names given."""
    known: dict[str, Endpoint | str] = {}
    for entry in entries:
        name, equals, where = entry.partition("=")
        address, colon, port = where.rpartition(":") if where.count(":") == 1 else (where, "", "")
        try:
            ip_address(address)
            known[name.lower()] = Endpoint(address, int(port)) if colon else address
        except ValueError:
            equals = ""
        if not name or not equals:
            raise click.BadParameter(f"{entry!r} is not NAME=ADDRESS or NAME=ADDRESS:PORT", param_hint="--resolve")
    if not known:
        return None
    system = SystemResolver()

    async def resolve(host: str, port: int) -> Sequence[str | Endpoint]:
        found = known.get(host.lower())
        return [found] if found is not None else await system(host, port)

    return resolve


def _trusting(path: Path | None) -> ssl.SSLContext | None:
    if path is None:
        return None
    context = ssl.create_default_context()
    context.load_verify_locations(path)
    return context
