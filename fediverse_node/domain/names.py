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

    def object(self, username: str, object_id: int) -> str:
        """The id of a local object."""
        return f"{self.base_url}/users/{username}/statuses/{object_id}"

    def activity(self, username: str, kind: str, number: int) -> str:
        """The id of an activity that is not an object itself."""
        return f"{self.base_url}/users/{username}/activities/{kind}/{number}"

    def context(self, thread_id: int) -> str:
        """The id of a conversation that began here.  spec: fep-7888"""
        return f"{self.base_url}/contexts/{thread_id}"

    def profile_page(self, username: str) -> str:
        """What people open."""
        return f"{self.base_url}/@{username}"

    def object_page(self, username: str, object_id: int) -> str:
        """What people open."""
        return f"{self.base_url}/@{username}/{object_id}"

    def hashtag_page(self, name: str) -> str:
        """What people open."""
        return f"{self.base_url}/tags/{quote(name, safe='')}"

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

    def following(self, actor_uri: str) -> str:
        """Whom an actor of ours follows."""
        return f"{actor_uri}/following"

    def featured(self, actor_uri: str) -> str:
        """What an actor of ours has pinned.  spec: toot#featured"""
        return f"{actor_uri}/collections/featured"

    def featured_tags(self, actor_uri: str) -> str:
        """The hashtags an actor of ours shows on its profile.  spec: toot#featuredTags"""
        return f"{actor_uri}/collections/tags"

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

    def is_ours(self, uri: str) -> bool:
        """Whether the URI lives on this server."""
        return uri == self.base_url or uri.startswith(self.base_url + "/")
