"""E-mail addresses as far as a server decides by them: which mailbox one means, and which hosts are over its own.

Dots and `+…` before the @ lead to the same mailbox at the large providers, and so they do here, as in Mastodon, whose
hashes of blocked mailboxes can thereby be taken over.
"""

from __future__ import annotations

import hashlib
import re

from fediverse_node.protocol.uris import canonical_host

_HASH = re.compile(r"[0-9a-f]{64}")


def canonical_mailbox(email: str) -> str:
    """The address without the tricks: `First.Last+shop@Example.com` is `firstlast@example.com`."""
    name, at, host = email.strip().lower().partition("@")
    if not at:
        return name
    return f"{name.replace('.', '').partition('+')[0]}@{host}"


def mailbox_hash(email: str) -> str:
    """What is stored of a blocked mailbox, in hex: a list of them tells nobody the addresses."""
    return hashlib.sha256(canonical_mailbox(email).encode(errors="replace")).hexdigest()


def parse_mailbox_hash(text: str) -> str | None:
    """A hash of that kind, or None."""
    text = text.strip().lower()
    return text if _HASH.fullmatch(text) else None


def parse_mail_domain(text: str) -> str | None:
    """A host of addresses as moderators write it: `Example.com`, `@example.com`, or a whole address; or None."""
    host = canonical_host(text.strip().lower().rpartition("@")[2])
    return host if host is not None and "." in host and ":" not in host else None


def mail_domains_of(email: str) -> list[str]:
    """The host of an address and all above it, the nearest first; empty if there is none."""
    host = email.rpartition("@")[2].strip().lower().rstrip(".")
    canonical = canonical_host(host) or host
    labels = canonical.split(".")
    return [".".join(labels[start:]) for start in range(len(labels))] if canonical else []
