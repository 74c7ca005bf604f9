"""What a year was like."""

from __future__ import annotations

from datetime import UTC, datetime
from itertools import pairwise

import pytest

from fediverse_node.base.clock import to_ms
from fediverse_node.domain.annual_reports import Doings, archetype_of, may_look_back, month_starts, months_so_far


@pytest.mark.parametrize(
    ("done", "word"),
    [
        (Doings(0, 0, 0, 0), "lurker"),
        (Doings(20, 20, 9, 9), "lurker"),
        (Doings(20, 20, 10, 0), "oracle"),
        (Doings(20, 0, 41, 9), "booster"),
        (Doings(20, 90, 40, 3), "pollster"),
        (Doings(20, 41, 40, 2), "replier"),
        (Doings(20, 40, 40, 2), "oracle"),
    ],
)
def test_a_word_says_how_somebody_takes_part(done: Doings, word: str) -> None:
    assert archetype_of(done) == word


def test_one_looks_back_on_a_year_when_it_is_about_to_end() -> None:
    before, after = (to_ms(datetime(2026, 12, day, tzinfo=UTC)) for day in (9, 10))
    assert not may_look_back(2026, before)
    assert may_look_back(2026, after)
    assert may_look_back(2025, before)
    assert not may_look_back(2027, after)
    assert (months_so_far(2025, before), months_so_far(2026, before)) == (12, 12)
    assert months_so_far(2026, to_ms(datetime(2026, 3, 1, tzinfo=UTC))) == 3


def test_months_follow_each_other_without_a_gap() -> None:
    starts = month_starts(2024)
    assert len(starts) == 13
    days = [(later - earlier) // 86_400_000 for earlier, later in pairwise(starts)]
    assert days == [31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31]
