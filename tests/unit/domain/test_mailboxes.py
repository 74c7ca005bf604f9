"""E-mail addresses as far as rules go by them."""

from __future__ import annotations

import pytest

from fediverse_node.domain.mailboxes import (
    canonical_mailbox,
    mail_domains_of,
    mailbox_hash,
    parse_mail_domain,
    parse_mailbox_hash,
)


@pytest.mark.parametrize(
    "spelling", ["test@example.com", "TEST@Example.com", "t.e.s.t@example.com", "te.st+shop+2@example.com"]
)
def test_one_mailbox_has_many_spellings_and_one_hash(spelling: str) -> None:
    assert canonical_mailbox(spelling) == "test@example.com"
    # As in the documentation of Mastodon's API.
    assert mailbox_hash(spelling) == "973dfe463ec85785f5f95af5ba3906eedb2d931c24e69824a89ea65dba4e813b"


def test_what_has_no_host_is_taken_as_it_is() -> None:
    assert canonical_mailbox(" Somebody ") == "somebody"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Example.com", "example.com"),
        ("@example.com", "example.com"),
        ("somebody@mail.example.com", "mail.example.com"),
        ("localhost", None),
        ("example.com:25", None),
        ("", None),
        ("a b", None),
    ],
)
def test_hosts_of_addresses_are_read_as_people_write_them(text: str, expected: str | None) -> None:
    assert parse_mail_domain(text) == expected


def test_a_rule_holds_for_all_hosts_below() -> None:
    assert mail_domains_of("a@mx.mail.example") == ["mx.mail.example", "mail.example", "example"]
    assert mail_domains_of("nobody") == ["nobody"]
    assert mail_domains_of("a@") == []


def test_a_hash_is_64_hex_digits() -> None:
    assert parse_mailbox_hash("AB" * 32) == "ab" * 32
    assert parse_mailbox_hash("ab") is None
