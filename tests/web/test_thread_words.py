"""What our pages say about how much of a conversation is here."""

from __future__ import annotations

import pytest

from fediverse_node.domain.threads import Completeness, Ended, Lack
from fediverse_node.web.thread_views import account_of

_NOW_MS = 1_790_000_000_000
_FAR = ("far.example",)


def _words(known: Completeness) -> list[str]:
    account = account_of(known, is_asking=False, now_ms=_NOW_MS)
    assert account is not None
    return [account.line.replace("\u00a0", " "), *account.more]


@pytest.mark.parametrize(
    ("known", "words"),
    [
        (Completeness(0, walked_ms=_NOW_MS), ["No other reply is known"]),
        (Completeness(1, walked_ms=_NOW_MS), ["The one known reply is here"]),
        (Completeness(7, walked_ms=_NOW_MS), ["All 7 known replies are here"]),
        (
            Completeness(6, {Lack.REFUSED: 2, Lack.GONE: 1}, refusing_hosts=("a.example", "b.example")),
            [
                "6 of 9 known replies are here, 2 servers refused, 1 deleted",
                "2 replies are not shown to this server by a.example, b.example.",
                "1 reply was deleted.",
            ],
        ),
        (
            Completeness(1, {Lack.WAITING: 3}, walked_ms=_NOW_MS, ended=Ended.BUDGET, claimed=12, beginning=Lack.GONE),
            [
                "1 of 4 known replies is here",
                "3 replies are still to be asked for.",
                "A post that is answered here is missing: it was deleted.",
                "Other servers count 12 replies; that is only what they say.",
                "Not everybody has been asked yet; it goes on later.",
            ],
        ),
        (
            Completeness(4, {Lack.UNREACHABLE: 1}, silent_hosts=_FAR, refusing_hosts=("a.example",), walked_ms=1),
            [
                "4 of 5 known replies are here, 1 server refused, 1 did not answer",
                "1 reply is on a server that does not answer: far.example.",
                "a.example would not say who else has replied there.",
            ],
        ),
        (
            Completeness(2, {Lack.BLOCKED: 1, Lack.PRIVATE: 1, Lack.UNREADABLE: 1, Lack.MISSING: 1}, walked_ms=1),
            [
                "2 of 6 known replies are here",
                "1 reply is not to be found where it was written.",
                "1 reply is by somebody this server has nothing to do with.",
                "1 reply is not for everybody.",
                "1 reply is of a kind that cannot be shown here.",
            ],
        ),
        (
            Completeness(3, silent_hosts=tuple(f"{n}.example" for n in range(6)), walked_ms=1, ended=Ended.TOO_LARGE),
            [
                "All 3 known replies are here, 6 servers did not answer",
                "0.example, 1.example, 2.example, 3.example and 2 more could not be asked who else has replied there.",
                "The conversation is larger than this server follows.",
            ],
        ),
    ],
)
def test_how_much_is_here_is_said_in_plain_words(known: Completeness, words: list[str]) -> None:
    assert _words(known) == words


def test_nothing_is_said_where_nobody_has_looked() -> None:
    assert account_of(Completeness(3), is_asking=False, now_ms=_NOW_MS) is None
    asking = account_of(Completeness(3), is_asking=True, now_ms=_NOW_MS)
    assert asking is not None
    assert (asking.is_asking, asking.looked) == (True, None)
