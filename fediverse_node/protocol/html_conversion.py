"""Cleaned HTML in the words that Mastodon's clients know: the rest is said with these, or as text.

spec: html#the-elements-of-html, mathml-core#the-annotation-element. Works on ammonia's output alone, where every `<`
and `>` belongs to a tag and values stand in double quotes; a stranger's HTML never comes here as it was sent.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from html import escape, unescape

from fediverse_node.protocol.bidi import contained, turns_direction

# Said in another word, which clients show alike.
_SAME_AS = {
    "ins": "u", "strike": "s", "kbd": "code", "samp": "code", "tt": "code", "var": "em", "cite": "em", "dfn": "em",
}  # fmt: skip
_HEADINGS = frozenset({"h1", "h2", "h3", "h4", "h5", "h6"})
OTHER_WORDS = frozenset((*_SAME_AS, *_HEADINGS, "q", "img", "math", "annotation"))
PICTURE_ATTRIBUTES = frozenset({"src", "alt", "class", "width", "height", "title"})
MATH_ATTRIBUTES = {"math": {"display", "alttext"}, "annotation": {"encoding"}}
_TEX = frozenset({"application/x-tex", "application/x-latex", "latex", "tex"})
# Where the direction of writing begins anew.
_BLOCKS = frozenset({"p", "li", "ul", "ol", "blockquote", "pre", "br"})
_EMOJI_CLASSES = frozenset({"emoji", "emojione", "smiley", "wp-smiley", "custom-emoji", "mfm-emoji", "emoticon", "fgm"})
_EMOJI_PIXELS = 32
_TAG_CHARACTERS_LIMIT = 300


@dataclass(frozen=True, slots=True)
class Named:
    """Whom and what a text names: addresses of people and of their profiles, and hashtags in small letters."""

    people: frozenset[str] = frozenset()
    hashtags: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Picture:
    """A picture that stands in a text. Sizes are what the text says, in pixels."""

    url: str
    description: str
    width: int | None = None
    height: int | None = None


NOBODY = Named()


def convert(cleaned: str, named: Named = NOBODY) -> str:
    """The same text in fewer words. Links that lead nowhere become text; pictures go (see `pictures_in`)."""
    first, *rest = cleaned.split("<")
    pass_ = _Pass([part.partition(">")[::2] for part in rest], named)
    made = [first, *pass_.run()]
    html = "".join(made)
    return _contained(html) if turns_direction(html) else html


def attributes_of(tag: str) -> dict[str, str]:
    """The attributes of a tag as ammonia writes it: `a href="x" rel="y"`."""
    found: dict[str, str] = {}
    rest = tag.partition(" ")[2]
    while '="' in rest:
        name, _, rest = rest.partition('="')
        value, _, rest = rest.partition('"')
        found[name.strip()] = unescape(value)
    return found


def pictures_in(cleaned: str) -> tuple[Picture, ...]:
    """The pictures of ammonia's output, without emoji and without what is too small to be seen."""
    found = []
    for part in cleaned.split("<")[1:]:
        tag = part.partition(">")[0]
        if tag.startswith("img "):
            values = attributes_of(tag)
            width, height = _pixels(values.get("width")), _pixels(values.get("height"))
            if values.get("src") and not _is_emoji(values) and min(width or 999, height or 999) > _EMOJI_PIXELS:
                description = values.get("alt") or values.get("title") or ""
                found.append(Picture(values["src"], description, width, height))
    return tuple(found)


class _Pass:
    """One way through the tags of a text, each with the text that follows it."""

    def __init__(self, parts: list[tuple[str, str]], named: Named) -> None:
        self._parts = parts
        self._named = named
        self._made: list[str] = []
        self._is_dead_link = False

    def run(self) -> list[str]:
        position = 0
        while position < len(self._parts):
            tag, text = self._parts[position]
            name = tag.partition(" ")[0]
            if name == "math":
                position = self._formula(position)
                continue
            self._made.append(self._tag(name, tag, position))
            self._made.append(text)
            position += 1
        return self._made

    def _tag(self, name: str, tag: str, position: int) -> str:
        bare, slash = name.removeprefix("/"), name[:1] == "/"
        if bare == "a":
            return self._link(tag, position, ends=slash)
        if bare in _HEADINGS:
            return "</strong></p>" if slash else "<p><strong>"
        if bare in _SAME_AS:
            return f"<{'/' if slash else ''}{_SAME_AS[bare]}>"
        if bare == "q":
            return "”" if slash else "“"
        if bare == "img":
            values = attributes_of(tag)
            return escape(values.get("alt", ""), quote=False) if _is_emoji(values) else ""
        return "" if bare in ("math", "annotation") else f"<{tag}>"

    def _link(self, tag: str, position: int, *, ends: bool) -> str:
        if ends:
            was_dead, self._is_dead_link = self._is_dead_link, False
            return "" if was_dead else "</a>"
        self._is_dead_link = ' href="' not in tag
        if self._is_dead_link:
            return ""
        return f"<{self._recognised(tag, position)}>" if self._named is not NOBODY else f"<{tag}>"

    def _recognised(self, tag: str, position: int) -> str:
        """Clients look at the class to open a mention or hashtag in themselves: so also where its writer set none."""
        values = attributes_of(tag)
        classes = values.get("class", "").split()
        if "mention" in classes:
            return tag
        shown = self._shown(position)
        if shown.startswith("#") and shown[1:].lower() in self._named.hashtags:
            wanted = ["mention", "hashtag"]
        elif values.get("href") in self._named.people:
            wanted = ["u-url", "mention"]
        else:
            return tag
        before = f' class="{escape(values["class"])}"' if "class" in values else ""
        plain = tag.replace(before, "", 1) if before else tag
        return f'{plain} class="{" ".join((*(each for each in classes if each not in wanted), *wanted))}"'

    def _shown(self, position: int) -> str:
        """The text of the link that begins here, or its beginning."""
        shown = ""
        for tag, text in self._parts[position:]:
            if tag == "/a" or len(shown) > _TAG_CHARACTERS_LIMIT:
                break
            shown += text
        return unescape(shown).strip()

    def _formula(self, position: int) -> int:
        """TeX where its writer gives it, else what its parts say; the place behind it."""
        values = attributes_of(self._parts[position][0])
        plain, tex, is_tex = self._parts[position][1], "", False
        position += 1
        while position < len(self._parts) and self._parts[position][0] not in ("/math", "math"):
            tag, text = self._parts[position]
            if tag.startswith("annotation"):
                is_tex = attributes_of(tag).get("encoding", "").lower() in _TEX
                tex += text if is_tex else ""
            elif tag == "/annotation":
                plain += text
            else:
                plain += text
            position += 1
        mark = "$$" if values.get("display") == "block" else "$"
        said = f"{mark}{tex.strip()}{mark}" if tex.strip() else escape(values.get("alttext", ""), quote=False) or plain
        self._made.append(said)
        if position < len(self._parts) and self._parts[position][0] == "/math":
            self._made.append(self._parts[position][1])
            position += 1
        return position


def _is_emoji(values: dict[str, str]) -> bool:
    alt = values.get("alt", "")
    if not alt or len(alt) > 100:
        return False
    height = _pixels(values.get("height"))
    is_small = height is not None and height <= _EMOJI_PIXELS
    is_code = alt.startswith(":") and alt.endswith(":") and len(alt) > 2 and " " not in alt
    return is_code or is_small or not _EMOJI_CLASSES.isdisjoint(values.get("class", "").split())


def _pixels(value: str | None) -> int | None:
    number = (value or "").removesuffix("px")
    return int(number) if number.isascii() and number.isdigit() and len(number) < 6 else None


def _contained(html: str) -> str:
    """Each block of the text ends with the direction of writing with which it began."""
    made: list[str] = []
    texts: list[str] = []
    tags: list[str] = []

    def close() -> None:
        kept = contained(texts)
        for index, text in enumerate(kept):
            made.append(text)
            if index < len(tags):
                made.append(tags[index])
        made.extend(tags[len(kept) :])
        texts.clear()
        tags.clear()

    first, *rest = html.split("<")
    texts.append(first)
    for part in rest:
        tag, _, text = part.partition(">")
        if tag.partition(" ")[0].removeprefix("/") in _BLOCKS:
            close()
            made.append(f"<{tag}>")
        else:
            tags.append(f"<{tag}>")
        texts.append(text)
    close()
    return "".join(made)


def names_of(people: Collection[str], hashtags: Collection[str]) -> Named:
    """Whom and what a text names."""
    return Named(frozenset(people), frozenset(tag.lower() for tag in hashtags)) if people or hashtags else NOBODY
