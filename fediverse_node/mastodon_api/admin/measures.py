"""Figures of the dashboard: a day, in all, and in the period before.  spec: mastodon-client-api#admin-measures"""

from __future__ import annotations

from typing import Any

from aiohttp import web

from fediverse_node.domain.domains import parse_domain
from fediverse_node.domain.roles import Permission
from fediverse_node.mastodon_api.admin.periods import period_of, render_date
from fediverse_node.mastodon_api.admin.permissions import needs
from fediverse_node.mastodon_api.errors import bad_request
from fediverse_node.mastodon_api.params import Params, parse_id
from fediverse_node.mastodon_api.routing import Call, Routes
from fediverse_node.storage.queries.admin_figures import FIGURES, Days, Figure, load_days, load_total

routes = Routes()

_UNITS = ("bytes", "KB", "MB", "GB", "TB")


@routes.post("/api/v1/admin/measures", scope="admin:read")
@needs(Permission.VIEW_DASHBOARD)
async def show(call: Call) -> web.Response:
    """Those that `keys` names, in that order; names that are none are left out, as in Mastodon."""
    days = period_of(call)
    keys = [key for key in dict.fromkeys(call.params.list("keys")) if key in FIGURES]
    return call.json([await _measure(call, key, FIGURES[key], days) for key in keys])


async def _measure(call: Call, key: str, figure: Figure, days: Days) -> dict[str, Any]:
    database, about = call.context.database, about_of(call.params.mapping(key), figure.about, key)
    by_day = await load_days(database, figure, days, about)
    total = await load_total(database, figure, days, about, by_day)
    measure: dict[str, Any] = {"key": key, "unit": figure.unit, "total": str(total)}
    if figure.unit is not None:
        measure["human_value"] = human_bytes(total)
    if not figure.is_overall:
        measure["previous_total"] = str(await load_total(database, figure, days.before, about))
    measure["data"] = [
        {"date": render_date(day), "value": str(by_day.get(day, 0))} for day in range(days.first, days.last + 1)
    ]
    return measure


def about_of(params: Params, about: str, key: str) -> dict[str, Any]:
    """What a figure is about: `tag_uses[id]`, `instance_accounts[domain]`; 400 where that is missing."""
    if about == "tag_id":
        text = params.text("id")
        if not text:
            raise bad_request(f"{key}[id] is missing")
        return {"tag_id": parse_id(text) or 0}
    if about == "host":
        text = params.text("domain")
        if not text:
            raise bad_request(f"{key}[domain] is missing")
        return {"host": parse_domain(text) or text.strip().lower()}
    return {}


def human_bytes(number: int) -> str:
    """`1.5 MB`."""
    size, unit = float(number), 0
    while size >= 1000 and unit < len(_UNITS) - 1:
        size, unit = size / 1024, unit + 1
    return f"{number} bytes" if unit == 0 else f"{size:.3g} {_UNITS[unit]}"
