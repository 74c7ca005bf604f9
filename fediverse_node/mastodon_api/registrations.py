"""People sign up through an app.  spec: mastodon-client-api#accounts-create"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from aiohttp import web

from fediverse_node.base import config_values
from fediverse_node.base.outcome import Fail, Reason
from fediverse_node.domain.addresses import pack
from fediverse_node.mastodon_api.errors import ApiError, not_allowed
from fediverse_node.mastodon_api.limits import SIGN_UP
from fediverse_node.mastodon_api.mail_desks import mail_desk_of
from fediverse_node.mastodon_api.routing import Call, Routes
from fediverse_node.mastodon_api.sign_up_rules import load_sign_up
from fediverse_node.mastodon_api.tokens import issue_token
from fediverse_node.outbox.passwords import is_acceptable
from fediverse_node.outbox.registration import RegistrationFault
from fediverse_node.storage.queries.address_rules import note_presence

routes = Routes()

_LONGEST_REASON = 2000
# Fault -> parameter, Mastodon's code.
_FAULTS: Mapping[Reason, tuple[str, str]] = {
    RegistrationFault.BAD_NAME: ("username", "ERR_INVALID"),
    RegistrationFault.RESERVED: ("username", "ERR_RESERVED"),
    RegistrationFault.TAKEN: ("username", "ERR_TAKEN"),
    RegistrationFault.BAD_EMAIL: ("email", "ERR_INVALID"),
    RegistrationFault.EMAIL_TAKEN: ("email", "ERR_TAKEN"),
    RegistrationFault.SHORT_PASSWORD: ("password", "ERR_TOO_SHORT"),
    RegistrationFault.INVITE_OVER: ("invite_code", "ERR_INVALID"),
}


@routes.post("/api/v1/accounts", scope="write:accounts", app=True)
async def create(call: Call) -> web.Response:
    """A new account, where this server takes people. The app gets a token for it."""
    context, params = call.context, call.params
    policy, invite_code = context.config.registration, params.text("invite_code", "").strip() or None
    is_open = policy in (config_values.Registration.OPEN, config_values.Registration.APPROVAL)
    if call.token.is_user or not (is_open or (policy is config_values.Registration.INVITE and invite_code)):
        raise not_allowed()
    # Whoever is invited is known to somebody here.
    needs_approval = policy is config_values.Registration.APPROVAL and invite_code is None
    faults = _faults(call, needs_approval=needs_approval)
    if faults:
        raise _refusal(faults)
    call.take(SIGN_UP)
    rules = await load_sign_up(call, params.text("email", "").strip())
    if rules.is_refused_by_address:
        raise not_allowed()
    if rules.is_refused_by_email:
        raise _refusal({"email": [{"error": "ERR_BLOCKED", "description": "uses a disallowed e-mail provider"}]})
    username, email = params.text("username", "").strip(), params.text("email", "").strip()
    is_asked = context.config.sends_mail
    desk = mail_desk_of(context)
    made = await context.registration.create(
        username,
        email,
        password=params.text("password", ""),
        approved=not (needs_approval or rules.has_to_ask),
        invite_request=params.text("reason", "").strip(),
        locale=params.text("locale", "")[:20],
        app_id=call.token.app_id,
        invite_code=invite_code,
        # Without a mail server nobody could ever confirm: the token works at once.
        confirmed=not is_asked,
        and_then=desk.confirmation(username, email) if is_asked else None,
    )
    if isinstance(made, Fail):
        field, code = _FAULTS.get(made.reason, ("base", "ERR_INVALID"))
        raise _refusal({field: [{"error": code, "description": made.reason.sentence}]})
    desk.posted()
    if not is_asked:  # otherwise moderators hear of it when the address is confirmed
        await desk.tell_staff(made.user_id)
    address, now_ms = pack(call.address), context.world.clock.now_ms()
    await context.writer.run(lambda: note_presence(made.user_id, address, now_ms))
    token = call.token
    scopes = " ".join(sorted(token.scopes))
    return call.json(await issue_token(call, app_id=token.app_id, user_id=made.user_id, scopes=scopes))


def _faults(call: Call, *, needs_approval: bool) -> dict[str, Any]:
    params = call.params
    faults: dict[str, Any] = {}
    for name in ("username", "email", "password"):
        if not params.text(name, "").strip():
            faults[name] = [{"error": "ERR_BLANK", "description": "can't be blank"}]
    if "password" not in faults and not is_acceptable(params.text("password", "")):
        faults["password"] = [{"error": "ERR_TOO_SHORT", "description": "must have 8 to 512 characters"}]
    if not params.flag("agreement", False):
        faults["agreement"] = [{"error": "ERR_ACCEPTED", "description": "must be accepted"}]
    reason = params.text("reason", "").strip()
    if needs_approval and not reason:
        faults["reason"] = [{"error": "ERR_BLANK", "description": "can't be blank"}]
    if len(reason) > _LONGEST_REASON:
        faults["reason"] = [{"error": "ERR_TOO_LONG", "description": f"at most {_LONGEST_REASON} characters"}]
    return faults


def _refusal(details: dict[str, Any]) -> ApiError:
    words = ", ".join(f"{name.capitalize()} {faults[0]['description']}" for name, faults in details.items())
    return ApiError(422, f"Validation failed: {words}", details=details)
