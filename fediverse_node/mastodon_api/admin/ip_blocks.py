"""Networks from which people may not sign up, or may not come at all.  spec: mastodon-client-api#admin-ip_blocks"""

from __future__ import annotations

from typing import Any

from aiohttp import web

from fediverse_node.domain.addresses import AddressRule, Severity, is_everybody, parse_network, range_of, severity_for
from fediverse_node.domain.roles import Permission
from fediverse_node.mastodon_api.admin.permissions import moderation_of, needs
from fediverse_node.mastodon_api.admin.rule_lists import drop_rule, insert_rule, load_page, require_rule
from fediverse_node.mastodon_api.entities.admin_rules import render_ip_block
from fediverse_node.mastodon_api.errors import invalid
from fediverse_node.mastodon_api.routing import SURFACE, Call, Routes
from fediverse_node.storage.queries.address_rules import NETWORK, NETWORKS, change_network
from fediverse_node.storage.queries.moderation import note_act
from fediverse_node.storage.unit import Unit

routes = Routes()

_READ, _WRITE = "admin:read:ip_blocks", "admin:write:ip_blocks"
_KIND = "ip_block"
_LONGEST_COMMENT = 2000
_LONGEST_S = 100 * 365 * 86_400


@routes.get("/api/v1/admin/ip_blocks", scope=_READ)
@needs(Permission.MANAGE_BLOCKS)
async def show_all(call: Call) -> web.Response:
    """All of them, the newest first."""
    rows, answer = await load_page(call, NETWORKS)
    return answer([render_ip_block(row) for row in rows])


@routes.get("/api/v1/admin/ip_blocks/{id}", scope=_READ)
@needs(Permission.MANAGE_BLOCKS)
async def show(call: Call) -> web.Response:
    """One of them."""
    return call.json(render_ip_block(await require_rule(call, NETWORKS)))


@routes.post("/api/v1/admin/ip_blocks", scope=_WRITE)
@needs(Permission.MANAGE_BLOCKS)
async def create(call: Call) -> web.Response:
    """A new one; it holds when this is answered, in other processes half a minute later."""
    world = call.context.world
    row = {"id": world.ids.next(), **_values(call, None), "created_ms": world.clock.now_ms()}
    if not await insert_rule(call, NETWORKS, _KIND, row, row["network"]):
        raise invalid("Ip has already been taken")
    call.request.app[SURFACE].gate.forget()
    return call.json(render_ip_block(row))


@routes.put("/api/v1/admin/ip_blocks/{id}", scope=_WRITE)
@routes.patch("/api/v1/admin/ip_blocks/{id}", scope=_WRITE)
@needs(Permission.MANAGE_BLOCKS)
async def update(call: Call) -> web.Response:
    """Change what is given; the rest stays."""
    row = await require_rule(call, NETWORKS)
    values = _values(call, row)
    same = await call.context.database.fetch_one(NETWORK, network=values["network"])
    if same is not None and same["id"] != row["id"]:
        raise invalid("Ip has already been taken")
    act = moderation_of(call.context).act_row(
        call.viewer.actor_id, "update", _KIND, row["id"], label=values["network"], severity=values["severity"]
    )

    def unit() -> Unit[None]:
        yield from change_network(row["id"], values)
        yield from note_act(act)

    await call.context.writer.run(unit)
    call.request.app[SURFACE].gate.forget()
    return call.json(render_ip_block({**dict(row), **values}))


@routes.delete("/api/v1/admin/ip_blocks/{id}", scope=_WRITE)
@needs(Permission.MANAGE_BLOCKS)
async def delete(call: Call) -> web.Response:
    """They may again. Mastodon's documentation names the scope of domain blocks here; its server asks for this one."""
    row = await require_rule(call, NETWORKS)
    await drop_rule(call, NETWORKS, _KIND, row, row["network"])
    call.request.app[SURFACE].gate.forget()
    return call.json({})


def _values(call: Call, row: Any) -> dict[str, Any]:
    params = call.params
    network = parse_network(params.text("ip") or (row["network"] if row is not None else "0.0.0.0/32"))
    if network is None:
        raise invalid("Ip is not a valid address or network")
    if is_everybody(network):
        raise invalid("Ip would be everybody")
    word = params.text("severity") or (row["severity"] if row is not None else "")
    if word not in {severity.value for severity in Severity}:
        raise invalid("Severity is not included in the list" if word else "Severity can't be blank")
    comment = params.text("comment", row["comment"] if row is not None else "").strip()
    if len(comment) > _LONGEST_COMMENT:
        raise invalid(f"Comment is too long (maximum is {_LONGEST_COMMENT} characters)")
    low, high = range_of(network)
    rule = AddressRule(low, high, Severity(word))
    if severity_for(call.address, (rule,), 0) is Severity.NO_ACCESS:
        raise invalid("Ip is where you are yourself: you would lock yourself out")
    expires_ms = row["expires_ms"] if row is not None else None
    if "expires_in" in params:
        seconds = params.number("expires_in")
        if seconds is not None and not 0 < seconds <= _LONGEST_S:
            raise invalid("Expires in must be a number of seconds from now on")
        expires_ms = None if seconds is None else call.context.world.clock.now_ms() + seconds * 1000
    return {"network": str(network), "severity": word, "comment": comment, "expires_ms": expires_ms}
