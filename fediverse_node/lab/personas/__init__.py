"""Personas: small stand-ins for other server software, with their recorded shapes and habits on the wire.

A persona is a server in a world: it has people who post, follow and like as that software does, it signs, answers and
refuses as that software does, and it can be asked what it was told and what it holds. It stores nothing on disk.
"""

from __future__ import annotations

from fediverse_node.lab.personas.akkoma import Akkoma
from fediverse_node.lab.personas.ghost import Ghost
from fediverse_node.lab.personas.gotosocial import GoToSocial
from fediverse_node.lab.personas.lemmy import Lemmy
from fediverse_node.lab.personas.mastodon import Mastodon
from fediverse_node.lab.personas.misskey import Misskey
from fediverse_node.lab.personas.mobilizon import Mobilizon
from fediverse_node.lab.personas.peertube import PeerTube
from fediverse_node.lab.personas.persona import Persona
from fediverse_node.lab.personas.pixelfed import Pixelfed
from fediverse_node.lab.personas.snac import Snac
from fediverse_node.lab.personas.wordpress import WordPress

PERSONAS: dict[str, type[Persona]] = {
    "akkoma": Akkoma,
    "ghost": Ghost,
    "gotosocial": GoToSocial,
    "lemmy": Lemmy,
    "mastodon": Mastodon,
    "misskey": Misskey,
    "mobilizon": Mobilizon,
    "peertube": PeerTube,
    "pixelfed": Pixelfed,
    "snac": Snac,
    "wordpress": WordPress,
}
