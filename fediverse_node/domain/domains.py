"""With which hosts this server has to do, and how much: the one answer that everybody asks for.

Asked before anything is fetched, taken in, delivered, published or shown. A rule for example.com also holds for
a.example.com, unless that one has a rule of its own: the nearest rule counts, as in Mastodon. Names that are let in
where only listed hosts are let in hold to the letter. Does not decide between two people: that is `policy`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from enum import Enum

from fediverse_node.protocol.uris import canonical_host, host_of


class Severity(Enum):
    """What a rule does to a host, in the words of Mastodon's API and of its lists."""

    NOTHING = "noop"  # an exception from a rule for the domain above, or a rule about media and reports alone
    LIMIT = "silence"
    SUSPEND = "suspend"

    @property
    def weight(self) -> int:
        """The larger, the less is left."""
        return _WEIGHTS[self]


_WEIGHTS = {Severity.NOTHING: 0, Severity.LIMIT: 1, Severity.SUSPEND: 2}


@dataclass(frozen=True, slots=True)
class DomainRule:
    """What holds for a domain and all below it. `list_id`: the subscribed list it came from; None: a person made it."""

    domain: str
    severity: Severity = Severity.SUSPEND
    reject_media: bool = False
    reject_reports: bool = False
    obfuscate: bool = False
    public_comment: str = ""
    private_comment: str = ""
    list_id: int | None = None
    created_ms: int = 0

    @property
    def effect(self) -> tuple[Severity, bool, bool]:
        """What it does, without what is said about it."""
        return (self.severity, self.reject_media, self.reject_reports)


@dataclass(frozen=True, slots=True)
class DomainPolicy:
    """All rules together. `allowed` is None unless only listed hosts take part; `own` is never refused."""

    rules: Mapping[str, DomainRule] = field(default_factory=dict)
    allowed: frozenset[str] | None = None
    own: str = ""

    @classmethod
    def of(cls, rules: Iterable[DomainRule], *, allowed: Iterable[str] | None = None, own: str = "") -> DomainPolicy:
        """A policy of these rules."""
        return cls(
            {rule.domain: rule for rule in rules}, None if allowed is None else frozenset(allowed), own=own.lower()
        )

    @classmethod
    def suspending(cls, *domains: str) -> DomainPolicy:
        """A policy that has nothing to do with these, and no other rules."""
        return cls.of(DomainRule(domain) for domain in domains)

    def rule_for(self, host: str) -> DomainRule | None:
        """The nearest rule for a canonical `host[:port]`."""
        if not self.rules:
            return None
        return next((self.rules[name] for name in domains_over(host) if name in self.rules), None)

    def severity_of(self, host: str) -> Severity:
        """What holds for a host; one that is not listed where only listed ones take part is suspended."""
        if host == self.own:
            return Severity.NOTHING
        if self.allowed is not None and host not in self.allowed:
            return Severity.SUSPEND
        rule = self.rule_for(host)
        return Severity.NOTHING if rule is None else rule.severity

    def is_suspended(self, host: str) -> bool:
        """Whether there is nothing between this server and that one, in either direction."""
        if not self.rules and self.allowed is None:
            return False
        return self.severity_of(host) is Severity.SUSPEND

    def is_limited(self, host: str) -> bool:
        """Whether its people are shown only to those who follow them."""
        return bool(self.rules) and self.severity_of(host) is Severity.LIMIT

    def rejects_media(self, host: str) -> bool:
        """Whether pictures, films and emojis of that host are not shown."""
        rule = self.rule_for(host)
        return rule is not None and rule.reject_media

    def rejects_reports(self, host: str) -> bool:
        """Whether nobody here is told of its reports."""
        rule = self.rule_for(host)
        return rule is not None and rule.reject_reports

    def refuses(self, uri: str) -> bool:
        """`is_suspended` for the host of a URI; what has no host is not refused here."""
        if not self.rules and self.allowed is None:
            return False
        host = host_of(uri)
        return host is not None and self.is_suspended(host)


EVERYBODY = DomainPolicy()


def domains_over(host: str) -> Iterator[str]:
    """The names under which a rule for this host may stand, the nearest first: itself, without port, and above."""
    yield host
    name, _, port = host.rpartition(":")
    if name and port.isdigit() and not host.endswith("]"):
        yield name
    else:
        name = host
    if name.endswith("]") or name.replace(".", "").isdigit():  # an address has nothing above it
        return
    while "." in name:
        name = name.partition(".")[2]
        yield name


def parse_domain(text: str) -> str | None:
    """A domain as people and lists write it: `Example.COM.`, `@example.com`, `*.example.com`, an address; or None."""
    text = text.strip().lower()
    if "://" in text:
        return host_of(text)
    text = text.removeprefix("@").removeprefix("*.").rstrip("/")
    return None if "/" in text or "@" in text else canonical_host(text)


def obfuscated(domain: str) -> str:
    """What is shown of a name that shall not be spelled out: its ends and its dots. `exa****.*om` for example.com."""
    shown = len(domain) // 4
    last = len(domain) - shown
    return "".join(
        letter if letter == "." or position <= shown or position >= last else "*"
        for position, letter in enumerate(domain)
    )
