"""Requests that are no HTTP: one line in the log instead of the traceback that the HTTP library would write.

Strangers scan every public port. They get their 400; how deep in a parser it came about tells nobody anything, and
twenty lines for each would fill a disk.
"""

from __future__ import annotations

import logging

from aiohttp import web
from aiohttp.http_exceptions import HttpProcessingError

_LIBRARY = logging.getLogger("aiohttp.server")
_REASON_LIMIT = 200


class _OneLine(logging.Filter):
    def filter(self, record: logging.LogRecord) -> bool:
        error = record.exc_info[1] if record.exc_info else None
        if isinstance(error, HttpProcessingError | web.RequestPayloadError):
            reason = " ".join(str(error).split())[:_REASON_LIMIT]
            record.msg, record.args = "web.malformed reason=%s", (ascii(reason),)
            record.exc_info, record.exc_text = None, None
            record.levelno, record.levelname = logging.INFO, logging.getLevelName(logging.INFO)
            return _LIBRARY.isEnabledFor(logging.INFO)
        return True


def quieten() -> None:
    """From now on; it makes no difference how often it is said."""
    if not any(isinstance(each, _OneLine) for each in _LIBRARY.filters):
        _LIBRARY.addFilter(_OneLine())
