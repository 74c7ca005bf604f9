"""How our own URIs are built and recognised. The one place that knows their paths."""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import quote


@dataclass(frozen=True, slots=True)
class Names:
    """URIs below our base URL (`https://example.org`, no slash at the end) and our handle's host."""

    base_url: str
    host: str

    def actor(self, username: str) -> str:
        """The id of a local actor."""
        return f"{self.base_url}/users/{username}"

    def key(self, actor_uri: str) -> str:
        """The id of an actor's RSA key. Mastodon expects this fragment."""
        return f"{actor_uri}#main-key"

    def ed25519_key(self, actor_uri: str) -> str:
        """The id of an actor's Ed25519 key.  spec: fep-521a"""
        return f"{actor_uri}#ed25519-key"

    def mldsa44_key(self, actor_uri: str) -> str:
        """The id of an actor's ML-DSA-44 key."""
        return f"{actor_uri}#mldsa44-key"

    def object(self, username: str, object_id: int) -> str:
        """The id of a local object."""
        return f"{self.base_url}/users/{username}/statuses/{object_id}"

    def create(self, object_uri: str) -> str:
        """The id of the Create of a local object."""
        return f"{object_uri}/activity"

    def activity(self, username: str, kind: str, number: int) -> str:
        """The id of an activity that is not an object itself."""
        return f"{self.base_url}/users/{username}/activities/{kind}/{number}"

    def quote_authorization(self, username: str, quoting_id: int) -> str:
        """The stamp that approves of a post (by our number) quoting one of this actor.  spec: fep-044f"""
        return f"{self.base_url}/users/{username}/quote_authorizations/{quoting_id}"

    def authorization(self, username: str, request_id: int) -> str:
        """The stamp that approves of a reply, like or announce.  spec: gts-interaction#approval-objects"""
        return f"{self.base_url}/users/{username}/authorizations/{request_id}"

    def context(self, thread_id: int) -> str:
        """The id of a conversation that began here.  spec: fep-7888"""
        return f"{self.base_url}/contexts/{thread_id}"

    def history(self, thread_id: int) -> str:
        """The log of a conversation that one of ours began.  spec: fep-171b#container-collection"""
        return f"{self.context(thread_id)}/history"

    def addition(self, thread_id: int, object_id: int) -> str:
        """The Add with which a post (by our number) came into such a conversation."""
        return f"{self.history(thread_id)}/{object_id}"

    def profile_page(self, username: str) -> str:
        """What people open."""
        return f"{self.base_url}/@{username}"

    def object_page(self, username: str, object_id: int) -> str:
        """What people open."""
        return f"{self.base_url}/@{username}/{object_id}"

    def hashtag_page(self, name: str) -> str:
        """What people open."""
        return f"{self.base_url}/tags/{quote(name, safe='')}"

    def emoji(self, shortcode: str) -> str:
        """The id of a custom emoji of ours.  spec: fep-9098#emoji-object"""
        return f"{self.base_url}/emojis/{shortcode}"

    def moderators(self, actor_uri: str) -> str:
        """Who has a say in a group of ours.  spec: fep-1b12#group-moderation"""
        return f"{actor_uri}/moderators"

    def media(self, path: str) -> str:
        """A file of ours: `path` is below the media folder."""
        return f"{self.base_url}/media/{quote(path)}"

    def inbox(self, actor_uri: str) -> str:
        """Where an actor of ours gets its mail."""
        return f"{actor_uri}/inbox"

    def outbox(self, actor_uri: str) -> str:
        """What an actor of ours said."""
        return f"{actor_uri}/outbox"

    def followers(self, actor_uri: str) -> str:
        """Who follows an actor of ours."""
        return f"{actor_uri}/followers"

    def followers_synchronization(self, actor_uri: str) -> str:
        """Those of the followers who live on the server that asks.  spec: fep-8fcf"""
        return f"{actor_uri}/followers_synchronization"

    def following(self, actor_uri: str) -> str:
        """Whom an actor of ours follows."""
        return f"{actor_uri}/following"

    def featured(self, actor_uri: str) -> str:
        """What an actor of ours has pinned.  spec: toot#featured"""
        return f"{actor_uri}/collections/featured"

    def featured_tags(self, actor_uri: str) -> str:
        """The hashtags an actor of ours shows on its profile.  spec: toot#featuredTags"""
        return f"{actor_uri}/collections/tags"

    def featured_collections(self, actor_uri: str) -> str:
        """The collections in which an actor recommends others.  spec: fep-7aa9#featured-collections-on-actors"""
        return f"{actor_uri}/featured_collections"

    def featured_collection(self, actor_uri: str, collection_id: int) -> str:
        """One of these collections, by our number."""
        return f"{self.featured_collections(actor_uri)}/{collection_id}"

    def feature_authorization(self, actor_uri: str, item_id: int) -> str:
        """The stamp that approves of this actor being in a collection, as this item.  spec: fep-7aa9#verification"""
        return f"{actor_uri}/feature_authorizations/{item_id}"

    def collection_page(self, collection_id: int) -> str:
        """What people open."""
        return f"{self.base_url}/collections/{collection_id}"

    def invite_page(self, code: str) -> str:
        """What somebody opens who is invited."""
        return f"{self.base_url}/invite/{quote(code, safe='')}"

    def replies(self, object_uri: str) -> str:
        """The answers to an object of ours.  spec: as2#dfn-replies"""
        return f"{object_uri}/replies"

    def likes(self, object_uri: str) -> str:
        """How many like an object of ours.  spec: ap#likes"""
        return f"{object_uri}/likes"

    def shares(self, object_uri: str) -> str:
        """How many announced an object of ours.  spec: ap#shares"""
        return f"{object_uri}/shares"

    def flag(self, number: int) -> str:
        """The id of a report we pass on: the server's own, because it must not tell who reported."""
        return f"{self.instance_actor}/flags/{number}"

    @property
    def shared_inbox(self) -> str:
        """One inbox for everybody here.  spec: ap#shared-inbox-delivery"""
        return f"{self.base_url}/inbox"

    @property
    def instance_actor(self) -> str:
        """The actor that signs our fetches.  spec: fep-d556"""
        return f"{self.base_url}/actor"

    def upload(self, actor_uri: str, number: int) -> str:
        """A file that waits for a post of its owner."""
        return f"{actor_uri}/uploads/{number}"

    @property
    def client_endpoints(self) -> tuple[tuple[str, str], ...]:
        """What an actor's document tells the clients of its owner.  spec: ap#actor-objects"""
        return (
            ("oauthAuthorizationEndpoint", f"{self.base_url}/oauth/authorize"),
            ("oauthTokenEndpoint", f"{self.base_url}/oauth/token"),
            ("proxyUrl", f"{self.base_url}/proxy"),
            ("uploadMedia", f"{self.base_url}/upload"),
        )

    def is_ours(self, uri: str) -> bool:
        """Whether the URI lives on this server."""
        return uri == self.base_url or uri.startswith(self.base_url + "/")
