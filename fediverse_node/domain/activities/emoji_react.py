"""EmojiReact: an actor says something about an object with one picture.  spec: fep-c0e0#emojireact-activity

A Like with a picture means the same and comes by `like.py`; what follows is in `domain/reactions.py` for both.
"""

from __future__ import annotations

from fediverse_node.domain import reactions

needs = reactions.needs
decide = reactions.decide
