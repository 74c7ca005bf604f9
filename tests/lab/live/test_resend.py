"""The inspector sends requests again: as they were, or edited and signed anew."""

from __future__ import annotations

import pytest

from fediverse_node.base.errors import NodeError
from fediverse_node.lab.exchange import Exchange, Message
from fediverse_node.lab.live.resend import Resender
from fediverse_node.lab.live.world import LiveWorld


async def _follow(live: LiveWorld) -> Exchange:
    alice, ben = await live.people("alice@alpha", "ben@beta")
    await ben.follows(alice)
    await live.quiet()
    return next(each for each in live.recording if each.activity.type == "Follow")


async def test_the_same_request_is_answered_again_and_recorded(live: LiveWorld) -> None:
    follow = await _follow(live)
    again = await Resender(live)(follow.request, "alpha.test")
    assert again is live.recording.find(again.number)
    assert again.number > follow.number
    assert (again.sender, again.receiver, again.cause) == ("", "alpha.test", None)
    assert again.request.body == follow.request.body
    assert again.status in (200, 202)
    assert any(step.name.startswith("signature.") for step in again.steps)


async def test_an_edited_request_counts_once_it_is_signed_anew(live: LiveWorld) -> None:
    follow = await _follow(live)
    unsigned = Message(
        follow.request.start,
        (("Host", "alpha.test"), ("Content-Type", "application/activity+json")),
        follow.request.body.replace(b'"Follow"', b'"Flag"  '),
    )
    refused = await Resender(live)(unsigned, "alpha.test")
    assert refused.status == 401
    accepted = await Resender(live)(unsigned, "alpha.test", sign_as="https://beta.test/users/ben")
    assert accepted.sender == "beta.test"
    assert accepted.request.header("signature")
    assert all(step.passed for step in accepted.steps if step.name.startswith("signature."))


@pytest.mark.parametrize(
    ("host", "sign_as", "sentence"),
    [
        ("gamma.test", None, "there is no gamma.test in this world"),
        ("alpha.test", "https://gamma.test/users/x", "has the key of"),
        ("alpha.test", "https://beta.test/users/nobody", "has the key of"),
        ("alpha.test", "no address", "has the key of"),
    ],
)
async def test_what_cannot_be_sent_is_said(live: LiveWorld, host: str, sign_as: str | None, sentence: str) -> None:
    follow = await _follow(live)
    with pytest.raises(NodeError, match=sentence):
        await Resender(live)(follow.request, host, sign_as=sign_as)


async def test_a_node_that_is_down_is_recorded_as_such(live: LiveWorld) -> None:
    follow = await _follow(live)
    await live.nodes["alpha.test"].stop()
    again = await Resender(live)(follow.request, "alpha.test")
    assert (again.status, again.failure) == (0, "alpha.test is down")
