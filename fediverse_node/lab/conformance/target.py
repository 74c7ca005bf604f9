"""Which server is meant, and whether it may be examined.

A server on this machine may; any other only if a file there, with a token that only whoever runs this check can name,
shows that its people agree. Every origin that takes part (a handle's host, the actor's host) is asked for itself.
"""

from __future__ import annotations

import asyncio
import hmac
import secrets
from dataclasses import dataclass
from hashlib import sha256
from ipaddress import ip_address
from pathlib import Path

from fediverse_node.base.errors import NodeError
from fediverse_node.base.outcome import Fail
from fediverse_node.protocol.uris import host_of, origin_of
from fediverse_node.protocol.webfinger import Acct, parse_resource
from fediverse_node.transport.addresses import is_loopback
from fediverse_node.transport.exchange import Http, Response
from fediverse_node.transport.resolver import Endpoint, Resolver

CONSENT_PATH = "/.well-known/fediverse-node-check"
_TOKEN_PREFIX = "fediverse-node-check-"  # noqa: S105 - the visible beginning of every token
_LONGEST_CONSENT = 4096


class NotExaminedError(NodeError):
    """The server cannot or may not be examined; the message says why and what to do."""


@dataclass(frozen=True, slots=True)
class Target:
    """What was asked for: an address of an actor, or a handle. `origin` is where to begin."""

    text: str
    origin: str
    url: str | None = None
    acct: Acct | None = None

    @property
    def host(self) -> str:
        """`host[:port]` to begin with."""
        return host_of(self.origin) or ""


def parse_target(text: str) -> Target:
    """Read `https://server/@actor`, `https://server/users/actor`, `@user@server` or `user@server`.

    The origin of a handle without a scheme is https, but for addresses of this machine. Raises NotExaminedError.
    """
    parsed = parse_resource(text)
    if isinstance(parsed, Fail):
        raise NotExaminedError(
            f"{text!r} is neither the address of an actor (https://server/@actor) nor a handle (@actor@server)"
        )
    if isinstance(parsed, Acct):
        name = parsed.host.rpartition(":")[0] or parsed.host
        scheme = "http" if _is_this_machine(name) else "https"
        return Target(text, f"{scheme}://{parsed.host}", acct=parsed)
    origin = origin_of(parsed) or ""
    if parsed.removeprefix(origin).strip("/") == "":
        raise NotExaminedError(f"{text} names a server; name one of its actors too, as in {origin}/@actor")
    return Target(text, origin, url=parsed)


def _is_this_machine(name: str) -> bool:
    if name == "localhost" or name.endswith(".localhost"):
        return True
    try:
        return is_loopback(ip_address(name.strip("[]")))
    except ValueError:
        return False


async def leads_to_this_machine(origin: str, resolver: Resolver) -> bool:
    """Whether all addresses of the host are loopback addresses. False where it has none."""
    host = (host_of(origin) or "").removesuffix(".")
    name = host if host.endswith("]") or ":" not in host else host.rpartition(":")[0]
    try:
        return is_loopback(ip_address(name.strip("[]")))
    except ValueError:
        pass
    try:
        async with asyncio.timeout(10):
            found = await resolver(name, 443)
    except (OSError, TimeoutError):
        return False
    addresses = [each.address if isinstance(each, Endpoint) else each for each in found]
    return bool(addresses) and all(is_loopback(ip_address(address)) for address in addresses)


def token_for(host: str, secret: bytes) -> str:
    """The token that the file on `host` must hold: the same each time, and of no use to anybody else."""
    return _TOKEN_PREFIX + hmac.new(secret, host.encode(), sha256).hexdigest()[:40]


def local_secret(path: Path) -> bytes:
    """The secret of whoever runs checks on this machine, made at first use. Raises NotExaminedError."""
    try:
        if not path.exists():
            path.parent.mkdir(parents=True, exist_ok=True)
            path.touch(mode=0o600, exist_ok=False)
            path.write_text(secrets.token_hex(32))
        return path.read_text().strip().encode()
    except OSError as error:
        raise NotExaminedError(f"{path} cannot be used for the secret of this check: {error.strerror}") from error


async def confirm(origin: str, token: str, http: Http) -> None:
    """Raises NotExaminedError, with what to put where, unless the file on `origin` holds the token."""
    url = origin + CONSENT_PATH
    answer = await http.get(url, accept="text/plain, */*", max_bytes=_LONGEST_CONSENT, timeout_s=15.0)
    host = host_of(origin)
    ask = (
        f"To show that the people of {host} agree, put a file there so that\n  {url}\nanswers with\n  {token}\n"
        "and run this again. Remove it when you are done."
    )
    if not isinstance(answer, Response):
        raise NotExaminedError(f"{host} is not this machine, and {url} could not be read: {answer}.\n{ask}")
    if origin_of(answer.url) != origin:
        raise NotExaminedError(f"{host} is not this machine, and {url} leads to another server.\n{ask}")
    if answer.status != 200:
        raise NotExaminedError(f"{host} is not this machine, and {url} answers {answer.status}.\n{ask}")
    lines = answer.body.decode("utf-8", "replace").split()
    if not any(hmac.compare_digest(line.encode(), token.encode()) for line in lines):
        raise NotExaminedError(f"{host} is not this machine, and {url} holds another token.\n{ask}")
