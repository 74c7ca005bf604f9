"""What has to be there before a node can serve: folders, database, keys, an owner."""

from __future__ import annotations

import getpass
import os
import re
from dataclasses import dataclass

from fediverse_node.base.config import Config
from fediverse_node.base.errors import ConfigurationError
from fediverse_node.base.outcome import Fail
from fediverse_node.core import Core, open_core
from fediverse_node.storage.migrate import migrate
from fediverse_node.storage.queries.registration import COUNT_USERS, OWNER


@dataclass(frozen=True, slots=True)
class Prepared:
    """A node that can serve. `owner_link` is set while its owner has never been here."""

    core: Core
    owner_name: str
    owner_link: str | None


async def prepare(config: Config) -> Prepared:
    """Make what is missing; nothing that exists is changed. Raises NodeError when it cannot be done."""
    try:
        config.data_dir.mkdir(parents=True, exist_ok=True)
        config.media_dir.mkdir(parents=True, exist_ok=True)
        # Keys and messages are inside: other people on this machine have no business there.
        os.chmod(config.data_dir, 0o700)
    except OSError as error:
        raise ConfigurationError(
            f"the data folder {config.data_dir} cannot be used: {error.strerror}. Set DATA_DIR to one that can."
        ) from error
    await migrate(config.database_url)
    core = await open_core(config)
    await core.registration.ensure_instance_actor()
    row = await core.database.fetch_one(COUNT_USERS)
    if row is None or row[0] == 0:
        name = _owner_name()
        made = await core.registration.create(name, f"{name}@{_mail_host(config)}", role="owner", reserved_allowed=True)
        if isinstance(made, Fail):
            raise ConfigurationError(f"the owner's account could not be made: {made}")
    owner = await core.database.fetch_one(OWNER)
    if owner is None or owner["password_hash"] is not None or owner["last_seen_ms"] is not None:
        return Prepared(core, owner["username"] if owner else "", None)
    return Prepared(core, owner["username"], await core.registration.sign_in_link(owner["id"]))


def _owner_name() -> str:
    """The name of whoever starts the node, as far as it can be a user name; it can be changed by making another."""
    try:
        name = re.sub(r"[^A-Za-z0-9_]", "", getpass.getuser())[:30]
    except (KeyError, OSError):  # no such user in this container
        name = ""
    return name if name and name != "root" else "owner"


def _mail_host(config: Config) -> str:
    return config.host.partition(":")[0]
