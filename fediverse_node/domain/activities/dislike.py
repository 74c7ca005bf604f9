"""Dislike: an actor is against an object (Lemmy, PeerTube, Friendica).  spec: as2-vocabulary#dfn-dislike

It is counted and nobody is told; it is never shown as a like. See `domain/reactions.py`. Ours say no such thing.
"""

from __future__ import annotations

from fediverse_node.domain import reactions

needs = reactions.needs
decide = reactions.decide
