"""How far one walk goes. What is left is done by the next one.

Mastodon's are 500 replies a post, 1,000 a thread, 500 pages, and 15 minutes between two looks at the same post. Ours
are lower for one walk, and a walk that has to end early is taken up again, so that a large thread becomes whole
over an hour and no host notices.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Limits:
    """What one walk may use."""

    fetches: int = 300
    fetches_a_domain: int = 120
    time_s: float = 120.0
    host_time_s: float = 40.0  # of waiting for one host
    side_by_side: int = 4  # requests at once, each to another host
    posts: int = 300  # new ones
    pages: int = 60  # of collections
    items_a_source: int = 500
    pages_a_source: int = 10
    sources: int = 150  # collections
    contexts: int = 4  # of them: collections that list whole conversations
    loose: int = 200  # fetched, and waiting for what they answer
    depth: int = 100  # of answers to answers above what is here, and of parents that have to be fetched first
    credit: int = 8  # posts in a row that do not belong here, until a collection is not believed any more
    misses_of_host: int = 2  # until a host is left alone for the rest of the walk
    # Of a thread, over all walks.
    thread_posts: int = 1_900
    thread_gaps: int = 1_000
    thread_sources: int = 2_000
    continuations: int = 8  # walks in a row that go on where the one before had to end


LIMITS = Limits()
