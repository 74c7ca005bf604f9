"""Bodies made unreadable: JSON by its keys, HTML by its tags, everything else word by word."""

from __future__ import annotations

import html
import re
from collections.abc import Mapping
from typing import Any

import orjson

from fediverse_node.lab.recorder.secrets import REMOVED
from fediverse_node.lab.scrub.addresses import Addresses
from fediverse_node.lab.scrub.vocabulary import SPECIFICATIONS, TAG_VALUES, TAGS, is_language, known_addresses, terms
from fediverse_node.lab.scrub.words import Words

# Their values are what somebody wrote, also where they look like a word of the protocol.
_TEXTS_LIST = """
    content name summary title value comment description preferredUsername contentMap nameMap summaryMap source
    _misskey_content _misskey_summary contentWarning nodeName error error_description blurhash address
"""
_TEXTS = frozenset(_TEXTS_LIST.split())
# Their values are words of a protocol.
_WORDS_LIST = """
    type @type rel units formerType cryptosuite proofPurpose digestAlgorithm signatureAlgorithm protocols
    @container language inLanguage hreflang algorithm cipherAlgorithm licence
"""
_WORDS = frozenset(_WORDS_LIST.split())
_MOMENTS_LIST = """
    published updated deleted startTime endTime closed created expires created_at expires_at revoked
"""
_MOMENTS = frozenset(_MOMENTS_LIST.split())
_PLACES = frozenset({"latitude", "longitude", "altitude", "accuracy", "radius"})
_PUBLIC = frozenset({"as:Public", "Public"})
_MOMENT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d(?::\d\d(?:\.\d+)?)?(?:Z|[+-]\d\d:?\d\d)?")
_DURATION = re.compile(r"-?P(?:\d+[YMWD])*(?:T(?:\d+(?:\.\d+)?[HMS])*)?")
_MEDIA = re.compile(r"[a-z]+/[a-z0-9.+-]+(?:; ?(?:charset|codecs|profile)=\"?[\w.,:/#+ -]*\"?)?")
_SOFTWARE = re.compile(r"[A-Za-z0-9.+~_-]{1,40}")
_TAG = re.compile(r"<[^<>]*>")
_TAG_PARTS = re.compile(r"""([^\s=<>"'/]+)(?:(\s*=\s*)(?:"([^"]*)"|'([^']*)'|([^\s"'>]+)))?|.""", re.DOTALL)
_PEM = re.compile(r"-----(?:BEGIN|END) (?:RSA |EC )?PUBLIC KEY-----")
_NOT_IN_BASE58 = str.maketrans("0OIl", "1PJk")
_DEPTH = 200


class Documents:
    """Replaces what stands in bodies."""

    def __init__(self, words: Words, addresses: Addresses) -> None:
        self._words = words
        self._addresses = addresses

    def body(self, text: str, content_type: str) -> str:
        """A body of any kind; JSON stays JSON, and what is broken stays broken."""
        if not text:
            return text
        if text.lstrip()[:1] in ("{", "["):
            try:
                return orjson.dumps(self.document(orjson.loads(text))).decode()
            except (orjson.JSONDecodeError, RecursionError):
                return self._words.text(text)
        if "html" in content_type or "xml" in content_type:
            return self.markup(text)
        if content_type.startswith("application/x-www-form-urlencoded"):
            return self._addresses.query("?" + text)[1:]
        return self._words.text(text)

    def document(self, value: Any, key: str = "", kind: object = None) -> Any:
        """Any JSON value. `key` is where it stands, `kind` the type of what it stands in."""
        match value:
            case Mapping():
                return self._mapping(value, key)
            case list():
                return [self.document(item, key, kind) for item in value]
            case str():
                return self._string(value, key, kind)
            case float() | int() if key in _PLACES and not isinstance(value, bool):
                return round(self._words.number(int(abs(value) * 1000) % 90_000, 90_000) / 1000, 3)
            case _:
                return value

    def markup(self, text: str) -> str:
        """A text with or without HTML."""
        if "<" not in text and "&" not in text:
            return self._words.text(text)
        found, position = [], 0
        for match in _TAG.finditer(text):
            found += [self._plain(text[position : match.start()]), self._tag(match.group())]
            position = match.end()
        return "".join([*found, self._plain(text[position:])])

    def _mapping(self, value: Mapping[str, Any], key: str) -> dict[str, Any]:
        if key == "software":
            return {
                name: item if isinstance(item, str) and _SOFTWARE.fullmatch(item) else self.document(item, name)
                for name, item in value.items()
                if name in terms()
            }
        kind = value.get("type")
        is_of_languages = key.endswith("Map")
        return {
            name if name in terms() or (is_of_languages and is_language(name)) else self._key(name): self.document(
                item, key if key in _TEXTS or is_of_languages else name, kind
            )
            for name, item in value.items()
        }

    def _key(self, name: str) -> str:
        if name in known_addresses() or name.startswith(("http://", "https://")):
            return self._addresses.url(name)
        prefix, colon, local = name.partition(":")
        if colon and prefix in terms() and local in terms():
            return name
        return self._words.text(name)

    def _string(self, text: str, key: str, kind: object) -> str:
        if text == REMOVED:
            return text
        if key in _TEXTS or key.endswith("Map"):
            return self._said(text, key, kind)
        if key in _WORDS:
            return text if self._is_word(text) else self._somewhere(text)
        if key in _MOMENTS and _MOMENT.fullmatch(text):
            return text
        if key == "duration" and _DURATION.fullmatch(text):
            return text
        if key in ("mediaType", "mimeType") or (key == "type" and "/" in text):
            return text if _MEDIA.fullmatch(text) else self._words.text(text)
        if key in ("publicKeyPem", "publicKeyMultibase") or "PUBLIC KEY-----" in text:
            return self._pem(text)
        if key == "proofValue" and text:
            # It keeps its form, so that it can be read and made anew; what it signs cannot be guessed from it.
            return text[0] + self._words.text(text[1:]).translate(_NOT_IN_BASE58)
        if key == "version" and _SOFTWARE.fullmatch(text):
            return text
        return self._somewhere(text)

    def _said(self, text: str, key: str, kind: object) -> str:
        if key == "name" and (text in SPECIFICATIONS or text in known_addresses()):
            return text
        if key == "name" and kind == "Mention":
            return self._addresses.handle(text)
        if key == "preferredUsername":
            # A server's own actor is called as the server is.
            return self._addresses.host(text) if "." in text and kind == "Application" else self._words.text(text)
        if key == "name" and kind == "Application" and "." in text and " " not in text:
            return self._addresses.host(text)
        return self.markup(text)

    def _somewhere(self, text: str) -> str:
        """A string that is an address, or else somebody's text."""
        if text in known_addresses() or text in _PUBLIC:
            return text
        if text.startswith(("https://", "http://", "acct:", "mailto:")) and not re.search(r"\s", text):
            return self._addresses.url(text)
        prefix, colon, local = text.partition(":")
        if colon and prefix in terms() and local in terms():
            return text
        if text.count("@") in (1, 2) and not re.search(r"[\s<>]", text):
            return self._addresses.handle(text)
        return self.markup(text)

    @staticmethod
    def _is_word(text: str) -> bool:
        return text in terms() or is_language(text) or _MEDIA.fullmatch(text) is not None

    def _pem(self, text: str) -> str:
        found, position = [], 0
        for match in _PEM.finditer(text):
            found += [self._words.text(text[position : match.start()]), match.group()]
            position = match.end()
        return "".join([*found, self._words.text(text[position:])])

    def _plain(self, text: str) -> str:
        if "&" not in text:
            return self._words.text(text)
        return html.escape(self._words.text(html.unescape(text)), quote=False)

    def _tag(self, tag: str) -> str:
        def part(match: re.Match[str]) -> str:
            name, equals, *values = match.groups()
            if name is None:
                return match.group()
            new = name if name.lower() in TAGS else self._words.text(name)
            if equals is None:
                return new
            value = next((item for item in values if item is not None), "")
            return f'{new}{equals}"{html.escape(self._attribute(name.lower(), html.unescape(value)), quote=True)}"'

        return "<" + _TAG_PARTS.sub(part, tag[1:-1]) + ">"

    def _attribute(self, name: str, value: str) -> str:
        if name in ("href", "src", "cite", "content", "template"):
            return self._addresses.url(value)
        return " ".join(item if item in TAG_VALUES else self._words.text(item) for item in value.split(" "))
