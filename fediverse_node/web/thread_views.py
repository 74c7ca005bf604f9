"""A thread as nested answers: deep enough to follow who speaks to whom, flat enough for a narrow screen."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from fediverse_node.web.post_views import PostView

DEPTH_LIMIT = 4


@dataclass(frozen=True, slots=True)
class ThreadNode:
    """A post and the answers to it. `tells_whom`: it stands too far from what it answers to do without saying so."""

    post: PostView
    tells_whom: bool
    answers: tuple[ThreadNode, ...]


def nest(root_id: int, posts: Sequence[PostView], parent_of: Mapping[int, int | None]) -> tuple[ThreadNode, ...]:
    """The answers to `root_id` among `posts`, the oldest first. What does not hang on it is left out.

    Below the deepest level all further answers stand beside each other. Takes time in proportion to the
    posts, however deep they are nested, and a circle of answers does no harm.
    """
    children: dict[int, list[PostView]] = {}
    for post in posts:
        parent = parent_of.get(post.id)
        if parent is not None and post.id != root_id:
            children.setdefault(parent, []).append(post)
    return tuple(_node(child, children, 1) for child in children.pop(root_id, ()))


def _node(post: PostView, children: dict[int, list[PostView]], depth: int) -> ThreadNode:
    answers = children.pop(post.id, [])
    if depth + 1 < DEPTH_LIMIT:
        return ThreadNode(post, False, tuple(_node(answer, children, depth + 1) for answer in answers))
    direct = {answer.id for answer in answers}
    below = _flattened(answers, children)
    return ThreadNode(post, False, tuple(ThreadNode(deep, deep.id not in direct, ()) for deep in below))


def _flattened(answers: list[PostView], children: dict[int, list[PostView]]) -> list[PostView]:
    found: list[PostView] = []
    waiting = list(reversed(answers))
    while waiting:
        post = waiting.pop()
        found.append(post)
        waiting.extend(reversed(children.pop(post.id, [])))
    return found
