"""Who finds what by its words: what its author, or the post itself, has agreed to.  spec: fep-268d, fep-5feb"""

from __future__ import annotations

from typing import Any

import aiohttp
import pytest

from fediverse_node.base.outcome import Fail
from tests.fake_peer import PUBLIC, FakePeer
from tests.inprocess import Running
from tests.running_node import Api


@pytest.mark.parametrize(
    "actor_says, post_says, is_found",
    [
        pytest.param({}, {}, False, id="nobody has agreed"),
        pytest.param({"indexable": True}, {}, True, id="its author has"),
        pytest.param({"searchableBy": PUBLIC}, {}, True, id="its author has, in the newer word"),
        pytest.param({"searchableBy": ["ME"], "indexable": True}, {}, False, id="the newer word counts"),
        pytest.param({}, {"searchableBy": PUBLIC}, True, id="the post has"),
        pytest.param({"indexable": True}, {"searchableBy": ["ME"]}, False, id="the post has not, whatever its author"),
        pytest.param(
            {"indexable": True}, {"searchableBy": ["FOLLOWERS"]}, False, id="for followers, whom she is not of"
        ),
        pytest.param({"indexable": True}, {"searchableBy": []}, True, id="an empty list says nothing"),
    ],
)
async def test_a_strangers_post_is_found_if_they_have_agreed(
    home: Running, peer: FakePeer, actor_says: dict[str, Any], post_says: dict[str, Any], is_found: bool
) -> None:
    registration = home.node.core.registration
    made = await registration.create("alice", "alice@example.org")
    assert not isinstance(made, Fail)
    token = await registration.token(made.user_id, "read write")
    ann = peer.person("ann")
    words = {"ME": ann.uri, "FOLLOWERS": ann.followers}

    def meant(says: dict[str, Any]) -> dict[str, Any]:
        return {k: [words[w] for w in v] if isinstance(v, list) else v for k, v in says.items()}

    peer.documents[ann.uri] |= meant(actor_says)
    note = peer.note(ann, "<p>a zeppelin over the harbour</p>", **meant(post_says))
    assert isinstance(await home.node.gatherer.object(note["id"]), int)
    async with aiohttp.ClientSession(home.base_url, headers={"Authorization": f"Bearer {token}"}) as session:
        api = Api(session)
        found = await api.get("/api/v2/search", q="zeppelin", type="statuses")
        assert [each["uri"] for each in found["statuses"]] == ([note["id"]] if is_found else [])
        # Whoever has kept it finds it again.
        shown = (await api.get("/api/v2/search", q=note["id"], type="statuses", resolve="true"))["statuses"][0]
        await api.post(f"/api/v1/statuses/{shown['id']}/bookmark")
        found = await api.get("/api/v2/search", q="zeppelin", type="statuses")
        assert [each["uri"] for each in found["statuses"]] == [note["id"]]


async def test_our_people_say_whether_they_may_be_found(home: Running, peer: FakePeer) -> None:
    await home.add_person("alice")
    uri = f"{home.base_url}/users/alice"
    async with peer.session.get(uri, headers={"Accept": "application/activity+json"}) as response:
        document = await response.json(content_type=None)
    assert (document["indexable"], document["searchableBy"]) == (False, uri)
