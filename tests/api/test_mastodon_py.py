"""Mastodon.py, as people's scripts use it, from registering an app to revoking its token; on both databases."""

from __future__ import annotations

import asyncio
import re
import warnings

from tests.api.conftest import PASSWORD, ApiNode
from tests.api.test_accounts import picture
from tests.api.test_oauth import Browser, answer_of

with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    from mastodon import Mastodon
    from mastodon.errors import MastodonUnauthorizedError

OUT_OF_BAND = "urn:ietf:wg:oauth:2.0:oob"


async def test_a_script_signs_in_and_does_everything_about_people(
    node_on_each_database: ApiNode,
) -> None:
    node = node_on_each_database
    await node.add("alice", password=PASSWORD)
    bob = await node.add("bob")
    scopes = ["read", "write", "follow", "push"]
    client_id, client_secret = await asyncio.to_thread(
        Mastodon.create_app, "script", scopes=scopes, api_base_url=node.base_url, redirect_uris=OUT_OF_BAND
    )
    app = Mastodon(client_id=client_id, client_secret=client_secret, api_base_url=node.base_url)
    url = await asyncio.to_thread(app.auth_request_url, scopes=scopes, redirect_uris=OUT_OF_BAND, allow_http=True)
    assert url.startswith(node.base_url)
    query = url.partition("?")[2]
    async with Browser(node) as browser:
        await browser.sign_in("alice", PASSWORD, query)
        code = answer_of(await browser.allow(query))["code"]
    token = await asyncio.to_thread(app.log_in, code=code, redirect_uri=OUT_OF_BAND, scopes=scopes, allow_http=True)
    assert re.fullmatch(r"[\w-]{43}", token)
    await asyncio.to_thread(use, app, str(bob.actor_id))
    await asyncio.to_thread(leave, app)


def use(api: Mastodon, bob_id: str) -> None:
    """What the entities parse into is checked by Mastodon.py; here is checked what they say."""
    me = api.account_verify_credentials()
    assert me.username == "alice"
    assert api.app_verify_credentials().name == "script"
    assert api.instance().version.startswith("4.")
    assert api.instance_v1().title
    assert api.preferences()["posting:default:visibility"] == "public"
    assert api.custom_emojis() == []
    changed = api.account_update_credentials(
        display_name="Alice", note="hi", fields=[("a", "b"), ("c", "d")], avatar=picture(), avatar_mime_type="image/png"
    )
    assert (changed.display_name, len(changed.fields)) == ("Alice", 2)
    assert api.account_lookup("bob").id == bob_id
    assert [a.id for a in api.account_search("bob")] == [bob_id]
    assert api.account_follow(bob_id).following
    assert api.account_relationships([bob_id])[0].following
    assert [a.id for a in api.account_following(me.id)] == [bob_id]
    assert [a.id for a in api.account_followers(bob_id)] == [me.id]
    assert api.account_note_set(bob_id, "a note").note == "a note"
    assert api.account_familiar_followers([bob_id])[0].accounts == []
    list_ = api.list_create("Friends")
    api.list_accounts_add(list_, [bob_id])
    assert [a.id for a in api.list_accounts(list_)] == [bob_id]
    assert [found.id for found in api.account_lists(bob_id)] == [list_.id]
    api.list_accounts_delete(list_, [bob_id])
    api.list_delete(list_)
    assert api.account_mute(bob_id, duration=60).muting
    assert [a.id for a in api.mutes()] == [bob_id]
    assert not api.account_unmute(bob_id).muting
    assert api.account_block(bob_id).blocking
    assert [a.id for a in api.blocks()] == [bob_id]
    assert not api.account_unblock(bob_id).blocking
    assert api.follow_requests() == []
    filter_ = api.create_filter_v2("x", ["home"], "warn", keywords_attributes=[{"keyword": "y"}])
    assert api.filter_v2(filter_.id).title == "x"
    api.delete_filter_v2(filter_.id)
    assert api.markers_set(["home"], [5]).home.last_read_id == "5"
    tag = api.featured_tag_create("tea")
    assert [t.name for t in api.featured_tags()] == ["tea"]
    api.featured_tag_delete(tag)
    media = api.media_post(picture(), "image/png", description="A wall", focus=(0.5, 0.5))
    assert (media.description, media.meta.focus.x) == ("A wall", 0.5)
    assert api.media_update(media, description="A red wall").description == "A red wall"
    private, public = api.push_subscription_generate_keys()
    assert private["auth"] == public["auth"]
    subscription = api.push_subscription_set("https://push.example/1", public, mention_events=True)
    assert subscription.alerts.mention
    api.push_subscription_delete()
    assert api.report(bob_id, comment="a test").comment == "a test"


def leave(api: Mastodon) -> None:
    """Revoking ends it."""
    used = api.access_token
    api.revoke_access_token(allow_http=True)
    again = Mastodon(access_token=used, api_base_url=api.api_base_url)
    try:
        again.account_verify_credentials()
    except MastodonUnauthorizedError:
        return
    raise AssertionError("the token still works")
