"""Parameters of a request under Rails' conventions, from the query and the body alike.

`a[]=1`, `a[b]=c`, `fields_attributes[0][name]=x`, `keywords_attributes[][keyword]=x` and repeated keys make
lists and mappings; JSON bodies are those already. Deliberately absent: types of uploaded files (media.py).
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, overload
from urllib.parse import parse_qsl

import orjson

from fediverse_node.mastodon_api.errors import bad_request

_LARGEST_COUNT = 1000
_DEEPEST = 8
_PART = re.compile(r"\[([^\[\]]*)\]")
_TRUE = frozenset(("true", "1", "on", "t", "yes", "y"))
_FALSE = frozenset(("false", "0", "off", "f", "no", "n", ""))
_ID = re.compile(r"[0-9]{1,19}")
_LARGEST_ID = 2**63 - 1
_Texts = list[str]
_Ids = list[int]


@dataclass(frozen=True, slots=True)
class Upload:
    """A file in a multipart body."""

    file_name: str
    media_type: str
    data: bytes = field(repr=False)


class Params:
    """Values by name. What is absent, or cannot be what was asked for, is the default or a clear 400."""

    __slots__ = ("_values",)

    def __init__(self, values: Mapping[str, Any] | None = None) -> None:
        self._values: dict[str, Any] = dict(values) if values else {}

    def __contains__(self, name: str) -> bool:
        return name in self._values

    def names(self) -> Iterable[str]:
        """The names that were given."""
        return self._values.keys()

    def raw(self, name: str) -> Any:
        """The value as it came: text, number, truth value, list, mapping or Upload; None when absent."""
        return self._values.get(name)

    @overload
    def text(self, name: str, default: str) -> str: ...
    @overload
    def text(self, name: str, default: None = None) -> str | None: ...
    def text(self, name: str, default: str | None = None) -> str | None:
        """Text; of repeated keys the last. JSON null counts as absent."""
        value = self._values.get(name)
        if isinstance(value, list):
            value = value[-1] if value else None
        return _as_text(value, name, default)

    @overload
    def flag(self, name: str, default: bool) -> bool: ...
    @overload
    def flag(self, name: str, default: None = None) -> bool | None: ...
    def flag(self, name: str, default: bool | None = None) -> bool | None:
        """true/false, 1/0, on/off, t/f."""
        value = self._values.get(name)
        if isinstance(value, list):
            value = value[-1] if value else None
        return as_flag(value, name, default)

    @overload
    def number(self, name: str, default: int) -> int: ...
    @overload
    def number(self, name: str, default: None = None) -> int | None: ...
    def number(self, name: str, default: int | None = None) -> int | None:
        """A whole number."""
        value = self.text(name)
        if value is None or not value.strip():
            return default
        try:
            number = int(value) if len(value) < 20 else None
        except ValueError:
            number = None
        if number is None or not -_LARGEST_ID <= number <= _LARGEST_ID:
            raise bad_request(f"{name} must be a whole number")
        return number

    def id(self, name: str) -> int | None:
        """An id of ours; None when absent or when it cannot be one (then nothing has it)."""
        value = self.text(name)
        return parse_id(value) if value else None

    def ids(self, name: str) -> _Ids:
        """Ids of ours, given as `name[]=1&name[]=2`, `name=1&name=2` or a JSON list. What cannot be one is left out."""
        found = (parse_id(text) for text in self.list(name))
        return list(dict.fromkeys(id_ for id_ in found if id_ is not None))

    def list(self, name: str) -> _Texts:
        """Texts. A single value is a list of one; `name[0]=a&name[1]=b` is one too."""
        value = self._values.get(name)
        if value is None:
            return []
        if isinstance(value, Mapping):
            value = list(value.values())
        items = value if isinstance(value, list) else [value]
        return [text for item in items if (text := _as_text(item, name, None)) is not None]

    def mapping(self, name: str) -> Params:
        """What is nested below a name; empty when there is nothing."""
        value = self._values.get(name)
        return Params(value) if isinstance(value, Mapping) else Params()

    def mappings(self, name: str) -> Sequence[Params]:
        """A list of nested values, given as a list or as a mapping with numbers for keys."""
        value = self._values.get(name)
        if isinstance(value, Mapping):
            keyed = sorted(value.items(), key=lambda item: (len(item[0]), item[0]))
            value = [inner for _, inner in keyed]
        return [Params(item) for item in value if isinstance(item, Mapping)] if isinstance(value, list) else []

    def file(self, name: str) -> Upload | None:
        """An uploaded file."""
        value = self._values.get(name)
        return value if isinstance(value, Upload) else None


EMPTY = Params()


def parse_id(text: str) -> int | None:
    """A number that may be an id of ours, else None."""
    if not _ID.fullmatch(text):
        return None
    number = int(text)
    return number if number <= _LARGEST_ID else None


@overload
def as_flag(value: Any, name: str, default: bool) -> bool: ...
@overload
def as_flag(value: Any, name: str, default: None) -> bool | None: ...
@overload
def as_flag(value: Any, name: str, default: bool | None) -> bool | None: ...
def as_flag(value: Any, name: str, default: bool | None) -> bool | None:
    """A truth value in any of the ways apps write it."""
    if value is None:
        return default
    if isinstance(value, bool):
        return value
    word = str(value).strip().lower() if isinstance(value, str | int) else "?"
    if word in _TRUE:
        return True
    if word in _FALSE:
        return False if word else default
    raise bad_request(f"{name} must be true or false")


def parse_query(query_string: str) -> dict[str, Any]:
    """The tree of a query or of an urlencoded body."""
    if not query_string:
        return {}
    try:
        pairs = parse_qsl(query_string, keep_blank_values=True, max_num_fields=_LARGEST_COUNT, errors="strict")
    except ValueError:
        raise bad_request("The parameters cannot be read") from None
    return tree_of(pairs)


def parse_json(body: bytes) -> dict[str, Any]:
    """The tree of a JSON body; a list or a single value at the top has no names, so it is refused."""
    if not body.strip():
        return {}
    try:
        document = orjson.loads(body)
    except orjson.JSONDecodeError:
        raise bad_request("The body is not JSON") from None
    # No database column takes a null character, and nobody types one.
    if b"\\u0000" in body:
        raise bad_request("The parameters hold a null character")
    if not isinstance(document, dict):
        raise bad_request("The body must be a JSON object")
    # masto.js and Elk leave Rails' brackets on some keys also in JSON.
    return {name.removesuffix("[]"): value for name, value in document.items()}


def tree_of(pairs: Iterable[tuple[str, Any]]) -> dict[str, Any]:
    """Lists and mappings made of `(key, value)` pairs with brackets in the keys."""
    tree: dict[str, Any] = {}
    for key, value in pairs:
        if "\x00" in key or (isinstance(value, str) and "\x00" in value):
            raise bad_request("The parameters hold a null character")
        bracket = key.find("[")
        if bracket <= 0:
            _put_plain(tree, key, value)
            continue
        path = _PART.findall(key, bracket)
        if len(path) > _DEEPEST:
            raise bad_request("The parameters are nested too deeply")
        if path:
            _put(tree, key[:bracket], path, value)
        else:
            _put_plain(tree, key, value)
    return tree


def _put_plain(tree: dict[str, Any], key: str, value: Any) -> None:
    present = tree.get(key)
    if present is None:
        tree[key] = value
    elif isinstance(present, list):
        present.append(value)
    else:
        tree[key] = [present, value]


def _put(tree: dict[str, Any], name: str, path: list[str], value: Any) -> None:
    here: dict[str, Any] = tree
    for position, part in enumerate(path):
        last = position == len(path) - 1
        if part:
            inner = here.setdefault(name, {})
            if not isinstance(inner, dict):
                raise bad_request(f"{name} is given in two ways that do not go together")
            here, name = inner, part
            continue
        items = here.setdefault(name, [])
        if not isinstance(items, list):
            items = here[name] = [items] if not isinstance(items, dict) else list(items.values())
        if last:
            items.append(value)
            return
        here, name = _element(items, path, position), path[position + 1]
        _put(here, name, path[position + 2 :], value)
        return
    _put_plain(here, name, value)


def _element(items: list[Any], path: list[str], position: int) -> dict[str, Any]:
    """In `a[][b]=1&a[][c]=2&a[][b]=3` a key that is there already begins the next element, as in Rails."""
    key, ends = path[position + 1], position + 2 >= len(path)
    newest = items[-1] if items else None
    if not isinstance(newest, dict) or (key in newest and ends):
        newest = {}
        items.append(newest)
    return newest


def _as_text(value: Any, name: str, default: str | None) -> str | None:
    if value is None:
        return default
    if isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int) or (isinstance(value, float) and math.isfinite(value)):
        return str(value)
    raise bad_request(f"{name} must be text")
