"""E-mail leaves here: to the operator's mail server by SMTP, or into the log where there is none.

spec: rfc5321, rfc3207, rfc8314, rfc5322, rfc3834#5
The mail server is named by the operator and not by strangers, so its address is not checked as other servers' are.
Deliberately absent: finding the mail servers of addressees, signing (DKIM is the mail server's), and incoming mail.
"""

from __future__ import annotations

import asyncio
import logging
import ssl
from dataclasses import dataclass
from datetime import datetime
from email.errors import MessageError
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime
from typing import Protocol

import aiosmtplib
import idna

from fediverse_node.base.config import Config
from fediverse_node.base.config_values import MailTls
from fediverse_node.base.log import event
from fediverse_node.base.outcome import Fail, Reason, TemporaryFail

log = logging.getLogger(__name__)

_TIMEOUT_S = 30.0
WHOLE_TIMEOUT_S = 90.0
# spec: rfc5321#4.2.3 - what says that this mailbox, and not the connection, is wrong.
_NO_MAILBOX = frozenset((550, 551, 553, 554, 556))


class MailFault(Reason):
    """Why a letter did not leave."""

    BAD_ADDRESS = "nothing can be sent to such an address"
    REFUSED = "the mail server does not take the letter"
    NOT_NOW = "the mail server takes nothing at the moment"
    UNREACHABLE = "the mail server does not answer"


@dataclass(frozen=True, slots=True)
class Letter:
    """A letter to one person. `number` is ours and becomes the Message-ID: the same letter twice is one."""

    number: int
    to_address: str
    subject: str
    plain: str
    html: str
    written: datetime


class Carrier(Protocol):
    """Takes letters away."""

    async def carry(self, letter: Letter) -> Fail | TemporaryFail | None:
        """None when it is on its way; then somebody else answers for it."""
        ...


class LogCarrier:
    """Writes letters into the log, for whoever runs the server to pass on."""

    async def carry(self, letter: Letter) -> Fail | TemporaryFail | None:
        """Always well."""
        event(log, "mail.printed", to=letter.to_address, subject=letter.subject)
        for line in letter.plain.splitlines():
            log.info("  | %s", line if line.isprintable() else ascii(line))
        return None


class SmtpCarrier:
    """Gives letters to the mail server, one connection each."""

    def __init__(self, config: Config, *, tls_context: ssl.SSLContext | None = None) -> None:
        """`tls_context`: other authorities than the machine's."""
        self._config = config
        self._tls_context = tls_context

    async def carry(self, letter: Letter) -> Fail | TemporaryFail | None:
        """Fail only where another try would end the same: at this mailbox."""
        mail = self._config.mail
        message = compose(letter, self._config)
        if isinstance(message, Fail):
            return message
        try:
            async with asyncio.timeout(WHOLE_TIMEOUT_S):
                await aiosmtplib.send(
                    message,
                    hostname=mail.host,
                    port=mail.port,
                    username=mail.user or None,
                    password=mail.password or None,
                    use_tls=mail.tls is MailTls.IMPLICIT,
                    start_tls=mail.tls is MailTls.STARTTLS,
                    tls_context=self._tls_context,
                    local_hostname=self._config.host.partition(":")[0],
                    timeout=_TIMEOUT_S,
                )
        except (aiosmtplib.SMTPException, OSError, ValueError) as error:
            return _outcome_of(error)
        return None


def carrier_of(config: Config) -> Carrier:
    """What the settings ask for."""
    return SmtpCarrier(config) if config.sends_mail else LogCarrier()


def compose(letter: Letter, config: Config) -> EmailMessage | Fail:
    """The letter as it goes over the wire, plain text first."""
    message = EmailMessage(policy=SMTP)
    try:
        message["From"] = Address(config.title, addr_spec=_with_ascii_host(config.mail_sender))
        message["To"] = Address(addr_spec=_with_ascii_host(letter.to_address))
        message["Subject"] = letter.subject
    except (MessageError, ValueError, IndexError, AttributeError) as error:  # the parser of addresses fails in each way
        return Fail(MailFault.BAD_ADDRESS, str(error)[:200])
    message["Date"] = format_datetime(letter.written)
    message["Message-ID"] = f"<{letter.number}@{config.host.partition(':')[0]}>"
    message["Auto-Submitted"] = "auto-generated"
    message.set_content(letter.plain)
    message.add_alternative(letter.html, subtype="html")
    return message


def _with_ascii_host(address: str) -> str:
    local, _, host = address.rpartition("@")
    try:
        return address if host.isascii() else f"{local}@{idna.encode(host, uts46=True).decode()}"
    except idna.IDNAError as error:
        raise ValueError(str(error)) from None


def _outcome_of(error: Exception) -> Fail | TemporaryFail:
    """Whatever is wrong with the mail server, or with how it is set up, may be mended: letters wait for that."""
    if isinstance(error, aiosmtplib.SMTPRecipientsRefused):
        detail = "; ".join(f"{refusal.code} {refusal.message}" for refusal in error.recipients)[:200]
        if all(refusal.code in _NO_MAILBOX for refusal in error.recipients):
            return Fail(MailFault.BAD_ADDRESS, detail)
        return TemporaryFail(MailFault.NOT_NOW, detail)
    if isinstance(error, aiosmtplib.SMTPDataError) and error.code >= 500:
        return Fail(MailFault.REFUSED, f"{error.code} {error.message}"[:200])
    if isinstance(error, aiosmtplib.SMTPNotSupported):  # an address in letters that this mail server does not know
        return Fail(MailFault.BAD_ADDRESS, str(error)[:200])
    if isinstance(error, aiosmtplib.SMTPResponseException):
        return TemporaryFail(MailFault.NOT_NOW, f"{error.code} {error.message}"[:200])
    return TemporaryFail(MailFault.UNREACHABLE, f"{type(error).__name__}: {error}"[:200])
