"""The `Date` header: read as peers write it, written as the standard wants it. spec: rfc9110#5.6.7"""

from __future__ import annotations

import re
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

_LONGEST = 64
_DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_MONTH_NUMBERS = {name: number for number, name in enumerate(_MONTHS, start=1)}
_IMF_FIXDATE = re.compile(
    r"[A-Z][a-z]{2}, ([0-9]{2}) ([A-Z][a-z]{2}) ([0-9]{4}) ([0-9]{2}):([0-9]{2}):([0-9]{2}) GMT", re.ASCII
)


def parse_http_date(text: str) -> datetime | None:
    """The moment a `Date` header states, in UTC; None if it states none."""
    match = _IMF_FIXDATE.fullmatch(text)
    try:
        if match is not None:
            day, month, year, hour, minute, second = match.groups()
            # A leap second is a legal date, but not for datetime.
            whole_second = min(int(second), 59)
            return datetime(int(year), _MONTH_NUMBERS[month], int(day), int(hour), int(minute), whole_second, 0, UTC)
        # The lenient parser below reads the first of two dates and keeps silent about the second.
        if len(text) > _LONGEST or not text.isascii() or text.count(",") > 1:
            return None
        moment = parsedate_to_datetime(text)
        return moment.astimezone(UTC) if moment.tzinfo is not None else moment.replace(tzinfo=UTC)
    except (ValueError, KeyError, TypeError, IndexError, OverflowError):
        return None


def dump_http_date(moment: datetime) -> str:
    """`moment` as an IMF-fixdate, e.g. "Sun, 05 Jan 2014 21:31:40 GMT"."""
    utc = moment.astimezone(UTC)
    return (
        f"{_DAYS[utc.weekday()]}, {utc.day:02d} {_MONTHS[utc.month - 1]} {utc.year:04d} "
        f"{utc.hour:02d}:{utc.minute:02d}:{utc.second:02d} GMT"
    )
