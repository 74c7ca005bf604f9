"""Reactions: an emoji said about a post. spec: fep-c0e0

Pleroma, Akkoma and Mitra send EmojiReact, Misskey and its descendants a Like with the emoji as `content` (older
ones only as `_misskey_reaction`). Does not decide whether a reaction counts as a favourite here.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from fediverse_node.protocol.parts import Emoji, parse_emojis
from fediverse_node.protocol.reading import text

REACTION_LIMIT = 300

# What the oldest Misskeys sent as words.
_WORDS = {
    "like": "👍", "love": "❤", "laugh": "😆", "hmm": "🤔", "surprise": "😮", "congrats": "🎉", "angry": "💢",
    "confused": "😥", "rip": "😇", "pudding": "🍮", "star": "⭐",
}  # fmt: skip
_PICTOGRAPHS = (
    "\u00a9\u00ae\u203c\u2049\u2122\u2139\u2190-\u21ff\u2300-\u23ff\u24c2\u25a0-\u27bf\u2900-\u297f\u2b00-\u2bff"
    "\u3030\u303d\u3297\u3299\U0001f000-\U0001f1e5\U0001f200-\U0001f3fa\U0001f400-\U0001faff"
)
_SINGLE = f"[{_PICTOGRAPHS}][\ufe0e\ufe0f]?[\U0001f3fb-\U0001f3ff]?[\U000e0020-\U000e007f]{{0,10}}"
# One emoji as people see it: a flag, a keycap, or pictures joined into one (families, professions).  spec: uts51
_EMOJI = re.compile(
    f"(?:[\U0001f1e6-\U0001f1ff]{{2}}|[0-9#*]\ufe0f?\u20e3|{_SINGLE}(?:\u200d{_SINGLE}){{0,9}}|[\U0001f3fb-\U0001f3ff])\\Z"
)
# Misskey adds the host of a foreign emoji, or `.` for its own.
_SHORTCODE = re.compile(r":([^\s:<>&\"'@]{1,128})(?:@[^\s:<>&\"']{1,255})?:\Z")


@dataclass(frozen=True, slots=True)
class Reaction:
    """`content` is one Unicode emoji, or `:shortcode:` of the custom `emoji`; nothing else counts as a reaction."""

    content: str
    emoji: Emoji | None = None


def parse_reaction(doc: Mapping[str, object], type_: str) -> Reaction | None:
    """The emoji of an EmojiReact or of a Like, or None: then a Like is a plain one, and an EmojiReact says nothing.

    A custom emoji counts only with its picture beside it: without it nobody here could see which one it is.
    """
    if type_ not in ("EmojiReact", "Like"):
        return None
    for key in ("content", "_misskey_reaction"):
        if (stated := doc.get(key)) is not None:
            content = text(stated, REACTION_LIMIT + 1).strip()
            reaction = _reaction(_WORDS.get(content, content) if key != "content" else content, doc)
            if reaction is not None:
                return reaction
    return None


def is_emoji(content: str) -> bool:
    """Whether this is one Unicode emoji and nothing else."""
    return len(content) <= 40 and _EMOJI.match(content) is not None


def _reaction(content: str, doc: Mapping[str, object]) -> Reaction | None:
    if is_emoji(content):
        return Reaction(content)
    found = _SHORTCODE.match(content)
    # Akkoma writes the name in the tag without colons, some write the content without them.
    shortcode = found[1] if found else content
    emoji = next((item for item in parse_emojis(doc.get("tag")) if item.shortcode.partition("@")[0] == shortcode), None)
    return Reaction(f":{shortcode}:", emoji) if emoji is not None else None
