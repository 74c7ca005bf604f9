"""How one configured value is read: text from a variable or a typed value from TOML becomes what the program uses.

Every parser raises ValueError with a sentence that says what is wrong and what to write instead.
What the values mean together is not judged here: config.py does.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from ipaddress import IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from pathlib import Path
from typing import TypeVar
from urllib.parse import SplitResult, urlsplit

Network = IPv4Network | IPv6Network
_E = TypeVar("_E", bound=StrEnum)

_LABEL = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?")
_DEFAULT_PORTS = {"http": 80, "https": 443}
_TRUE = {"true", "yes", "on", "1"}
_FALSE = {"false", "no", "off", "0"}


class Registration(StrEnum):
    """Who may make an account."""

    CLOSED = "closed"
    INVITE = "invite"
    APPROVAL = "approval"
    OPEN = "open"


class Audience(StrEnum):
    """To whom something about this server is shown."""

    NOBODY = "nobody"
    USERS = "users"
    EVERYBODY = "everybody"


class MailTls(StrEnum):
    """How the way to the mail server is kept secret."""

    STARTTLS = "starttls"
    IMPLICIT = "implicit"
    NONE = "none"


class LogLevel(StrEnum):
    """The least serious lines that are written."""

    DEBUG = "debug"
    INFO = "info"
    WARNING = "warning"
    ERROR = "error"


@dataclass(frozen=True, slots=True)
class Listen:
    """An address to listen on. `host` has no brackets."""

    host: str
    port: int

    @property
    def is_public(self) -> bool:
        """True unless only this machine can connect. A name that may resolve to anything counts as public."""
        return not is_loopback_host(self.host)

    def __str__(self) -> str:
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"


def is_ip_address(host: str) -> bool:
    """Whether `host` (no brackets) is an IP address, or a number that URL parsers take for one (127.1, 0x7f000001)."""
    try:
        ip_address(host)
    except ValueError:
        last = host.rpartition(".")[2]
        return last.isdigit() or re.fullmatch(r"0x[0-9a-f]*", last) is not None
    return True


def is_loopback_host(host: str) -> bool:
    """Whether `host` (no brackets) is localhost or a loopback address."""
    if host == "localhost" or host.endswith(".localhost"):
        return True
    try:
        address = ip_address(host)
    except ValueError:
        return False
    mapped = address.ipv4_mapped if isinstance(address, IPv6Address) else None
    return (mapped or address).is_loopback


def parse_text(value: object) -> str:
    """One line of text."""
    if not isinstance(value, str):
        raise ValueError(f"must be text in quotes, not {value!r}")
    text = value.strip()
    if not text.isprintable():
        raise ValueError("must be a single line without control characters")
    return text


def parse_title(value: object) -> str:
    """A line of text that is not empty."""
    text = parse_text(value)
    if not text:
        raise ValueError("must not be empty")
    return text


def parse_email(value: object) -> str:
    """An e-mail address, or nothing."""
    text = parse_text(value)
    if text and not re.fullmatch(r"[^@\s]+@[^@\s]+", text):
        raise ValueError(f"{text!r} is not an e-mail address; write it like someone@example.org")
    return text


def parse_bool(value: object) -> bool:
    """true or false; as text also yes/no, on/off, 1/0."""
    if isinstance(value, bool):
        return value
    word = value.strip().lower() if isinstance(value, str) else ""
    if word in _TRUE:
        return True
    if word in _FALSE:
        return False
    raise ValueError(f"must be true or false, not {value!r}")


def number_between(low: int, high: int) -> Callable[[object], int]:
    """A parser of whole numbers, low <= n <= high."""

    def parse_number(value: object) -> int:
        text = value.strip().replace("_", "") if isinstance(value, str) else value
        if isinstance(text, str) and re.fullmatch(r"[0-9]{1,18}", text):
            text = int(text)
        if isinstance(text, bool) or not isinstance(text, int) or not low <= text <= high:
            raise ValueError(f"must be a whole number from {low} to {high}, not {value!r}")
        return text

    return parse_number


def choice_of(kind: type[_E]) -> Callable[[object], _E]:
    """A parser of one word of an enumeration."""

    def parse_choice(value: object) -> _E:
        word = value.strip().lower() if isinstance(value, str) else value
        for member in kind:
            if member.value == word:
                return member
        raise ValueError(f"must be one of {', '.join(kind)}, not {value!r}")

    return parse_choice


def parse_directory(value: object) -> Path:
    """A directory, relative to where the program is started."""
    text = parse_title(value)
    if text.startswith("~"):
        raise ValueError(f"{text!r} is not expanded here; write the whole path")
    return Path(text)


def parse_document(value: object) -> str:
    """A file or folder inside the data directory, or nothing."""
    text = parse_text(value)
    if text and (text.startswith(("/", "~")) or ".." in Path(text).parts):
        raise ValueError(f"must be in data_dir, and {text!r} is not")
    return text


def parse_listen(value: object) -> Listen:
    """`host:port`, an IPv6 address in brackets."""
    text = parse_title(value).lower()
    found = re.fullmatch(r"(?:\[([^\[\]]+)\]|([^:\[\]/\s]+)):([0-9]{1,5})", text)
    if not found or not 1 <= int(found[3]) <= 65535:
        raise ValueError(f"{text!r} is not host:port; write it like 127.0.0.1:8420 or [::1]:8420")
    host = found[1] or found[2]
    if found[1] and not _is_ipv6(host):
        raise ValueError(f"{host!r} is not an IPv6 address; only those go in brackets")
    return Listen(host, int(found[3]))


def parse_base_url(value: object) -> str:
    """The canonical origin: lower case, no default port, no trailing slash."""
    text = parse_title(value)
    parts = _split(text)
    if parts.scheme not in _DEFAULT_PORTS or not parts.hostname:
        raise ValueError(f"{text!r} must begin with https:// and a host name, as in https://social.example.org")
    if parts.username is not None or parts.password is not None:
        raise ValueError("must not contain a user name or password")
    if parts.path not in ("", "/") or parts.query or parts.fragment or text.rstrip("/")[-1:] in ("?", "#"):
        raise ValueError(f"{text!r} must end after the host name: the server does not run below a path")
    host = _canonical_host(parts.hostname)
    port = parts.port
    shown = f"[{host}]" if ":" in host else host
    suffix = "" if port is None or port == _DEFAULT_PORTS[parts.scheme] else f":{port}"
    return f"{parts.scheme}://{shown}{suffix}"


def parse_database_url(value: object) -> str:
    """`sqlite:///file` (four slashes for an absolute path) or `postgresql://user:password@host/database`."""
    text = parse_title(value)
    scheme, separator, rest = text.partition("://")
    if separator and scheme in ("postgresql", "postgres"):
        if not _split(text).path.strip("/"):
            raise ValueError("names no database; write it like postgresql://user:password@host/database")
        return f"postgresql://{rest}"
    if separator and scheme == "sqlite":
        if not rest.startswith("/") or rest in ("/", "/:memory:") or "?" in rest:
            raise ValueError(
                "must name a file: sqlite:///data/node.db, or sqlite:////var/lib/node.db with four slashes"
            )
        return text
    # The value may hold a password, so it is not repeated.
    raise ValueError("must begin with sqlite:/// or postgresql://")


def parse_networks(value: object) -> tuple[Network, ...]:
    """IP addresses or networks: a list, or text separated by commas."""
    items = value.split(",") if isinstance(value, str) else value
    if not isinstance(items, list):
        raise ValueError(f"must be a list of addresses, not {value!r}")
    networks: list[Network] = []
    for item in items:
        text = item.strip() if isinstance(item, str) else ""
        if isinstance(item, str) and not text:
            continue
        try:
            networks.append(ip_network(text))
        except ValueError:
            raise ValueError(f"{item!r} is not an IP address or network; write it like 10.0.0.0/8 or ::1") from None
    return tuple(networks)


def _split(url: str) -> SplitResult:
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError as wrong:
        raise ValueError(f"is not a URL: {wrong}") from None
    if port == 0:
        raise ValueError("must not have the port 0")
    return parts


def _is_ipv6(host: str) -> bool:
    try:
        return ip_address(host).version == 6
    except ValueError:
        return False


def _canonical_host(host: str) -> str:
    if _is_ipv6(host):
        return str(ip_address(host))
    if not host.isascii():
        try:
            hint = f"; write it in its ASCII form, {host.encode('idna').decode()}"
        except UnicodeError:
            hint = ""
        raise ValueError(f"the host name {host!r} is not ASCII{hint}")
    name = host.lower()
    if len(name) > 253 or not all(_LABEL.fullmatch(label) for label in name.split(".")):
        raise ValueError(f"{host!r} is not a host name")
    return name
