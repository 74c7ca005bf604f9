"""A page as a browser takes it apart, for questions about what it loads and contains."""

from __future__ import annotations

from dataclasses import dataclass, field
from html.parser import HTMLParser

_LOADING = {
    "img": ("src", "srcset"),
    "video": ("src", "poster"),
    "audio": ("src",),
    "source": ("src", "srcset"),
    "script": ("src",),
    "iframe": ("src",),
    "object": ("data",),
    "embed": ("src",),
    "form": ("action",),
    "use": ("href",),
}
_LOADED_RELS = {"stylesheet", "icon", "preload", "prefetch", "preconnect", "dns-prefetch", "manifest"}


@dataclass
class Element:
    """A start tag with its attributes."""

    name: str
    attributes: dict[str, str]


@dataclass
class Page:
    """All elements of a page and its text."""

    elements: list[Element] = field(default_factory=list)
    text: str = ""

    def named(self, name: str) -> list[Element]:
        return [element for element in self.elements if element.name == name]

    def meta(self, name: str) -> str | None:
        for element in self.named("meta"):
            if name in (element.attributes.get("name"), element.attributes.get("property")):
                return element.attributes["content"]
        return None

    def links(self, rel: str) -> list[dict[str, str]]:
        return [e.attributes for e in self.named("link") if rel in e.attributes.get("rel", "").split()]

    @property
    def loaded(self) -> list[str]:
        """Every address that a browser asks for without a click."""
        found = [e.attributes[a] for e in self.elements for a in _LOADING.get(e.name, ()) if e.attributes.get(a)]
        return found + [link["href"] for rel in _LOADED_RELS for link in self.links(rel)]


class _Parser(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.page = Page()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.page.elements.append(Element(tag, {name: value or "" for name, value in attrs}))

    def handle_data(self, data: str) -> None:
        self.page.text += data


def read(html: str) -> Page:
    """The page, parsed."""
    parser = _Parser()
    parser.feed(html)
    parser.close()
    return parser.page


def read_main(html: str) -> Page:
    """What is inside `<main>`."""
    return read(html[html.index("<main") : html.index("</main>")])
