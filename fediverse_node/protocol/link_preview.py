"""What a page says about itself, for a card below a post that links to it; and which link of a post that is.

spec: ogp (Open Graph), html#the-meta-element, oembed, fediverse-creator. The page goes through ammonia first, whose
parser is the browsers' own algorithm; only the few head elements that are wanted come out, well-formed. Of oEmbed no
foreign HTML is ever taken. Does not fetch.
"""

from __future__ import annotations

import codecs
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from html.parser import HTMLParser
from urllib.parse import urljoin, urlsplit

import nh3
import orjson

from fediverse_node.protocol.language import is_language_tag
from fediverse_node.protocol.reading import integer, moment, text
from fediverse_node.protocol.uris import URI_LIMIT, is_http_uri

PAGE_LIMIT_BYTES = 1_000_000
OEMBED_LIMIT_BYTES = 100_000
TITLE_LIMIT, DESCRIPTION_LIMIT, NAME_LIMIT = 300, 1_000, 200
# The head of a page has a few hundred tags; what comes after so many is its text.
_MARKS_LIMIT = 4_000
_PAGE_LIMIT = 500_000
_SNIFFED_BYTES = 2_048
_LARGEST_SIDE = 20_000
_OEMBED_TYPE = "application/json+oembed"
_SKIPPED_CLASSES = frozenset({"mention", "hashtag", "u-url"})

# Only encodings of text: Python's names include compressions and other tricks.
_ENCODINGS = frozenset(
    (
        *("utf-8", "ascii", "utf-16", "utf-16-le", "utf-16-be", "koi8-r", "koi8-u", "mac-cyrillic", "tis-620"),
        *("shift_jis", "euc_jp", "iso2022_jp", "gbk", "gb2312", "gb18030", "big5", "big5hkscs", "euc_kr", "cp932"),
        *(f"iso8859-{number}" for number in (1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 13, 14, 15, 16)),
        *(f"cp125{number}" for number in range(9)),
        *("cp874", "cp949", "cp950", "cp866"),
    )
)
_MARKED = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
_HEAD = nh3.Cleaner(
    tags={"meta", "title", "link", "html"},
    clean_content_tags={"script", "style", "noscript", "template", "svg", "math", "iframe", "textarea", "noembed"},
    attributes={
        "meta": {"name", "property", "itemprop", "content"},
        "link": {"rel", "href", "type"},
        "html": {"lang"},
    },
    link_rel=None,
    url_schemes={"http", "https"},
    url_relative="pass_through",
)


@dataclass(frozen=True, slots=True)
class LinkPreview:
    """What a card shows; all texts are plain. `image_url` is the page's own picture, somewhere on the net.

    `creator` is a handle (`user@host`) that the page names as its author, unverified. `type` is `link` or `photo`.
    """

    url: str
    title: str
    description: str = ""
    type: str = "link"
    author_name: str = ""
    author_url: str = ""
    provider_name: str = ""
    provider_url: str = ""
    image_url: str | None = None
    image_description: str = ""
    width: int = 0
    height: int = 0
    language: str | None = None
    published: str | None = None
    creator: str = ""

    def dump(self) -> str:
        """As it is stored."""
        return orjson.dumps(self).decode()

    @classmethod
    def load(cls, stored: str) -> LinkPreview:
        """From what `dump` gave."""
        return cls(**orjson.loads(stored))


# Which link


class _Links(HTMLParser):
    """The links of a text that was sanitised here: its HTML is well-formed."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.found: list[str] = []
        self._quote_depth = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        values = dict(attrs)
        classes = set((values.get("class") or "").split())
        if tag == "p" and ("quote-inline" in classes or self._quote_depth):
            self._quote_depth = 1
        href = values.get("href")
        if tag == "a" and href and not self._quote_depth and _SKIPPED_CLASSES.isdisjoint(classes):
            self.found.append(href.strip())

    def handle_endtag(self, tag: str) -> None:
        if tag == "p":
            self._quote_depth = 0


def first_link(content: str, *, besides: Collection[str] = ()) -> str | None:
    """The first web address that a text links to, without its fragment; mentions, hashtags and `besides` left out."""
    if "<a " not in content:
        return None
    links = _Links()
    links.feed(content)
    for href in links.found:
        if href in besides or len(href) > URI_LIMIT:
            continue
        address = href.partition("#")[0]
        if address in besides or not is_http_uri(address, allow_plain=True):
            continue
        return address
    return None


# What the page says


class _Head(HTMLParser):
    """The elements that `_HEAD` lets through."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.named: dict[str, str] = {}
        self.links: list[tuple[str, str, str]] = []
        self.title = ""
        self._in_title = False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        values = {name: value or "" for name, value in attrs}
        if tag == "meta":
            for key in ("property", "name", "itemprop"):
                if values.get(key) and values.get("content", "").strip():
                    # The first counts, as in browsers.
                    self.named.setdefault(values[key].strip().lower(), values["content"])
        elif tag == "link":
            self.links.append((values.get("rel", "").lower(), values.get("type", "").lower(), values.get("href", "")))
        self._in_title = tag == "title" and not self.title

    def handle_endtag(self, tag: str) -> None:
        self._in_title = False

    def handle_data(self, data: str) -> None:
        if self._in_title:
            self.title += data


@dataclass(frozen=True, slots=True)
class Page:
    """A page that was read: its card, and where it says that more is known about it."""

    preview: LinkPreview | None
    oembed_url: str | None = None


def read_page(body: bytes, content_type: str, url: str) -> Page:
    """What the HTML page at `url` says about itself. Without a title there is no card."""
    head = _Head()
    head.feed(_HEAD.clean(_capped(decode(body, content_type))))
    named = head.named
    title = _line(named.get("og:title") or named.get("twitter:title") or head.title, TITLE_LIMIT)
    oembed = next((link[2] for link in head.links if "alternate" in link[0] and link[1] == _OEMBED_TYPE), "")
    oembed_url = _address(oembed, url)
    if not title:
        return Page(None, oembed_url)
    image = _address(named.get("og:image:secure_url") or named.get("og:image") or named.get("twitter:image", ""), url)
    author = named.get("article:author") or ""
    preview = LinkPreview(
        url=url,
        title=title,
        description=_line(
            named.get("og:description") or named.get("twitter:description") or named.get("description", ""),
            DESCRIPTION_LIMIT,
        ),
        author_name=_line(named.get("author") or ("" if "://" in author else author), NAME_LIMIT),
        author_url=_address(author, url) or "" if "://" in author else "",
        provider_name=_line(named.get("og:site_name") or named.get("application-name", ""), NAME_LIMIT),
        image_url=image,
        image_description=_line(named.get("og:image:alt") or named.get("twitter:image:alt", ""), DESCRIPTION_LIMIT),
        width=_side(named.get("og:image:width")) if image else 0,
        height=_side(named.get("og:image:height")) if image else 0,
        language=_language(named.get("og:locale", "")),
        published=_moment(named.get("article:published_time") or named.get("datepublished", "")),
        creator=_handle(named.get("fediverse:creator", "")),
    )
    return Page(preview, oembed_url)


def with_oembed(preview: LinkPreview | None, body: bytes, url: str) -> LinkPreview | None:
    """The card with what the page's oEmbed document adds: author, provider, a picture. Its HTML is not read."""
    try:
        document = orjson.loads(body)
    except orjson.JSONDecodeError:
        return preview
    if not isinstance(document, Mapping):
        return preview
    kind = document.get("type")
    base = preview or LinkPreview(url=url, title=_line(text(document.get("title"), TITLE_LIMIT), TITLE_LIMIT))
    if not base.title:
        return None
    is_photo = kind == "photo" and _address(document.get("url"), url) is not None
    picture = document.get("url") if is_photo else document.get("thumbnail_url")
    size = ("width", "height") if is_photo else ("thumbnail_width", "thumbnail_height")
    image = _address(picture, url)
    has_own = base.image_url is not None and not is_photo
    return LinkPreview(
        url=base.url,
        title=base.title,
        description=base.description,
        type="photo" if is_photo else "link",
        author_name=base.author_name or _line(text(document.get("author_name"), NAME_LIMIT), NAME_LIMIT),
        author_url=base.author_url or _address(document.get("author_url"), url) or "",
        provider_name=base.provider_name or _line(text(document.get("provider_name"), NAME_LIMIT), NAME_LIMIT),
        provider_url=base.provider_url or _address(document.get("provider_url"), url) or "",
        image_url=base.image_url if has_own or image is None else image,
        image_description=base.image_description,
        width=base.width if has_own or image is None else _side(document.get(size[0])),
        height=base.height if has_own or image is None else _side(document.get(size[1])),
        language=base.language,
        published=base.published,
        creator=base.creator,
    )


def decode(body: bytes, content_type: str) -> str:
    """The text of a page: by its byte order mark, the header, what its beginning says, else UTF-8."""
    for mark, name in _MARKED:
        if body.startswith(mark):
            return body[len(mark) :].decode(name, "replace")
    encoding = _encoding(_charset(content_type))
    if encoding is None:
        encoding = _encoding(_charset(body[:_SNIFFED_BYTES].decode("latin-1"))) or "utf-8"
        # What can be read as plain bytes up to here cannot be UTF-16.
        encoding = "utf-8" if encoding.startswith("utf-16") else encoding
    return body.decode(encoding, "replace")


def _charset(words: str) -> str:
    _, found, rest = words.lower().partition("charset=")
    if not found:
        return ""
    name = rest[:60].lstrip(" \"'")
    for end in "\"'; />\t\r\n":
        name = name.partition(end)[0]
    return name


def _encoding(name: str) -> str | None:
    if not name or not name.isascii():
        return None
    try:
        found = codecs.lookup(name).name
    except LookupError:
        return None
    return found if found in _ENCODINGS else None


def _capped(page: str) -> str:
    page = page[:_PAGE_LIMIT]
    # Tags nest, and half a million broken entities cost seconds.
    for mark in ("<", "&"):
        if page.count(mark) > _MARKS_LIMIT:
            end = -1
            for _ in range(_MARKS_LIMIT):
                end = page.index(mark, end + 1)
            page = page[:end]
    return page


def _line(words: object, limit: int) -> str:
    if not isinstance(words, str):
        return ""
    shown = " ".join("".join(c if c.isprintable() or c.isspace() else " " for c in words[: 4 * limit]).split())
    return shown if len(shown) <= limit else shown[: limit - 1].rstrip() + "…"


def _address(value: object, base: str) -> str | None:
    if not isinstance(value, str) or not value.strip() or len(value) > URI_LIMIT:
        return None
    try:
        address = urljoin(base, value.strip())
        scheme = urlsplit(address).scheme
    except ValueError:
        return None
    is_usable = scheme in ("http", "https") and is_http_uri(address, allow_plain=True)
    return address if is_usable else None


def _side(value: object) -> int:
    found = integer(value.strip() if isinstance(value, str) else value)
    return found if found is not None and found <= _LARGEST_SIDE else 0


def _language(locale: str) -> str | None:
    tag = locale.strip().replace("_", "-")
    return tag if tag and is_language_tag(tag) else None


def _moment(value: str) -> str | None:
    found = moment(value.strip()) if value else None
    return found.strftime("%Y-%m-%dT%H:%M:%S.000Z") if found is not None else None


def _handle(value: str) -> str:
    user, at, host = value.strip().lstrip("@").partition("@")
    is_one = at and user and host and len(value) < 300 and " " not in value and "@" not in host
    return f"{user}@{host.lower()}" if is_one else ""
