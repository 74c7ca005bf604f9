"""The configuration: one tree of frozen dataclasses, read from `fediverse-node.toml` and `FEDIVERSE_NODE_*` variables.

Variables win over the file. A key that nobody knows refuses the start and names the nearest known one, and every
problem is reported at once. Reading values one by one is in config_values.py, documentation in config_docs.py.
"""

from __future__ import annotations

import tomllib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, fields
from difflib import get_close_matches
from ipaddress import ip_network
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import urlsplit

from fediverse_node.base.config_values import (
    Audience,
    Listen,
    LogLevel,
    MailTls,
    Network,
    Registration,
    choice_of,
    is_ip_address,
    is_loopback_host,
    number_between,
    parse_base_url,
    parse_bool,
    parse_database_url,
    parse_directory,
    parse_document,
    parse_email,
    parse_listen,
    parse_networks,
    parse_text,
    parse_title,
)
from fediverse_node.base.errors import ConfigurationError

PREFIX = "FEDIVERSE_NODE_"
FILE_VARIABLE = f"{PREFIX}CONFIG"
DEFAULT_FILE = Path("fediverse-node.toml")
_T = TypeVar("_T")


def _setting(
    default: _T,
    parse: Callable[[object], _T],
    *,
    doc: str,
    unit: str,
    since: str = "0.1",
    derived: str = "",
    secret: bool = False,
) -> _T:
    """A field of the tree. `derived` says in words what the default is when other settings decide it."""
    metadata = {"parse": parse, "doc": doc, "unit": unit, "since": since, "derived": derived}
    return field(default=default, metadata=metadata, repr=not secret)


@dataclass(frozen=True, slots=True, kw_only=True)
class Posts:
    """What people may write."""

    max_characters: int = _setting(
        5000,
        number_between(1, 100_000),
        doc="The longest post that members can write. Posts that arrive from other servers may be longer.",
        unit="characters",
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Media:
    """What people may upload."""

    max_upload_bytes: int = _setting(
        16 * 1024 * 1024,
        number_between(1024, 1024**3),
        doc="The largest file that members can upload. A reverse proxy must let bodies of this size through.",
        unit="bytes",
    )
    max_image_pixels: int = _setting(
        33_177_600,
        number_between(1, 2**28),
        doc="The largest picture that is decoded, width times height. Guards against small files that unpack to huge"
        " pictures.",
        unit="pixels",
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Mail:
    """How e-mail leaves."""

    host: str = _setting(
        "",
        parse_text,
        doc="The mail server (SMTP) that takes e-mail from this one. Without it letters are written to the log, and"
        " nobody has to confirm an address.",
        unit="host name",
    )
    port: int = _setting(
        587, number_between(1, 65_535), doc="The port of the mail server: 587, or 465 with tls implicit.", unit="number"
    )
    tls: MailTls = _setting(
        MailTls.STARTTLS,
        choice_of(MailTls),
        doc="How the connection is encrypted: after it is open (starttls), from its beginning (implicit), not at all"
        " (none, only for a mail server on this machine or network).",
        unit="starttls, implicit or none",
    )
    user: str = _setting("", parse_text, doc="The name to sign in with; empty if none is asked for.", unit="text")
    password: str = _setting("", parse_text, doc="The password that belongs to it.", unit="text", secret=True)
    sender: str = _setting(
        "",
        parse_email,
        doc="The address that letters come from.",
        unit="e-mail address",
        derived="no-reply at the host of base_url",
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Config:
    """Everything that can be configured. Made by `load` or `configure`, which check the rules between settings."""

    base_url: str = _setting(
        "http://localhost:8420",
        parse_base_url,
        doc="The address under which everybody reaches this server. It becomes part of every handle and id, so it"
        " cannot be changed once others have seen it. Outside development it is https, without a port.",
        unit="URL",
        derived="http://localhost with the port of listen",
    )
    listen: Listen = _setting(
        Listen("127.0.0.1", 8420),
        parse_listen,
        doc="Where the server accepts connections. Behind a reverse proxy on the same machine, leave it as it is.",
        unit="host:port, IPv6 in brackets",
    )
    data_dir: Path = _setting(
        Path("data"),
        parse_directory,
        doc="The directory for the database and uploaded files. Back it up.",
        unit="path, relative to where the server is started",
    )
    database_url: str = _setting(
        "sqlite:///data/node.db",
        parse_database_url,
        doc="The database: `sqlite:///file` or `postgresql://user:password@host/database`.",
        unit="URL",
        derived="SQLite, in the file node.db in data_dir",
        secret=True,
    )
    development: bool = _setting(
        True,
        parse_bool,
        doc="Allows plain http, peers on loopback addresses and host names with a port. Only for trying things out:"
        " it is refused when listen is a public address.",
        unit="true or false",
        derived="true when base_url is plain http on a loopback address, else false",
    )
    title: str = _setting("Fediverse Node", parse_title, doc="The name of this server, as people see it.", unit="text")
    description: str = _setting(
        "", parse_text, doc="What this server is for, in a sentence or two. Shown to people and apps.", unit="text"
    )
    contact_email: str = _setting(
        "", parse_email, doc="Where people reach whoever runs this server. Shown publicly.", unit="e-mail address"
    )
    privacy_policy: str = _setting(
        "",
        parse_document,
        doc="A file in data_dir that says what becomes of people's data, in Markdown or HTML: `privacy.md`. Without one"
        " apps are told that there is none.",
        unit="file name, relative to data_dir",
    )
    terms_of_service: str = _setting(
        "",
        parse_document,
        doc="A file in data_dir with the terms of service, in Markdown or HTML; or a folder there with all versions,"
        " each named by the day from which on it counts: `2026-01-01.md`.",
        unit="file or folder name, relative to data_dir",
    )
    registration: Registration = _setting(
        Registration.CLOSED,
        choice_of(Registration),
        doc="Who can make an account: nobody (closed), people with an invitation (invite), people whom an"
        " administrator approves (approval), everybody (open).",
        unit="closed, invite, approval or open",
    )
    rate_limits: bool = _setting(
        True,
        parse_bool,
        doc="Limits how often one address or account may ask. Turn it off only to measure.",
        unit="true or false",
    )
    trusted_proxies: tuple[Network, ...] = _setting(
        (ip_network("127.0.0.0/8"), ip_network("::1/128")),
        parse_networks,
        doc="Reverse proxies whose X-Forwarded-For is believed. Everybody else's is ignored.",
        unit="IP addresses or networks",
    )
    link_previews: bool = _setting(
        True,
        parse_bool,
        doc="Shows a card with title and text of the page that a public post links to. This server asks the page once;"
        " readers do not. Turned off, no page is asked.",
        unit="true or false",
    )
    authorized_fetch: bool = _setting(
        False,
        parse_bool,
        doc="Shows ActivityPub documents only to servers that sign their requests, so that blocked ones get nothing."
        " Pages for people stay open. What is not public is always shown only to those whom it is for.",
        unit="true or false",
    )
    allow_list: bool = _setting(
        False,
        parse_bool,
        doc="Federates only with hosts that were let in with `fediverse-node domain allow`, in both directions. Also"
        " turns authorized_fetch on.",
        unit="true or false",
    )
    show_domain_blocks: Audience = _setting(
        Audience.EVERYBODY,
        choice_of(Audience),
        doc="Who can read which hosts this server keeps out or quiet: nobody, people who are signed in (users),"
        " everybody.",
        unit="nobody, users or everybody",
    )
    log_level: LogLevel = _setting(
        LogLevel.INFO,
        choice_of(LogLevel),
        doc="The least serious lines that are logged.",
        unit="debug, info, warning or error",
    )
    posts: Posts = field(default_factory=Posts)
    media: Media = field(default_factory=Media)
    mail: Mail = field(default_factory=Mail)

    @property
    def origin(self) -> str:
        """Scheme and host, as ids begin: `https://social.example.org`."""
        return self.base_url

    @property
    def scheme(self) -> str:
        """`https`, or `http` in development."""
        return self.base_url.partition("://")[0]

    @property
    def host(self) -> str:
        """What stands after the last @ of a handle: `social.example.org`, in development `localhost:8420`."""
        return self.base_url.partition("://")[2]

    @property
    def is_sqlite(self) -> bool:
        return self.database_url.startswith("sqlite:")

    @property
    def sqlite_path(self) -> Path | None:
        """The database file, or None on PostgreSQL."""
        return Path(self.database_url.removeprefix("sqlite:///")) if self.is_sqlite else None

    @property
    def wants_signatures(self) -> bool:
        """Whether ActivityPub documents are shown to those alone who sign their requests."""
        return self.authorized_fetch or self.allow_list

    @property
    def sends_mail(self) -> bool:
        """Whether there is a mail server, so that people can be asked to confirm their addresses."""
        return bool(self.mail.host)

    @property
    def mail_sender(self) -> str:
        """The address that letters come from."""
        return self.mail.sender or f"no-reply@{urlsplit(self.base_url).hostname}"

    @property
    def media_dir(self) -> Path:
        """The directory of uploaded and cached files."""
        return self.data_dir / "media"


@dataclass(frozen=True, slots=True)
class Setting:
    """One leaf of the tree, by its names. `section` is empty at the top."""

    section: str
    name: str
    default: object
    metadata: Mapping[str, Any]

    @property
    def key(self) -> str:
        """The name in the file: `title`, `media.max_upload_bytes`."""
        return f"{self.section}.{self.name}" if self.section else self.name

    @property
    def variable(self) -> str:
        """The name in the environment: a section is set off by two underscores."""
        return PREFIX + self.key.replace(".", "__").upper()


SECTIONS: dict[str, type[Posts | Media | Mail]] = {"posts": Posts, "media": Media, "mail": Mail}


def settings() -> Iterator[Setting]:
    """All leaves of the tree, in the order of the documentation."""
    for section, kind in {"": Config, **SECTIONS}.items():
        for leaf in fields(kind):
            if leaf.metadata:
                yield Setting(section, leaf.name, leaf.default, leaf.metadata)


def load(environ: Mapping[str, str], path: Path | None = None) -> Config:
    """The configuration of this process, from the file at `path` and the variables in `environ`.

    Without `path` the file is the one that FEDIVERSE_NODE_CONFIG names, or ./fediverse-node.toml, which may be absent.
    Raises ConfigurationError with every problem at once.
    """
    named = path or (Path(environ[FILE_VARIABLE]) if environ.get(FILE_VARIABLE) else None)
    file = named or DEFAULT_FILE
    try:
        document = tomllib.loads(file.read_text(encoding="utf-8"))
    except FileNotFoundError:
        if named:
            raise ConfigurationError(f"The configuration file {file} does not exist.") from None
        document = {}
    except OSError as wrong:
        raise ConfigurationError(f"The configuration file {file} cannot be read: {wrong.strerror}.") from None
    except ValueError as wrong:  # not TOML, or not UTF-8
        raise ConfigurationError(f"The configuration file {file} is not TOML: {wrong}.") from None
    return configure(document, environ, file_name=file.name)


def configure(
    document: Mapping[str, object], environ: Mapping[str, str], *, file_name: str = DEFAULT_FILE.name
) -> Config:
    """The configuration made of a TOML document and variables; reads nothing itself.

    Raises ConfigurationError with every problem at once.
    """
    known = {setting.key: setting for setting in settings()}
    problems: list[str] = []
    given = _from_document(document, known, file_name, problems)
    given |= _from_environ(environ, known, problems)
    values: dict[str, Any] = {}
    for key, (place, raw) in given.items():
        try:
            values[key] = known[key].metadata["parse"](raw)
        except ValueError as wrong:
            problems.append(f"{place}: {wrong}.")
    config = _build(values)
    # Rules between settings would only repeat a problem with one of them.
    unread = given.keys() - values.keys()
    problems += [] if unread & {"base_url", "listen", "development"} else _conflicts(config)
    problems += [] if any(key.startswith("mail.") for key in unread) else _mail_conflicts(config.mail)
    if problems:
        lines = "\n".join(f"  - {problem}" for problem in problems)
        raise ConfigurationError(f"The configuration cannot be used:\n{lines}")
    return config


_Given = dict[str, tuple[str, object]]


def _from_document(
    document: Mapping[str, object], known: Mapping[str, Setting], file_name: str, problems: list[str]
) -> _Given:
    given: _Given = {}
    flat: dict[str, object] = {}
    for key, value in document.items():
        if key in SECTIONS and isinstance(value, Mapping):
            flat |= {f"{key}.{name}": inner for name, inner in value.items()}
        else:
            flat[key] = value
    for key, value in flat.items():
        if key in known:
            given[key] = (f"{file_name}: {key}", value)
        elif key in SECTIONS:
            problems.append(f"{file_name}: {key} is a section: write it as [{key}] with its settings below.")
        else:
            problems.append(f"{file_name}: there is no setting {key!r}.{_nearest(key, known)}")
    return given


def _from_environ(environ: Mapping[str, str], known: Mapping[str, Setting], problems: list[str]) -> _Given:
    by_variable = {setting.variable: setting for setting in known.values()}
    given: _Given = {}
    for variable in sorted(environ):
        if not variable.startswith(PREFIX) or variable == FILE_VARIABLE:
            continue
        if variable in by_variable:
            given[by_variable[variable].key] = (variable, environ[variable])
        else:
            problems.append(f"{variable}: there is no such variable.{_nearest(variable, by_variable)}")
    return given


def _nearest(name: str, known: Mapping[str, Setting]) -> str:
    """A hint at what was probably meant, from spelling alone; empty where nothing is near."""
    nearest = get_close_matches(name.lower(), [key.lower() for key in known], n=1, cutoff=0.6)
    return f" Did you mean {next(key for key in known if key.lower() == nearest[0])}?" if nearest else ""


def _build(values: Mapping[str, Any]) -> Config:
    top = {key: value for key, value in values.items() if "." not in key}
    parts: dict[str, Any] = {
        section: kind(
            **{key.removeprefix(f"{section}."): v for key, v in values.items() if key.startswith(f"{section}.")}
        )
        for section, kind in SECTIONS.items()
    }
    listen: Listen = top.get("listen", Config().listen)
    top.setdefault("base_url", f"http://localhost:{listen.port}")
    top.setdefault("database_url", f"sqlite:///{top.get('data_dir', Config().data_dir) / 'node.db'}")
    url = urlsplit(top["base_url"])
    top.setdefault("development", url.scheme == "http" and is_loopback_host(url.hostname or ""))
    return Config(**top, **parts)


def _conflicts(config: Config) -> Iterator[str]:
    """What the settings cannot be together, with what to do about it."""
    url = urlsplit(config.base_url)
    host = url.hostname or ""
    if config.development:
        if config.listen.is_public:
            yield (
                f"listen: {config.listen} is a public address, and development mode is on. Strangers could use it to"
                " reach services on this machine. For a public server set base_url to its https:// address;"
                " to try things out, listen on 127.0.0.1."
            )
        return
    remedy = " Set base_url to an address like https://social.example.org, or development = true to try things out."
    if is_ip_address(host) or is_loopback_host(host):
        yield f"base_url: {host} is not a name that other servers can find.{remedy}"
    if url.scheme != "https":
        yield f"base_url: {config.base_url} is plain http, which other servers refuse.{remedy}"
    if url.port is not None:
        yield f"base_url: other servers do not accept the port {url.port} in handles.{remedy}"


def _mail_conflicts(mail: Mail) -> Iterator[str]:
    if bool(mail.user) != bool(mail.password):
        yield "mail: user and password belong together; set both or neither."
    if mail.password and mail.tls is MailTls.NONE and not is_loopback_host(mail.host):
        yield f"mail.tls: the password would go to {mail.host} for everybody to read. Use starttls or implicit."
    if not mail.host and (mail.user or mail.sender):
        yield "mail.host: without a mail server nothing is sent. Set it, or leave the other settings of mail out."
