"""Of those who signed up together, how many are still here.  spec: mastodon-client-api#admin-retention

Whoever signs up is here in that very day or month; after that counts on which days somebody really was.
"""

from __future__ import annotations

from typing import Any

from aiohttp import web

from fediverse_node.domain.roles import Permission
from fediverse_node.mastodon_api.admin.periods import month_of, period_of, render_date
from fediverse_node.mastodon_api.admin.permissions import needs
from fediverse_node.mastodon_api.routing import Call, Routes
from fediverse_node.storage.queries.admin_figures import Days
from fediverse_node.storage.queries.admin_retention import PRESENT, SIZES

routes = Routes()

# Cohorts times days: what is asked for by day grows with the square.
_MOST_DAYS = {"day": 100, "month": 1860}


@routes.post("/api/v1/admin/retention", scope="admin:read")
@needs(Permission.VIEW_DASHBOARD)
async def show(call: Call) -> web.Response:
    """A cohort for each `frequency` (day or month; whatever else is said means day) of the period."""
    frequency = "month" if call.params.text("frequency") == "month" else "day"
    days = period_of(call, most_days=_MOST_DAYS[frequency])
    database, values = call.context.database, days.values()
    sizes = {
        int(row["cohort"]): int(row["number"]) for row in await database.fetch(SIZES[frequency], patient=True, **values)
    }
    present = {
        (int(row["cohort"]), int(row["bucket"])): int(row["number"])
        for row in await database.fetch(PRESENT[frequency], patient=True, **values)
    }
    buckets = _buckets(days, frequency)
    cohorts: list[dict[str, Any]] = []
    for place, (cohort, date) in enumerate(buckets):
        size = sizes.get(cohort, 0)
        data = []
        for bucket, bucket_date in buckets[place:]:
            value = size if bucket == cohort else present.get((cohort, bucket), 0)
            data.append({"date": bucket_date, "rate": value / size if size else 0.0, "value": str(value)})
        cohorts.append({"period": date, "frequency": frequency, "data": data})
    return call.json(cohorts)


def _buckets(days: Days, frequency: str) -> list[tuple[int, str]]:
    """The days or months of a period with the moments at which they begin."""
    if frequency == "day":
        return [(day, render_date(day)) for day in range(days.first, days.last + 1)]
    months = dict.fromkeys(month_of(day) for day in range(days.first, days.last + 1))
    return [(month, f"{month // 100:04d}-{month % 100:02d}-01T00:00:00.000Z") for month in months]
