"""Confirming an e-mail address: the letter again, and whether it was done.  spec: mastodon-client-api#emails

Where there is no mail server addresses count as confirmed, so there is nothing to send again.
"""

from __future__ import annotations

from aiohttp import web

from fediverse_node.base.outcome import Fail
from fediverse_node.mastodon_api.errors import ApiError
from fediverse_node.mastodon_api.limits import LETTERS_BY_ACCOUNT
from fediverse_node.mastodon_api.mail_desks import mail_desk_of
from fediverse_node.mastodon_api.routing import Call, Routes
from fediverse_node.mastodon_api.sign_up_rules import load_sign_up
from fediverse_node.storage.queries.mailing import ADDRESSEE, Row

routes = Routes()


@routes.post("/api/v1/emails/confirmations", scope="write:accounts", any_standing=True)
async def send_again(call: Call) -> web.Response:
    """Send the letter with the link again, to another address if `email` says so."""
    row = await _person(call)
    if row["confirmed_ms"] is not None:
        raise ApiError(403, "This method is only available while the e-mail is awaiting confirmation")
    if row["app_id"] is None or call.viewer.app_id != row["app_id"]:
        # Another app shall not move an account that nobody has confirmed to another address.
        raise ApiError(403, "This method is only available to the application the user originally signed-up with")
    call.take(LETTERS_BY_ACCOUNT)
    email = (call.params.text("email") or "").strip() or None
    if email is not None and (await load_sign_up(call, email)).is_refused_by_email:
        raise ApiError(422, "Validation failed: E-mail uses a disallowed e-mail provider")
    refusal = await mail_desk_of(call.context).confirm_again(row["user_id"], email)
    if isinstance(refusal, Fail):
        raise ApiError(422, f"Validation failed: {refusal.reason.sentence}")
    return call.json({})


@routes.get("/api/v1/emails/check_confirmation", scope="read:accounts", any_standing=True)
async def check(call: Call) -> web.Response:
    """Whether the person's address is confirmed; apps ask this while they wait."""
    return call.json((await _person(call))["confirmed_ms"] is not None)


async def _person(call: Call) -> Row:
    row = await call.context.database.fetch_one(ADDRESSEE, user_id=call.viewer.user_id)
    if row is None or row["disabled_ms"] is not None:
        raise ApiError(403, "Your login is currently disabled")
    return row
