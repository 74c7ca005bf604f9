"""A thread as nested answers, deep enough to follow who speaks to whom and flat enough for a narrow screen; and in
plain words how much of it is here.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from fediverse_node.domain.threads import Completeness, Ended, Lack
from fediverse_node.web.moments import Moment, moment
from fediverse_node.web.post_views import PostView

DEPTH_LIMIT = 4
_UNBROKEN = "\u00a0"


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


@dataclass(frozen=True, slots=True)
class Account:
    """How much of a conversation is here: one line, and what there is to say about it. `is_asking`: more may come."""

    line: str
    more: tuple[str, ...]
    is_asking: bool
    looked: Moment | None


def account_of(known: Completeness, *, is_asking: bool, now_ms: int) -> Account | None:
    """What to tell of a conversation; None where nobody has ever looked and nobody does."""
    if known.walked_ms is None and not known.lacking and known.beginning is None and not is_asking:
        return None
    looked = moment(known.walked_ms, now_ms) if known.walked_ms is not None else None
    return Account(_line(known), tuple(_more(known)), is_asking, looked)


def _line(known: Completeness) -> str:
    total, held = known.known, known.held
    if total == held:
        parts = ["No other reply is known" if not held else _all(held)]
    else:
        parts = [f"{held} of {total} known replies {'is' if held == 1 else 'are'} here"]
    if known.refusing_hosts:
        parts.append(f"{_counted(len(known.refusing_hosts), 'server')} refused")
    if known.silent_hosts:
        others = "" if known.refusing_hosts else f" {'server' if len(known.silent_hosts) == 1 else 'servers'}"
        parts.append(f"{len(known.silent_hosts)}{others} did not answer")
    if gone := known.lacks(Lack.GONE):
        parts.append(f"{gone} deleted")
    return ", ".join([parts[0], *(part.replace(" ", _UNBROKEN) for part in parts[1:])])


def _all(held: int) -> str:
    if held == 1:
        return "The one known reply is here"
    return "Both known replies are here" if held == 2 else f"All {held} known replies are here"


_SAID = (
    (Lack.WAITING, "{} still to be asked for"),
    (Lack.REFUSED, "{} not shown to this server by {hosts}"),
    (Lack.GONE, "{} deleted"),
    (Lack.MISSING, "{} not to be found where it was written"),
    (Lack.UNREACHABLE, "{} on a server that does not answer: {hosts}"),
    (Lack.BLOCKED, "{} by somebody this server has nothing to do with"),
    (Lack.PRIVATE, "{} not for everybody"),
    (Lack.UNREADABLE, "{} of a kind that cannot be shown here"),
)


def _more(known: Completeness) -> Iterator[str]:
    hosts = {Lack.REFUSED: known.refusing_hosts, Lack.UNREACHABLE: known.silent_hosts}
    for why, words in _SAID:
        number = known.lacks(why)
        if number:
            verbs = ("was", "were") if why is Lack.GONE else ("is", "are")
            counted = f"{_counted(number, 'reply', 'replies')} {verbs[number != 1]}"
            yield words.format(counted, hosts=_named(hosts.get(why, ()))) + "."
    for why, words in ((Lack.REFUSED, "would not say"), (Lack.UNREACHABLE, "could not be asked")):
        if hosts[why] and not known.lacks(why):
            yield f"{_named(hosts[why])} {words} who else has replied there."
    if known.beginning is not None:
        yield f"A post that is answered here is missing: {known.beginning.sentence}."
    if known.claimed is not None:
        yield f"Other servers count {known.claimed} replies; that is only what they say."
    if known.ended is Ended.TOO_LARGE:
        yield "The conversation is larger than this server follows."
    elif known.ended is not None:
        yield "Not everybody has been asked yet; it goes on later."


def _counted(number: int, one: str, many: str | None = None) -> str:
    return f"{number} {one if number == 1 else many or one + 's'}"


def _named(hosts: Sequence[str], most: int = 4) -> str:
    named = ", ".join(hosts[:most])
    return f"{named} and {len(hosts) - most} more" if len(hosts) > most else named
