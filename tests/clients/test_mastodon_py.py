"""Mastodon.py, which bots are written with, against a served node: it parses every answer into its own types."""

from __future__ import annotations

import base64
import hashlib
import io
import secrets
import threading
from collections.abc import Iterator
from typing import Any

import aiohttp
import pytest
import requests
from mastodon import Mastodon, StreamListener
from mastodon.errors import MastodonError, MastodonNotFoundError, MastodonUnauthorizedError
from PIL import Image

from tests.clients.browser import sign_in_and_answer
from tests.running_node import PASSWORD, RunningNode, running_node

SCOPES = ["read", "write", "follow", "push"]
OUT_OF_BAND = "urn:ietf:wg:oauth:2.0:oob"


@pytest.fixture(scope="module")
def node() -> Iterator[RunningNode]:
    with running_node("alice", "ben", "cleo") as running:
        yield running


@pytest.fixture(scope="module")
def clients(node: RunningNode) -> Iterator[dict[str, Any]]:
    with requests.Session() as session:
        yield {
            name: Mastodon(access_token=token, api_base_url=node.base_url, session=session, ratelimit_method="throw")
            for name, token in node.tokens.items()
        }


@pytest.fixture
def alice(clients: dict[str, Any]) -> Any:
    return clients["alice"]


@pytest.fixture
def ben(clients: dict[str, Any]) -> Any:
    return clients["ben"]


@pytest.fixture
def cleo(clients: dict[str, Any]) -> Any:
    return clients["cleo"]


def picture(colour: str = "red") -> io.BytesIO:
    target = io.BytesIO()
    Image.new("RGB", (120, 80), colour).save(target, "PNG")
    target.seek(0)
    return target


async def test_a_person_signs_in_with_a_code_that_they_copy(node: RunningNode) -> None:
    with requests.Session() as session:
        client_id, client_secret = Mastodon.create_app(
            "A script", scopes=SCOPES, api_base_url=node.base_url, session=session
        )
        client = Mastodon(client_id, client_secret, api_base_url=node.base_url, session=session)
        url = client.auth_request_url(scopes=SCOPES, allow_http=True)
        shown = await sign_in_and_answer(url, login="alice", password=PASSWORD)
        token = client.log_in(code=shown["code"], scopes=SCOPES, allow_http=True)
        assert client.me().username == "alice"
        client.revoke_access_token(allow_http=True)
        assert not client.access_token
        late = Mastodon(access_token=token, api_base_url=node.base_url, session=session)
        with pytest.raises(MastodonUnauthorizedError):
            late.me()
        with pytest.raises(MastodonError):
            client.log_in(code=shown["code"], scopes=SCOPES, allow_http=True)


@pytest.mark.parametrize("knows_the_secret", [True, False])
async def test_a_code_is_worth_nothing_without_the_secret_of_the_challenge(
    knows_the_secret: bool, node: RunningNode
) -> None:
    redirect_uri = "http://127.0.0.1:9/callback?from=here"
    secret, state = secrets.token_urlsafe(48), secrets.token_urlsafe(8)
    challenge = base64.urlsafe_b64encode(hashlib.sha256(secret.encode()).digest()).rstrip(b"=").decode()
    async with aiohttp.ClientSession(node.base_url) as session:
        wish = {"client_name": "An app", "redirect_uris": redirect_uri, "scopes": "read write"}
        async with session.post("/api/v1/apps", data=wish) as response:
            app = await response.json()
        asked = {
            "response_type": "code",
            "client_id": app["client_id"],
            "redirect_uri": redirect_uri,
            "scope": "read write",
            "state": state,
            "code_challenge": challenge,
            "code_challenge_method": "S256",
        }
        url = str(requests.Request("GET", f"{node.base_url}/oauth/authorize", params=asked).prepare().url)
        got = await sign_in_and_answer(url, login="alice@example.org", password=PASSWORD)
        assert (got["state"], got["from"]) == (state, "here")
        exchange = {
            "grant_type": "authorization_code",
            "client_id": app["client_id"],
            "client_secret": app["client_secret"],
            "redirect_uri": redirect_uri,
            "code": got["code"],
            "code_verifier": secret if knows_the_secret else "x" * 64,
        }
        async with session.post("/oauth/token", data=exchange) as response:
            answer = await response.json()
            assert response.status == (200 if knows_the_secret else 400), answer
        if knows_the_secret:
            assert answer["scope"] == "read write"
            headers = {"Authorization": f"Bearer {answer['access_token']}"}
            async with session.get("/api/v1/accounts/verify_credentials", headers=headers) as response:
                assert (await response.json())["username"] == "alice"
        else:
            assert answer["error"] == "invalid_grant"


async def test_the_app_is_told_when_the_person_says_no(node: RunningNode) -> None:
    with requests.Session() as session:
        redirect_uri = "http://127.0.0.1:9/callback"
        client_id, client_secret = Mastodon.create_app(
            "A script", scopes=SCOPES, redirect_uris=redirect_uri, api_base_url=node.base_url, session=session
        )
        client = Mastodon(client_id, client_secret, api_base_url=node.base_url, session=session)
        url = client.auth_request_url(redirect_uris=redirect_uri, scopes=SCOPES, state="abc", allow_http=True)
        told = await sign_in_and_answer(url, login="ben", password=PASSWORD, answer="deny")
        assert (told["error"], told["state"]) == ("access_denied", "abc")
        assert "code" not in told


def test_a_post_with_a_picture_keeps_description_focus_and_warning(alice: Any) -> None:
    media = alice.media_post(picture(), mime_type="image/png", description="a red field", focus=(0.5, -0.25))
    status = alice.status_post(
        "look at #this", media_ids=[media], sensitive=True, spoiler_text="colours", visibility="unlisted", language="de"
    )
    attachment = status.media_attachments[0]
    assert (attachment.type, attachment.description) == ("image", "a red field")
    assert (attachment.meta.focus.x, attachment.meta.focus.y) == (0.5, -0.25)
    assert (attachment.meta.original.width, attachment.meta.original.height) == (120, 80)
    assert attachment.blurhash
    assert (status.spoiler_text, status.sensitive, status.visibility) == ("colours", True, "unlisted")
    assert (status.language, [tag.name for tag in status.tags]) == ("de", ["this"])
    assert requests.get(attachment.url, timeout=10).headers["Content-Type"].startswith("image/")


def test_a_timeline_can_be_walked_both_ways(alice: Any, ben: Any) -> None:
    ben.account_follow(alice.me().id)
    posts = [alice.status_post(f"number {number}").id for number in range(9)]
    page = ben.timeline_home(limit=4)
    assert [status.id for status in page] == posts[:-5:-1]
    older = ben.fetch_next(page)
    assert [status.id for status in older] == posts[-5:-9:-1]
    assert [status.id for status in ben.fetch_previous(older)] == posts[:-5:-1]
    newest = alice.status_post("the newest")
    assert [status.id for status in ben.timeline_home(since_id=posts[-1])] == [newest.id]
    assert [status.id for status in ben.timeline_home(min_id=posts[2], limit=2)] == posts[4:2:-1]
    assert newest.id in [status.id for status in ben.timeline_local()]
    assert newest.id in [status.id for status in ben.account_statuses(alice.me().id)]


def test_a_conversation_is_shown_as_a_tree_and_its_author_is_told(alice: Any, ben: Any) -> None:
    root = alice.status_post("shall we?")
    reply = ben.status_reply(root, "we shall")
    deeper = alice.status_reply(reply, "good")
    context = ben.status_context(reply.id)
    assert [status.id for status in context.ancestors] == [root.id]
    assert [status.id for status in context.descendants] == [deeper.id]
    told = alice.notifications(types=["mention"], limit=5)
    assert told[0].status.id == reply.id
    assert told[0].account.acct == "ben"
    assert alice.notifications(told[0].id).id == told[0].id
    assert alice.status(root.id).replies_count == 1


def test_an_edit_keeps_what_was_said_before(alice: Any) -> None:
    status = alice.status_post("frist", spoiler_text="order")
    edited = alice.status_update(status.id, "first", spoiler_text="order")
    assert edited.edited_at is not None
    assert [("frist" in each.content, "first" in each.content) for each in alice.status_history(status.id)] == [
        (True, False),
        (False, True),
    ]
    source = alice.status_source(status.id)
    assert (source.text, source.spoiler_text) == ("first", "order")
    deleted = alice.status_delete(status.id)
    assert deleted.text == "first"
    with pytest.raises(MastodonNotFoundError):
        alice.status(status.id)


def test_what_people_do_to_a_post_shows_and_can_be_taken_back(alice: Any, ben: Any) -> None:
    status = alice.status_post("do something")
    assert ben.status_favourite(status.id).favourited
    assert ben.status_reblog(status.id).reblog.reblogged
    assert ben.status_bookmark(status.id).bookmarked
    assert alice.status_pin(status.id).pinned
    seen = alice.status(status.id)
    assert (seen.favourites_count, seen.reblogs_count) == (1, 1)
    assert [account.acct for account in alice.status_favourited_by(status.id)] == ["ben"]
    assert [account.acct for account in alice.status_reblogged_by(status.id)] == ["ben"]
    assert status.id in [each.id for each in ben.favourites()]
    assert status.id in [each.id for each in ben.bookmarks()]
    assert status.id in [each.id for each in ben.account_statuses(alice.me().id, pinned=True)]
    assert {each.type for each in alice.notifications(limit=5)} >= {"favourite", "reblog"}
    assert not ben.status_unfavourite(status.id).favourited
    assert not ben.status_unreblog(status.id).reblogged
    assert not ben.status_unbookmark(status.id).bookmarked
    assert not alice.status_unpin(status.id).pinned
    seen = alice.status(status.id)
    assert (seen.favourites_count, seen.reblogs_count) == (0, 0)
    assert status.id not in [each.id for each in ben.bookmarks()]


def test_a_poll_is_made_voted_on_and_counted(alice: Any, ben: Any, cleo: Any) -> None:
    poll = alice.make_poll(["tea", "coffee"], expires_in=3600)
    status = alice.status_post("what will you have?", poll=poll)
    assert ben.poll_vote(status.poll.id, [1]).own_votes == [1]
    cleo.poll_vote(status.poll.id, [0])
    seen = alice.poll(status.poll.id)
    assert [option.votes_count for option in seen.options] == [1, 1]
    assert seen.votes_count == 2
    with pytest.raises(MastodonError):
        ben.poll_vote(status.poll.id, [0])


def test_a_filter_says_which_posts_it_meets(alice: Any, ben: Any) -> None:
    ben.account_follow(alice.me().id)
    made = ben.create_filter_v2(
        "spoilers", ["home"], "warn", keywords_attributes=[{"keyword": "the butler", "whole_word": True}]
    )
    met = alice.status_post("it was the butler")
    spared = alice.status_post("it was the gardener")
    home = {status.id: status for status in ben.timeline_home(limit=5)}
    assert [each.filter.title for each in home[met.id].filtered] == ["spoilers"]
    assert not home[spared.id].filtered
    ben.delete_filter_v2(made.id)
    assert not ben.status(met.id).filtered


def test_a_list_shows_those_who_are_on_it(alice: Any, ben: Any, cleo: Any) -> None:
    made = alice.list_create("friends", replies_policy="none", exclusive=False)
    for friend in (ben, cleo):
        alice.account_follow(friend.me().id)
    alice.list_accounts_add(made.id, [ben.me().id])
    heard, unheard = ben.status_post("on the list"), cleo.status_post("not on it")
    shown = [status.id for status in alice.timeline_list(made.id)]
    assert heard.id in shown
    assert unheard.id not in shown
    assert [account.acct for account in alice.list_accounts(made.id)] == ["ben"]
    assert alice.list_update(made.id, "best friends").title == "best friends"
    alice.list_delete(made.id)
    assert made.id not in [each.id for each in alice.lists()]


def test_search_finds_people_posts_and_tags(alice: Any, node: RunningNode) -> None:
    status = alice.status_post("on #kingfishers")
    assert [account.acct for account in alice.search_v2(f"@ben@{node.host}").accounts] == ["ben"]
    assert [each.id for each in alice.search_v2(status.uri, resolve=True).statuses] == [status.id]
    assert "kingfishers" in [tag.name for tag in alice.search_v2("kingfish", result_type="hashtags").hashtags]
    assert alice.account_lookup("cleo").username == "cleo"
    assert status.id in [each.id for each in alice.timeline_hashtag("kingfishers")]


def test_a_follow_request_is_granted_or_refused(alice: Any, ben: Any, cleo: Any) -> None:
    cleo.account_update_credentials(locked=True)
    us = cleo.me().id
    for client in (alice, ben):
        client.account_unfollow(us)
        client.account_follow(us)
    assert alice.account_relationships(us)[0].requested
    assert {account.acct for account in cleo.follow_requests()} == {"alice", "ben"}
    cleo.follow_request_authorize(alice.me().id)
    cleo.follow_request_reject(ben.me().id)
    assert alice.account_relationships(us)[0].following
    denied = ben.account_relationships(us)[0]
    assert (denied.following, denied.requested) == (False, False)
    cleo.account_update_credentials(locked=False)


def test_who_is_muted_or_blocked_is_not_heard(alice: Any, ben: Any, cleo: Any) -> None:
    them = cleo.me().id
    ben.account_follow(them)
    quiet = cleo.status_post("can you hear me?")
    assert ben.account_mute(them, notifications=True).muting
    assert quiet.id not in [status.id for status in ben.timeline_home()]
    assert [account.id for account in ben.mutes()] == [them]
    ben.account_unmute(them)
    assert quiet.id in [status.id for status in ben.timeline_home()]
    assert ben.account_block(them).blocking
    assert not ben.account_relationships(them)[0].following
    assert [account.id for account in ben.blocks()] == [them]
    post = ben.status_post("without you")
    with pytest.raises(MastodonNotFoundError):
        cleo.status(post.id)
    assert not ben.account_unblock(them).blocking


def test_a_profile_is_changed_with_pictures_and_fields(cleo: Any) -> None:
    changed = cleo.account_update_credentials(
        display_name="Cléo",
        note="I like #maps",
        avatar=picture("blue"),
        avatar_mime_type="image/png",
        header=picture("green"),
        header_mime_type="image/png",
        fields=[("Pronouns", "she/her"), ("Web", "https://example.org/")],
        bot=True,
        default_privacy="unlisted",
    )
    assert (changed.display_name, changed.bot) == ("Cléo", True)
    assert [field.name for field in changed.fields] == ["Pronouns", "Web"]
    assert requests.get(changed.avatar, timeout=10).status_code == 200
    assert requests.get(changed.header, timeout=10).status_code == 200
    assert cleo.me().source.note == "I like #maps"
    assert cleo.status_post("quietly").visibility == "unlisted"
    cleo.account_update_credentials(bot=False, default_privacy="public")


def test_a_marker_is_kept(alice: Any) -> None:
    status = alice.status_post("read up to here")
    alice.markers_set("home", [status.id])
    assert alice.markers_get(["home"])["home"].last_read_id == status.id


def test_the_instance_tells_what_clients_ask(alice: Any, node: RunningNode) -> None:
    instance = alice.instance_v2()
    assert instance.domain == node.host
    assert instance.configuration.statuses.max_characters == 5000
    assert alice.instance_v1().uri == node.host
    assert alice.app_verify_credentials().name


class _Ear(StreamListener):
    """Keeps what it hears, and says when there is something."""

    def __init__(self) -> None:
        super().__init__()
        self.heard: list[tuple[str, Any]] = []
        self.changed = threading.Condition()

    def on_update(self, status: Any) -> None:
        self._keep("update", status)

    def on_notification(self, notification: Any) -> None:
        self._keep("notification", notification)

    def on_delete(self, status_id: Any) -> None:
        self._keep("delete", status_id)

    def on_status_update(self, status: Any) -> None:
        self._keep("status.update", status)

    def wait_for(self, kind: str) -> Any:
        with self.changed:
            assert self.changed.wait_for(lambda: any(each[0] == kind for each in self.heard), 10), self.heard
            return next(what for each, what in self.heard if each == kind)

    def _keep(self, kind: str, what: Any) -> None:
        with self.changed:
            self.heard.append((kind, what))
            self.changed.notify_all()


def test_a_stream_of_events_tells_at_once(alice: Any, ben: Any) -> None:
    ben.account_follow(alice.me().id)
    assert ben.stream_healthy()
    ear = _Ear()
    stream = ben.stream_user(ear, run_async=True, timeout=15)
    try:
        while not stream.is_receiving():
            assert stream.is_alive()
            threading.Event().wait(0.02)
        status = alice.status_post("@ben listen")
        assert ear.wait_for("update").id == status.id
        assert ear.wait_for("notification").status.id == status.id
        alice.status_update(status.id, "@ben listen well")
        assert "well" in ear.wait_for("status.update").content
        alice.status_delete(status.id)
        assert str(ear.wait_for("delete")) == str(status.id)
    finally:
        # It looks up only when something comes.
        closing = threading.Thread(target=stream.close)
        closing.start()
        alice.status_post("@ben enough")
        closing.join(20)
    assert not stream.is_alive()
