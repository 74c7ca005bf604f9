"""Approval stamps: of today, of older GoToSocials, and what is none."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fediverse_node.base.outcome import Fail
from fediverse_node.protocol.authorizations import Authorization, dump_authorization, parse_authorization

ID, OWNER, THING, TARGET = (f"https://a.example/{name}" for name in ("stamps/1", "users/a", "notes/1", "notes/2"))
NEW = {"id": ID, "attributedTo": OWNER, "interactingObject": THING, "interactionTarget": TARGET}


@pytest.mark.parametrize(
    "document, expected",
    [
        pytest.param(
            NEW | {"type": "QuoteAuthorization"}, Authorization(ID, "quote", OWNER, THING, TARGET), id="quote"
        ),
        pytest.param(
            NEW | {"type": ["Object", "ReplyAuthorization"], "interactionTarget": {"id": TARGET, "type": "Note"}},
            Authorization(ID, "reply", OWNER, THING, TARGET),
            id="with what it is about inside",
        ),
        pytest.param(
            {"id": ID, "type": "ReplyApproval", "attributedTo": OWNER, "object": THING, "target": TARGET},
            Authorization(ID, "reply", OWNER, THING, TARGET),
            id="GoToSocial 0.19",
        ),
        pytest.param(
            {"id": ID, "type": "Accept", "actor": OWNER, "object": {"id": THING, "type": "Note"}},
            Authorization(ID, "", OWNER, THING, None),
            id="GoToSocial 0.17",
        ),
        pytest.param(NEW | {"type": "Note"}, None, id="a note"),
        pytest.param(NEW | {"type": "QuoteApproval"}, None, id="a name that nobody uses"),
        pytest.param(
            {"id": ID, "type": "QuoteAuthorization", "attributedTo": OWNER, "object": THING, "target": TARGET},
            None,
            id="the old words under the new name",
        ),
        pytest.param(NEW | {"type": "QuoteAuthorization", "interactionTarget": None}, None, id="about nothing"),
        pytest.param(NEW | {"type": "QuoteAuthorization", "attributedTo": None}, None, id="of nobody"),
        pytest.param(NEW | {"type": "QuoteAuthorization", "id": {"id": ID}}, None, id="without an id of its own"),
        pytest.param([], None, id="no object"),
    ],
)
def test_a_stamp_is_read(document: Any, expected: Authorization | None) -> None:
    found = parse_authorization(document)
    assert isinstance(found, Fail) if expected is None else found == expected


@pytest.mark.parametrize("kind", ["quote", "reply", "like", "announce"])
def test_a_stamp_of_ours_can_be_read(kind: str) -> None:
    stamp = Authorization(ID, kind, OWNER, THING, TARGET)
    document = dump_authorization(stamp)
    assert parse_authorization(document) == stamp
    assert {document["interactingObject"], document["interactionTarget"]} == {THING, TARGET}, "ids, not the posts"


_json = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from([*NEW, "type", "object", "x"]), inner),
    max_leaves=12,
)


@given(_json, st.sampled_from(["QuoteAuthorization", "ReplyApproval", "Accept"]))
def test_nothing_that_is_sent_raises(document: Any, type_: str) -> None:
    parse_authorization(document)
    if isinstance(document, dict):
        parse_authorization(NEW | document | {"type": type_})
