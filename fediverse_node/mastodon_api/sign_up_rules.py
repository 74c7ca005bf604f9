"""Who may sign up: what moderators said about networks, hosts of e-mail addresses, and single mailboxes."""

from __future__ import annotations

from dataclasses import dataclass

from fediverse_node.domain.addresses import Severity, pack
from fediverse_node.domain.mailboxes import mail_domains_of, mailbox_hash
from fediverse_node.mastodon_api.routing import SURFACE, Call
from fediverse_node.storage.queries.address_rules import DOMAINS_AMONG, MAILBOX, note_try


@dataclass(frozen=True, slots=True)
class SignUp:
    """What holds for somebody who wants to sign up."""

    is_refused_by_address: bool = False
    is_refused_by_email: bool = False
    has_to_ask: bool = False


async def load_sign_up(call: Call, email: str) -> SignUp:
    """What holds for whoever calls, with this e-mail address. A try with a blocked host is counted."""
    context = call.context
    severity = await call.request.app[SURFACE].gate.severity(call.address)
    domains = mail_domains_of(email)
    blocks = await context.database.fetch(DOMAINS_AMONG, domains=domains) if domains else []
    if blocks:
        ids, now_ms = [row["id"] for row in blocks], context.world.clock.now_ms()
        await context.writer.run(lambda: note_try(ids, pack(call.address) or "", now_ms))
    mailbox = await context.database.fetch_one(MAILBOX, hash=mailbox_hash(email)) if email else None
    return SignUp(
        is_refused_by_address=severity in (Severity.NO_SIGN_UP, Severity.NO_ACCESS),
        is_refused_by_email=mailbox is not None or any(not row["allow_with_approval"] for row in blocks),
        has_to_ask=severity is Severity.ASK or bool(blocks),
    )
