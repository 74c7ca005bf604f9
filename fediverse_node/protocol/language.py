"""Language tags. spec: rfc5646#2.1

Checks the form only, not the registry: a tag we do not know is still worth passing on.
"""

from __future__ import annotations

import re

_TAG = re.compile(r"[A-Za-z]{2,3}(?:-[A-Za-z0-9]{1,8}){0,4}\Z")


def is_language_tag(text: str) -> bool:
    """Whether this has the form of a language tag such as `de`, `pt-BR` or `zh-Hans-TW`."""
    return len(text) <= 40 and _TAG.match(text) is not None


def primary_language(text: str | None) -> str | None:
    """The lower-case first part of a tag (`pt` of `pt-BR`), or None."""
    if not text or not is_language_tag(text):
        return None
    return text.partition("-")[0].lower()
