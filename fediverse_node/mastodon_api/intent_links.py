"""The addresses of the pages of `intents.py`, and how somebody comes back to one after signing in.  spec: fep-3b86"""

from __future__ import annotations

from collections.abc import Mapping
from urllib.parse import parse_qsl, urlencode

PATH = "/intents/{verb}"
# verb -> what the person is asked, the button, and what is said when it is done.
VERBS: Mapping[str, tuple[str, str, str]] = {
    "follow": ("Follow this?", "Follow", "You follow it now, or have asked to."),
    "like": ("Like this?", "Like", "You like it."),
    "announce": ("Share this with your followers?", "Share", "Your followers can read it now."),
    "object": ("Look this up here?", "Look it up", "It is here now: your app finds it by its address."),
    "create": ("Write a post", "Post", "It is said."),
}
FIELDS = ("object", "content", "name", "summary", "inReplyTo")


def sign_in_query(verb: str, given: Mapping[str, str]) -> str:
    """What the sign-in page keeps while somebody signs in for an intent."""
    return urlencode({"intent": verb, **given})


def onward(query: str) -> str:
    """Where somebody goes on who has signed in for something: to an intent, or an app that wants to be let in."""
    given = dict(parse_qsl(query)[: len(FIELDS) + 1])
    verb = given.pop("intent", "")
    if verb in VERBS:
        return f"/intents/{verb}?{urlencode({name: given[name] for name in FIELDS if name in given})}"
    return f"/oauth/authorize?{query}"
