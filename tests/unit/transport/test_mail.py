"""Letters over real sockets to a mail server: how they look, how the way is kept secret, and what its refusals mean."""

from __future__ import annotations

import logging
import ssl
from datetime import UTC, datetime
from pathlib import Path

import pytest
import trustme

from fediverse_node.base.config import Config, configure
from fediverse_node.base.errors import ConfigurationError
from fediverse_node.base.outcome import Fail, TemporaryFail
from fediverse_node.transport.mail import Letter, LogCarrier, MailFault, SmtpCarrier, carrier_of
from tests.inprocess import free_port
from tests.mail_server import MailServer, html_of, mail_server, plain_of

_SITE = {"FEDIVERSE_NODE_BASE_URL": "https://social.example.org", "FEDIVERSE_NODE_TITLE": 'The "Tree", & co'}


def _config(port: int, **mail: str) -> Config:
    given = {"HOST": "localhost", "PORT": str(port), "TLS": "none", **mail}
    return configure({}, {**_SITE, **{f"FEDIVERSE_NODE_MAIL__{name}": value for name, value in given.items()}})


def _letter(to: str = "ann@example.org", *, subject: str = "Grüße") -> Letter:
    return Letter(4711, to, subject, "Hello\n.\nBye\n", "<p>Hello</p>", datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC))


async def _carry(server: MailServer, letter: Letter, **mail: str) -> Fail | TemporaryFail | None:
    return await SmtpCarrier(_config(server.port, **mail)).carry(letter)


async def test_a_letter_arrives_as_it_was_written() -> None:
    async with mail_server() as server:
        assert await _carry(server, _letter(), SENDER="node@example.org") is None
    letter = server.letters[0]
    assert (letter["To"], letter["Subject"]) == ("ann@example.org", "Grüße")
    assert letter["From"].addresses[0].display_name == 'The "Tree", & co'
    assert letter["From"].addresses[0].addr_spec == "node@example.org"
    assert (letter["Message-ID"], letter["Auto-Submitted"]) == ("<4711@social.example.org>", "auto-generated")
    assert letter["Date"].datetime == datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
    assert plain_of(letter).splitlines() == ["Hello", ".", "Bye"]
    assert html_of(letter).strip() == "<p>Hello</p>"
    assert server.signed_in == []


async def test_without_another_address_letters_come_from_one_that_nobody_reads() -> None:
    async with mail_server() as server:
        assert await _carry(server, _letter()) is None
    assert server.letters[0]["From"].addresses[0].addr_spec == "no-reply@social.example.org"


@pytest.mark.parametrize("tls", ["starttls", "implicit"])
async def test_name_and_password_go_through_an_encrypted_connection_alone(tls: str, tmp_path: Path) -> None:
    authority, context = trustme.CA(), ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    authority.issue_cert("localhost").configure_cert(context)
    trusting = ssl.create_default_context()
    authority.configure_trust(trusting)
    async with mail_server(tls=context, implicit=tls == "implicit") as server:
        config = _config(server.port, TLS=tls, USER="node", PASSWORD="pass word")
        assert await SmtpCarrier(config, tls_context=trusting).carry(_letter()) is None
        assert server.signed_in == ["\0node\0pass word"]
        assert server.encrypted == [True]
        # An authority that nobody knows: nothing is sent, and it is tried again.
        refused = await SmtpCarrier(config).carry(_letter())
    assert isinstance(refused, TemporaryFail)
    assert len(server.letters) == len(server.signed_in) == 1


async def test_a_mail_server_that_offers_no_encryption_gets_nothing_where_it_is_asked_for() -> None:
    async with mail_server() as server:
        refused = await _carry(server, _letter(), TLS="starttls", USER="node", PASSWORD="secret")
    assert refused is not None
    assert (server.letters, server.signed_in) == ([], [])


@pytest.mark.parametrize(
    ("verb", "answer", "is_final"),
    [
        ("RCPT", "550 no such mailbox", True),
        ("RCPT", "450 greylisted", False),
        ("RCPT", "452 mailbox full", False),
        (".", "554 spam", True),
        (".", "451 later", False),
        ("MAIL", "550 who are you", False),
        ("EHLO", "421 too busy", False),
    ],
)
async def test_a_letter_is_given_up_only_where_another_try_would_end_the_same(
    verb: str, answer: str, is_final: bool
) -> None:
    async with mail_server() as server:
        # Some are asked again at once in another way.
        server.refusals = {verb: [answer] * 3, "HELO": [answer] * 3 if verb == "EHLO" else []}
        outcome = await _carry(server, _letter())
        server.refusals = {}
        assert await _carry(server, _letter()) is None
    assert isinstance(outcome, Fail if is_final else TemporaryFail), outcome


async def test_a_wrong_password_and_a_mail_server_that_is_away_are_tried_again() -> None:
    assert isinstance(await SmtpCarrier(_config(free_port())).carry(_letter()), TemporaryFail)
    async with mail_server() as server:
        server.refusals = {"AUTH": ["535 wrong"] * 5}
        outcome = await _carry(server, _letter(), USER="node", PASSWORD="wrong")
    assert isinstance(outcome, TemporaryFail)


@pytest.mark.parametrize("to", ["a,b@example.org", "a<b@example.org", "@example.org", "a@", "a b", '"@x'])
async def test_what_is_no_address_is_refused_and_adds_no_addressee(to: str) -> None:
    async with mail_server() as server:
        outcome = await _carry(server, _letter(to))
    assert isinstance(outcome, Fail)
    assert outcome.reason is MailFault.BAD_ADDRESS
    assert server.recipients == []


async def test_a_host_in_other_letters_is_written_in_ascii() -> None:
    async with mail_server() as server:
        assert await _carry(server, _letter("ann@bücher.example")) is None
    assert server.recipients == ["TO:<ann@xn--bcher-kva.example>"]


async def test_without_a_mail_server_letters_are_written_into_the_log(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    carrier = carrier_of(configure({}, _SITE))
    assert isinstance(carrier, LogCarrier)
    assert await carrier.carry(_letter("ann@example.org", subject="Hi")) is None
    assert "mail.printed to=ann@example.org subject=Hi" in caplog.text
    assert "  | Bye" in caplog.text


@pytest.mark.parametrize(
    ("mail", "word"),
    [
        ({"HOST": "mail.example", "USER": "x"}, "belong together"),
        ({"HOST": "mail.example", "TLS": "none", "USER": "x", "PASSWORD": "y"}, "for everybody to read"),
        ({"SENDER": "x@example.org"}, "without a mail server"),
        ({"HOST": "mail.example", "TLS": "perhaps"}, "starttls"),
        ({"HOST": "mail.example", "PORT": "0"}, "whole number"),
        ({"HOST": "mail.example", "SENDER": "nobody"}, "not an e-mail address"),
    ],
)
def test_settings_that_cannot_be_are_refused_with_the_cause(mail: dict[str, str], word: str) -> None:
    with pytest.raises(ConfigurationError, match=word):
        configure({}, {**_SITE, **{f"FEDIVERSE_NODE_MAIL__{name}": value for name, value in mail.items()}})


def test_the_password_is_not_shown() -> None:
    assert "pass word" not in repr(_config(587, USER="x", PASSWORD="pass word"))
