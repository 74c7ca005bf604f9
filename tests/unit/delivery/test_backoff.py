"""How long a delivery waits, and what answers mean."""

from __future__ import annotations

import itertools
from datetime import UTC, datetime

import pytest

from fediverse_node.base.outcome import Fail, TemporaryFail
from fediverse_node.base.randomness import SeededRandomness
from fediverse_node.delivery.backoff import GIVE_UP_AFTER_MS, pause_ms
from fediverse_node.delivery.verdict import Verdict, judge
from fediverse_node.transport.exchange import Response
from fediverse_node.transport.faults import FetchFault

_NOW = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)


def _answer(status: int, **headers: str) -> Response:
    pairs = tuple((name.replace("_", "-"), value) for name, value in headers.items())
    return Response(status, pairs, b"", "https://far.example/inbox")


def test_pauses_grow_from_half_a_minute_to_a_day() -> None:
    randomness = SeededRandomness(1)
    typical = [sum(pause_ms(n, randomness) for _ in range(200)) / 200 / 1000 for n in range(1, 12)]
    assert 25 < typical[0] < 35
    assert all(later >= earlier * 0.95 for earlier, later in itertools.pairwise(typical))
    assert 80_000 < typical[-1] < 95_000


def test_hosts_that_failed_together_do_not_come_back_together() -> None:
    randomness = SeededRandomness(2)
    pauses = [pause_ms(3, randomness) for _ in range(100)]
    assert max(pauses) - min(pauses) > 120_000
    assert all(360_000 <= pause <= 600_000 for pause in pauses)


def test_all_attempts_fit_into_the_days_before_giving_up() -> None:
    randomness = SeededRandomness(3)
    spent, attempts = 0, 0
    while spent < GIVE_UP_AFTER_MS:
        attempts += 1
        spent += pause_ms(attempts, randomness)
    assert 11 <= attempts <= 16


@pytest.mark.parametrize(
    ("asked_s", "at_least_s", "at_most_s"),
    [
        pytest.param(None, 22, 38, id="the host asks for nothing"),
        pytest.param(5.0, 22, 38, id="it asks for less than we wait anyway"),
        pytest.param(600.0, 600, 600, id="it asks for ten minutes"),
        pytest.param(1e9, 86_400, 86_400, id="it asks for thirty years"),
    ],
)
def test_a_host_may_ask_for_more_patience_up_to_a_day(
    asked_s: float | None, at_least_s: float, at_most_s: float
) -> None:
    pause_s = pause_ms(1, SeededRandomness(4), asked_s=asked_s) / 1000
    assert at_least_s <= pause_s <= at_most_s


@pytest.mark.parametrize(
    ("answer", "attempts", "verdict"),
    [
        pytest.param(_answer(200), 1, Verdict.DELIVERED, id="200"),
        pytest.param(_answer(202), 1, Verdict.DELIVERED, id="202"),
        pytest.param(_answer(401), 1, Verdict.LATER, id="401 at first: it may not have reached our key"),
        pytest.param(_answer(401), 3, Verdict.LATER, id="401 for the third time: it may not yet ask for a new key"),
        pytest.param(_answer(401), 4, Verdict.REFUSED, id="401 for the fourth time"),
        pytest.param(_answer(403), 4, Verdict.REFUSED, id="403 for the fourth time"),
        pytest.param(_answer(404), 1, Verdict.LATER, id="404 at first: perhaps a proxy without its server"),
        pytest.param(_answer(410), 1, Verdict.REFUSED, id="410 is final"),
        pytest.param(_answer(400), 1, Verdict.REFUSED, id="400 will not get better"),
        pytest.param(_answer(422), 1, Verdict.REFUSED, id="422 will not get better"),
        pytest.param(_answer(429), 9, Verdict.LATER, id="429 asks for patience"),
        pytest.param(_answer(500), 1, Verdict.HOST_DOWN, id="500"),
        pytest.param(_answer(503), 9, Verdict.HOST_DOWN, id="503"),
        pytest.param(TemporaryFail(FetchFault.TIMEOUT), 1, Verdict.HOST_DOWN, id="no answer in time"),
        pytest.param(Fail(FetchFault.DNS), 1, Verdict.HOST_DOWN, id="the name is not found, perhaps for now"),
        pytest.param(Fail(FetchFault.TLS), 1, Verdict.HOST_DOWN, id="its certificate has run out"),
        pytest.param(Fail(FetchFault.ADDRESS_REFUSED), 1, Verdict.REFUSED, id="an address we never go to"),
        pytest.param(Fail(FetchFault.REDIRECT_REFUSED), 1, Verdict.REFUSED, id="it sends us somewhere else"),
    ],
)
def test_what_an_answer_means(answer: Response | Fail | TemporaryFail, attempts: int, verdict: Verdict) -> None:
    assert judge(answer, attempts, _NOW).verdict is verdict


def test_the_cause_of_a_failure_is_kept_in_words_for_the_receipt() -> None:
    assert judge(_answer(503, retry_after="120"), 1, _NOW).cause == "status 503"
    assert judge(_answer(503, retry_after="120"), 1, _NOW).retry_after_s == 120
    assert "in time" in judge(TemporaryFail(FetchFault.TIMEOUT), 1, _NOW).cause
