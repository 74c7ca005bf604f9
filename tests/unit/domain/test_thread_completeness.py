"""How complete a conversation is, and how long it is left alone."""

from __future__ import annotations

import pytest

from fediverse_node.domain.threads import (
    LONGEST_REST_MS,
    SHORTEST_REST_MS,
    Completeness,
    Ended,
    Lack,
    patience_ms,
    rest_ms,
)

_HOUR_MS = 3_600_000
_DAY_MS = 24 * _HOUR_MS


@pytest.mark.parametrize(
    ("age_ms", "rest"),
    [
        pytest.param(-5_000, SHORTEST_REST_MS, id="from the future"),
        pytest.param(0, SHORTEST_REST_MS, id="now"),
        pytest.param(_HOUR_MS, SHORTEST_REST_MS, id="an hour"),
        pytest.param(_DAY_MS, 6 * _HOUR_MS, id="a day"),
        pytest.param(365 * _DAY_MS, LONGEST_REST_MS, id="a year"),
    ],
)
def test_the_older_a_conversation_is_the_longer_it_is_left_alone(age_ms: int, rest: int) -> None:
    assert rest_ms(age_ms) == rest


def test_what_is_deleted_is_never_asked_for_again_and_who_refuses_ever_less_often() -> None:
    assert patience_ms(Lack.GONE, 1) is None
    refused = [patience_ms(Lack.REFUSED, attempts) for attempts in (1, 2, 3, 40)]
    assert refused == [_DAY_MS, 2 * _DAY_MS, 4 * _DAY_MS, 30 * _DAY_MS]
    assert patience_ms(Lack.UNREACHABLE, 1) == SHORTEST_REST_MS


@pytest.mark.parametrize(
    ("known", "total", "is_whole"),
    [
        pytest.param(Completeness(0), 0, True, id="nothing was said"),
        pytest.param(Completeness(6), 6, True, id="all is here"),
        pytest.param(Completeness(6, {Lack.REFUSED: 2, Lack.GONE: 1}), 9, False, id="some is not"),
        pytest.param(Completeness(6, beginning=Lack.GONE), 6, False, id="the beginning is not"),
        pytest.param(Completeness(6, silent_hosts=("far.example",)), 6, False, id="somebody did not answer"),
        pytest.param(Completeness(6, ended=Ended.BUDGET), 6, False, id="not everybody was asked"),
        pytest.param(Completeness(6, claimed=80), 6, True, id="a claim alone proves nothing"),
    ],
)
def test_a_conversation_is_whole_if_nothing_is_known_to_be_missing(
    known: Completeness, total: int, is_whole: bool
) -> None:
    assert (known.known, known.is_whole) == (total, is_whole)
