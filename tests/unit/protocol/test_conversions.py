"""What people elsewhere wrote, in the words that clients know: nothing unsafe in it, and nothing of the text lost."""

from __future__ import annotations

from html.parser import HTMLParser
from urllib.parse import urlsplit

import nh3
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from fediverse_node.protocol.bidi import contain_direction
from fediverse_node.protocol.html import (
    SHOWN_ATTRIBUTES,
    SHOWN_TAGS,
    URL_SCHEMES,
    find_pictures,
    sanitise,
    sanitise_inline,
    to_plain_text,
)
from fediverse_node.protocol.html_conversion import Picture, names_of
from fediverse_node.protocol.objects import ObjectDocument, parse_object
from fediverse_node.protocol.text_html import preview_html, text_html

REL = 'target="_blank" rel="nofollow noopener noreferrer"'
BOB, SEA = "https://a.example/bob", "https://a.example/t/sea"
NAMED = names_of([BOB], ["Sea", "Ärger"])


@pytest.mark.parametrize(
    ("html", "shown"),
    [
        pytest.param(
            "<ins>new</ins> <del>old</del> <strike>x</strike>", "<u>new</u> <del>old</del> <s>x</s>", id="changes"
        ),
        pytest.param("<kbd>q</kbd><samp>r</samp><tt>s</tt>", "<code>q</code><code>r</code><code>s</code>", id="keys"),
        pytest.param("<cite>Faust</cite> <dfn>x</dfn>", "<em>Faust</em> <em>x</em>", id="titles of works"),
        pytest.param("he said <q>no</q>", "he said “no”", id="quotation marks"),
        pytest.param("<mark>x</mark> <small>y</small>", "x y", id="words without a counterpart keep their text"),
        pytest.param("<h1>A</h1><h6>B</h6>", "<p><strong>A</strong></p><p><strong>B</strong></p>", id="headings"),
        pytest.param("<h2>A <em>b</em></h2>", "<p><strong>A <em>b</em></strong></p>", id="words in headings"),
        pytest.param(
            "<blockquote><p>a</p><blockquote>b</blockquote></blockquote>",
            "<blockquote><p>a</p><blockquote>b</blockquote></blockquote>",
            id="quotes within quotes",
        ),
        pytest.param(
            '<blockquote type="cite" class="gmail_quote" style="x">a</blockquote>',
            "<blockquote>a</blockquote>",
            id="quotes of e-mail bridges",
        ),
        pytest.param(
            "<ul><li>a<ul><li>b</li></ul></li></ul>", "<ul><li>a<ul><li>b</li></ul></li></ul>", id="nested lists"
        ),
        pytest.param(
            '<ol reversed start="9"><li>x</li></ol>', '<ol reversed="" start="9"><li>x</li></ol>', id="numbers"
        ),
        pytest.param(
            "<pre><code>if a &lt; b:\n    c</code></pre>", "<pre><code>if a &lt; b:\n    c</code></pre>", id="code"
        ),
        pytest.param("<ruby>漢<rt>kan</rt></ruby>", "<ruby>漢<rt>kan</rt></ruby>", id="ruby"),
        pytest.param("H<sub>2</sub>O x<sup>2</sup>", "H<sub>2</sub>O x<sup>2</sup>", id="sub and sup"),
        pytest.param("<dl><dt>Tea</dt><dd>hot</dd></dl>", "Tea<br>hot", id="lists of terms"),
        pytest.param(
            "<table><tr><th>a</th><th>b</th></tr><tr><td>1</td><td>2</td></tr></table>", "a | b<br>1 | 2", id="tables"
        ),
        pytest.param("<details><summary>More</summary>Text</details>", "More<br>Text", id="what can be unfolded"),
        pytest.param(
            "<figure><img src='https://a.example/1.jpg' alt='a boat'><figcaption>Boat</figcaption></figure>",
            "Boat",
            id="captions",
        ),
        pytest.param(
            '<math><semantics><mrow><mi>E</mi></mrow><annotation encoding="application/x-tex">E=mc^2</annotation>'
            "</semantics></math>.",
            "$E=mc^2$.",
            id="a formula with TeX",
        ),
        pytest.param(
            '<math display="block"><mi>a</mi><annotation encoding="application/x-tex">\\frac{a}{b}</annotation></math>',
            "$$\\frac{a}{b}$$",
            id="a formula of its own line",
        ),
        pytest.param('<math alttext="a &lt; b"><mi>x</mi></math>', "a &lt; b", id="a formula with a description"),
        pytest.param("<math><mi>a</mi><mo>+</mo><mi>b</mi></math>", "a+b", id="a formula with nothing of that"),
        pytest.param(
            '<img class="emoji" alt=":blob:" src="https://a.example/e.png" height="20"> hi',
            ":blob: hi",
            id="emoji as pictures",
        ),
        pytest.param('<img src="x" class="wp-smiley" alt="😀">', "😀", id="smileys of blogs"),
        pytest.param(
            '<img class="smiley" src="https://a.example/s.png" alt="<b>">', "&lt;b&gt;", id="a smiley stays text"
        ),
        pytest.param('a<a name="top">b</a>c', "abc", id="a link to nowhere is text"),
        pytest.param('<a href="vbscript:x">a</a><a href="data:text/html,x">b</a>', "ab", id="a link to harm is text"),
        pytest.param(
            '<a href="magnet:?xt=1">m</a>', f'<a href="magnet:?xt=1" {REL}>m</a>', id="a link of another kind"
        ),
        pytest.param(
            '<a href="https://b.example/" rel="me" target="top" title="x" onclick="y" style="z">b</a>',
            f'<a href="https://b.example/" {REL}>b</a>',
            id="nothing else about a link",
        ),
        pytest.param(
            '<span class="invisible">https://</span><span class="ellipsis big">a</span>',
            '<span class="invisible">https://</span><span class="ellipsis">a</span>',
            id="shortened addresses",
        ),
        pytest.param(
            '<p dir="rtl" lang="he">שלום</p>', '<p dir="rtl" lang="he">שלום</p>', id="the direction of a paragraph"
        ),
        pytest.param('<bdo dir="rtl">gnp.exe</bdo>', "gnp.exe", id="no turned words"),
    ],
)
def test_what_is_shown(html: str, shown: str) -> None:
    assert sanitise(html) == shown
    assert sanitise(shown) == shown


@pytest.mark.parametrize(
    ("html", "shown"),
    [
        pytest.param(
            f'<a href="{BOB}">@bob</a>', f'<a href="{BOB}" {REL} class="u-url mention">@bob</a>', id="a person"
        ),
        pytest.param(
            f'<a href="{BOB}" class="u-url">@<span>bob</span></a>',
            f'<a href="{BOB}" {REL} class="u-url mention">@<span>bob</span></a>',
            id="with another class",
        ),
        pytest.param(
            f'<a href="{SEA}">#<span>sea</span></a>',
            f'<a href="{SEA}" {REL} class="mention hashtag">#<span>sea</span></a>',
            id="a hashtag",
        ),
        pytest.param(
            f'<a href="{SEA}">#ärger</a>', f'<a href="{SEA}" {REL} class="mention hashtag">#ärger</a>', id="in small"
        ),
        pytest.param(f'<a href="{SEA}">the sea</a>', f'<a href="{SEA}" {REL}>the sea</a>', id="an ordinary link"),
        pytest.param(
            '<a href="https://c.example/">@bob</a>',
            f'<a href="https://c.example/" {REL}>@bob</a>',
            id="a link that only looks like one",
        ),
        pytest.param(
            f'<a class="mention" href="{BOB}">@bob</a>',
            f'<a class="mention" href="{BOB}" {REL}>@bob</a>',
            id="one that says so",
        ),
    ],
)
def test_mentions_and_hashtags_are_recognised_by_what_the_post_names(html: str, shown: str) -> None:
    assert sanitise(html, NAMED) == shown
    assert sanitise(sanitise(html, NAMED)).count('class="') == shown.count('class="')


@pytest.mark.parametrize(
    ("text", "contained"),
    [
        pytest.param("invoice\u202egnp.exe", "invoicegnp.exe", id="an override"),
        pytest.param("a\u2067b", "a\u2067b\u2069", id="an isolate that is left open"),
        pytest.param("a\u202bb\u202cc", "a\u202bb\u202cc", id="an embedding that is closed"),
        pytest.param("a\u2069\u202cb", "ab", id="ends without a beginning"),
        pytest.param("\u202b\u2067x\u202c", "\u202b\u2067x\u2069\u202c", id="crossed"),
        pytest.param("שלום\u200f!", "שלום\u200f!", id="marks stay"),
        pytest.param("plain", "plain", id="nothing to do"),
        pytest.param("\u2067" * 1000, "\u2067" * 20 + "\u2069" * 20, id="a thousand"),
    ],
)
def test_the_direction_of_writing_ends_with_the_text(text: str, contained: str) -> None:
    assert contain_direction(text) == contain_direction(contained) == contained
    assert sanitise_inline(text) == to_plain_text(text) == to_plain_text(f"<p>{text}</p>") == contained
    poll = read(type="Question", oneOf=[{"name": text}]).poll
    assert poll is not None
    assert poll.options[0][0] == contained
    assert sanitise(f"<p>{text}</p><p>x</p>") == f"<p>{contained}</p><p>x</p>"


def test_a_direction_that_is_opened_inside_a_word_ends_with_its_paragraph() -> None:
    html = "<p>a <b>\u2067b</b> c</p><ul><li>\u202bd</li></ul>"
    assert sanitise(html) == "<p>a <b>\u2067b</b> c\u2069</p><ul><li>\u202bd\u202c</li></ul>"


@pytest.mark.parametrize(
    ("html", "pictures"),
    [
        (
            '<p>x<img src="https://a.example/1.jpg" alt="a &quot;boat&quot;" width="640" height="480">',
            (Picture("https://a.example/1.jpg", 'a "boat"', 640, 480),),
        ),
        ("<IMG SRC=https://a.example/2.png title=Sea>", (Picture("https://a.example/2.png", "Sea"),)),
        ('<img src="/relative.png"><img src="data:image/png;base64,x"><img src="javascript:1"><img>', ()),
        (
            '<img src="https://a.example/e.png" class="emoji" alt=":x:">'
            '<img src="https://a.example/s.png" alt=":)" height=16>',
            (),
        ),
        ('<img src="https://a.example/pixel.gif" width="1" height="1">', ()),
        ("no picture", ()),
    ],
)
def test_pictures_are_found_in_texts(html: str, pictures: tuple[Picture, ...]) -> None:
    assert find_pictures(html) == pictures


# --- whatever is sent

_NAMES = (
    *sorted(SHOWN_TAGS),
    "h1",
    "h3",
    "div",
    "table",
    "tr",
    "td",
    "th",
    "tbody",
    "dl",
    "dt",
    "figure",
    "hr",
    "ins",
    "q",
    "img",
    "math",
    "semantics",
    "mi",
    "mtext",
    "annotation",
    "annotation-xml",
    "svg",
    "foreignObject",
    "style",
    "script",
    "title",
    "textarea",
    "template",
    "select",
    "option",
    "form",
    "button",
    "noscript",
    "iframe",
    "mglyph",
    "font",
    "bdo",
    "details",
)
_WORDS = (
    "fish",
    "ship",
    "salt",
    "&lt;b&gt;",
    "&amp;amp;",
    "\u202e",
    "\u2067",
    "שלום",
    "𝒳",
    "\0",
    "\ud800",
    " ",
    "\n",
    "]]>",
    "-->",
)
_VALUES = (
    "https://a.example/?a=1&b=2",
    "javascript:alert(1)",
    " java\nscript:x",
    "mention evil",
    'x"y',
    "application/x-tex",
    ":x:",
    "rtl",
    "&quot;&gt;&lt;script&gt;",
    "data:text/html,x",
    "//a.example",
    "MAILTO:x@y.example",
    "block",
    BOB,
)
_ATTRIBUTES = (
    "href",
    "src",
    "class",
    "alt",
    "title",
    "onclick",
    "style",
    "dir",
    "lang",
    "encoding",
    "display",
    "alttext",
    "xlink:href",
)


def _tag(name: str, attributes: list[tuple[str, str]], inner: str, closed: bool) -> str:
    said = "".join(f" {key}='{value}'" for key, value in attributes)
    return f"<{name}{said}>{inner}{f'</{name}>' if closed else ''}"


HTML = st.recursive(
    st.lists(st.sampled_from(_WORDS), max_size=3).map("".join),
    lambda inner: st.lists(
        st.builds(
            _tag,
            st.sampled_from(_NAMES),
            st.lists(st.tuples(st.sampled_from(_ATTRIBUTES), st.sampled_from(_VALUES)), max_size=2),
            inner,
            st.booleans(),
        ),
        min_size=1,
        max_size=3,
    ).map("".join),
    max_leaves=12,
)
SOUP = st.lists(
    st.sampled_from([*(f"<{n}>" for n in _NAMES), *(f"</{n}>" for n in _NAMES), *_WORDS, "<!--", "<![CDATA["]),
    max_size=15,
).map("".join)
THOROUGH = settings(max_examples=400, deadline=None, suppress_health_check=[HealthCheck.too_slow])
_STRICT = nh3.Cleaner(
    tags=set(SHOWN_TAGS),
    attributes={
        **SHOWN_ATTRIBUTES,
        "a": {*SHOWN_ATTRIBUTES["a"], "target", "rel", "class"},
        "span": {"class", "translate"},
        "p": {"dir", "lang", "class"},
    },
    link_rel=None,
    url_schemes=set(URL_SCHEMES),
    url_relative="deny",
)


class _Listing(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))


@given(st.one_of(HTML, SOUP))
@example("<h1><p>fish</h1>")
@example("<h2><ul><li>fish</h2>")
@example("<math><mtext><table><mglyph><style><!--</style><img title='--&gt;&lt;img src=1 onerror=alert(1)&gt;'>")
@example("<svg></p><style><a id='</style><img src=1 onerror=alert(1)>'>")
@THOROUGH
def test_nothing_is_emitted_that_is_not_on_the_list(html: str) -> None:
    shown = sanitise(html, NAMED)
    listing = _Listing()
    listing.feed(shown)
    for tag, attributes in listing.tags:
        assert tag in SHOWN_TAGS, shown
        assert attributes.keys() <= {*SHOWN_ATTRIBUTES.get(tag, ()), "class", "target", "rel"}, shown
        href = attributes.get("href")
        assert tag != "a" or (href and urlsplit(href).scheme.lower() in URL_SCHEMES), shown
        assert tag != "a" or (attributes["rel"] == "nofollow noopener noreferrer" and attributes["target"] == "_blank")
    # The browsers' own way of reading finds nothing more in it.
    assert _STRICT.clean(shown) == shown
    assert "\u202e" not in shown


@given(st.one_of(HTML, SOUP))
@example("<h1><p>fish</h1>")
@example("<table><tr><td><h1>fish</table>")
@example("<a href='https://a.example/'><h1>fish</h1></a>")
@example("<div><math alttext='fish'></div>")
@THOROUGH
def test_sanitising_again_changes_nothing(html: str) -> None:
    once = sanitise(html)
    assert sanitise(once) == once


_KEEPING = tuple(
    name
    for name in _NAMES
    if name in SHOWN_TAGS or name in ("h1", "h3", "div", "ins", "q", "figure", "details", "font", "bdo")
)
_TREES = st.recursive(
    st.sampled_from(("fish", "ship", "salt", "שלום", "a &lt; b", " ")),
    lambda inner: st.lists(
        st.builds(
            _tag, st.sampled_from([n for n in _KEEPING if n not in ("br", "rp")]), st.just([]), inner, st.booleans()
        ),
        min_size=1,
        max_size=3,
    ).map("".join),
    max_leaves=12,
)


@given(_TREES)
@THOROUGH
def test_no_word_is_lost(html: str) -> None:
    def words(text: str) -> list[str]:
        return [word for word in ("fish", "ship", "salt", "שלום", "<") for _ in range(text.count(word))]

    everything = to_plain_text(html)
    assert words(to_plain_text(sanitise(html))) == words(everything)
    assert words(everything) == words(html.replace("&lt;", "\0").replace("<", "").replace("\0", "<"))


# --- what becomes of whole posts


def read(**document: object) -> ObjectDocument:
    post = parse_object(
        {"id": "https://a.example/1", "attributedTo": "https://a.example/u", "type": "Note", **document}
    )
    assert isinstance(post, ObjectDocument)
    return post


LONG = "<h2>Part</h2>" + "<p>One word after another, and then some more of them.</p>" * 3000


def test_a_long_article_is_shown_by_its_beginning_in_apps_and_in_full_on_pages() -> None:
    post = read(type="Article", name="On <words>", content=LONG, url="https://a.example/words")
    preview = preview_html(post)
    title, excerpt, more = to_plain_text(preview).split("\n\n")
    assert title == "On <words>"
    assert excerpt.startswith("Part One word after another")
    assert excerpt.endswith("…")
    assert len(excerpt) <= 501
    assert more == "Read more"
    assert f'<a href="https://a.example/words" {REL}>Read more</a>' in preview
    assert len(to_plain_text(sanitise(text_html(post)))) > 150_000


@pytest.mark.parametrize(
    ("document", "excerpt"),
    [
        pytest.param({"summary": "What it is about"}, "What it is about", id="its summary"),
        pytest.param(
            {"summary": "S", "preview": {"type": "Note", "content": "<p>The <b>short</b> form</p>"}},
            "The short form",
            id="its own preview",
        ),
    ],
)
def test_an_article_may_say_itself_what_its_preview_is(document: dict[str, object], excerpt: str) -> None:
    preview = preview_html(read(type="Article", name="T", content=LONG, url="https://a.example/x", **document))
    assert to_plain_text(preview) == f"T\n\n{excerpt}\n\nRead more"


@pytest.mark.parametrize(
    "document",
    [
        {"type": "Article", "name": "T", "content": "<p>short</p>"},
        {"type": "Note", "content": LONG},
        {"type": "Page", "name": "T", "content": LONG},
        {"type": "Article", "content": "<p>few words</p>" + "<p></p>" * 3000},
    ],
)
def test_what_fits_a_timeline_has_no_preview(document: dict[str, object]) -> None:
    assert preview_html(read(**document)) == ""


@pytest.mark.parametrize(
    ("document", "pictures"),
    [
        pytest.param(
            {"content": '<img src="https://a.example/1.jpg" alt="Boat"><img src="https://a.example/1-300x200.jpg">'},
            [("https://a.example/1.jpg", "Boat", "image/jpeg")],
            id="in the text alone",
        ),
        pytest.param(
            {"content": '<img src="https://a.example/x">'}, [("https://a.example/x", "", "image/jpeg")], id="no ending"
        ),
        pytest.param(
            {
                "content": '<img src="https://a.example/2.png">',
                "attachment": {"type": "Image", "url": "https://a.example/1.png", "name": "One"},
            },
            [("https://a.example/1.png", "One", None)],
            id="the post names its own",
        ),
        pytest.param(
            {
                "content": '<img src="https://a.example/e.png?v=1" alt="x y">',
                "tag": {"type": "Emoji", "name": ":e:", "icon": {"type": "Image", "url": "https://a.example/e.png"}},
            },
            [],
            id="custom emoji",
        ),
        pytest.param(
            {"content": "&lt;img src=https://a.example/1.jpg&gt;", "mediaType": "text/plain"}, [], id="plain text"
        ),
    ],
)
def test_pictures_of_a_text_become_attachments(document: dict[str, object], pictures: list[object]) -> None:
    assert [(item.url, item.name, item.media_type) for item in read(**document).attachments] == pictures


def test_a_post_without_html_is_read_from_its_source() -> None:
    post = read(source={"content": "**hi** $[x 1]\n\nyou", "mediaType": "text/x.misskeymarkdown"})
    assert sanitise(text_html(post)) == "<p>**hi** $[x 1]</p><p>you</p>"


@pytest.mark.parametrize(
    ("document", "language"),
    [
        ({"content": "x", "contentMap": {"de": "x"}}, "de"),
        ({"contentMap": {"pt-BR": "x"}}, "pt-BR"),
        ({"content": "x", "contentMap": {"und": "x"}}, None),
        ({"content": "x", "@context": ["https://www.w3.org/ns/activitystreams", {"@language": "fr"}]}, "fr"),
        ({"content": "x", "@context": ["https://www.w3.org/ns/activitystreams", {"@language": "und"}]}, None),
        ({"content": "x", "language": {"identifier": "eo", "name": "Esperanto"}}, "eo"),
        ({"content": "Das ist doch ganz klar deutsch"}, None),
    ],
)
def test_the_language_is_the_stated_one_and_never_guessed(document: dict[str, object], language: str | None) -> None:
    assert read(**document).language == language


def test_custom_emoji_are_known_wherever_they_can_stand() -> None:
    tag = {"type": "Emoji", "name": ":fish:", "icon": {"type": "Image", "url": "https://a.example/fish.png"}}
    post = read(type="Question", content=":fish:", summary=":fish:", oneOf=[{"name": ":fish: yes"}], tag=[tag])
    assert [emoji.shortcode for emoji in post.emojis] == ["fish"]
    assert sanitise(text_html(post)) == ":fish:"
    assert post.poll is not None
    assert post.poll.options[0][0] == ":fish: yes"
