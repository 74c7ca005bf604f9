"""The canonical form of JSON, beside an implementation that knows nothing of ours."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import orjson
import pytest
import rfc8785
from hypothesis import given, settings
from hypothesis import strategies as st

from fediverse_node.base.outcome import Fail
from fediverse_node.signatures.jcs import dump_jcs
from fediverse_node.signatures.reasons import SignatureFault

_VECTORS = Path(__file__).resolve().parents[4] / "shared/data/vectors/jcs"

_leaves = (
    st.none() | st.booleans() | st.integers(-(2**53) + 1, 2**53 - 1) | st.floats(allow_nan=False, allow_infinity=False)
)
_texts = st.text(st.characters(exclude_categories=["Cs"]))
_json = st.recursive(_leaves | _texts, lambda inner: st.lists(inner) | st.dictionaries(_texts, inner), max_leaves=20)


@given(_json)
@settings(max_examples=300, deadline=None)
def test_every_value_has_the_form_that_another_implementation_gives_it(value: object) -> None:
    assert dump_jcs(value) == rfc8785.dumps(value)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ({"b": 1, "a": [True, None, "é"]}, '{"a":[true,null,"é"],"b":1}'),
        (1.0, "1"),
        (-0.0, "0"),
        (1e21, "1e+21"),
        (123456789012345680000.0, "123456789012345680000"),
        (1e-7, "1e-7"),
        (0.000001, "0.000001"),
        (5e-324, "5e-324"),
        (25.273962, "25.273962"),
        # An integer that other readers of JSON take for a double.
        (12345678901234567890, "12345678901234567000"),
        # In the order of UTF-16 units, in which a pair of surrogates comes before some of one unit.
        ({"\ufb33": 1, "\U0001f600": 2}, '{"\U0001f600":2,"\ufb33":1}'),
        ('\b\t\n\f\r"\\\x1f\x7f', '"\\b\\t\\n\\f\\r\\"\\\\\\u001f\x7f"'),
    ],
)
def test_values_are_written_as_the_specification_says(value: object, text: str) -> None:
    assert dump_jcs(value) == text.encode()


@pytest.mark.parametrize("value", [float("inf"), float("nan"), {"a": "\ud800"}, {"a": object()}])
def test_what_is_no_json_has_no_canonical_form(value: object) -> None:
    outcome = dump_jcs(value)
    assert isinstance(outcome, Fail)
    assert outcome.reason is SignatureFault.MALFORMED


def test_nesting_without_end_is_refused_before_it_costs_anything() -> None:
    deep: Any = 1.5
    for _ in range(5000):
        deep = [deep]
    assert isinstance(dump_jcs(deep), Fail)


@pytest.mark.skipif(not _VECTORS.is_dir(), reason="the collected vectors are not beside this checkout")
@pytest.mark.parametrize("name", ["arrays", "french", "structures", "unicode", "values", "weird"])
def test_the_vectors_of_the_specifications_author_come_out_to_the_byte(name: str) -> None:
    value = orjson.loads((_VECTORS / "input" / f"{name}.json").read_bytes())
    assert dump_jcs(value) == (_VECTORS / "output" / f"{name}.json").read_bytes().rstrip(b"\n")
