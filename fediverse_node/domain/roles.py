"""What the people who run a server may do, by their role.  spec: mastodon-client-api#Role

The numbers are Mastodon's, because its API shows them to apps. The four roles are fixed: nobody defines new ones.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntFlag


class Permission(IntFlag):
    """One bit for each thing that not everybody may do."""

    ADMINISTRATOR = 1 << 0
    VIEW_DEVOPS = 1 << 1
    VIEW_AUDIT_LOG = 1 << 2
    VIEW_DASHBOARD = 1 << 3
    MANAGE_REPORTS = 1 << 4
    MANAGE_FEDERATION = 1 << 5
    MANAGE_SETTINGS = 1 << 6
    MANAGE_BLOCKS = 1 << 7
    MANAGE_TAXONOMIES = 1 << 8
    MANAGE_APPEALS = 1 << 9
    MANAGE_USERS = 1 << 10
    MANAGE_INVITES = 1 << 11
    MANAGE_RULES = 1 << 12
    MANAGE_ANNOUNCEMENTS = 1 << 13
    MANAGE_CUSTOM_EMOJIS = 1 << 14
    MANAGE_WEBHOOKS = 1 << 15
    INVITE_USERS = 1 << 16
    MANAGE_ROLES = 1 << 17
    MANAGE_USER_ACCESS = 1 << 18
    DELETE_USER_DATA = 1 << 19


@dataclass(frozen=True, slots=True)
class Role:
    """A role: `number` is its id in the API, `rank` says who may act on whom."""

    word: str  # in `users.role`
    number: int
    name: str
    color: str
    permissions: Permission
    rank: int

    @property
    def is_staff(self) -> bool:
        """Whether these people look at reports."""
        return self.may(Permission.MANAGE_REPORTS)

    def may(self, permission: Permission) -> bool:
        """Whether this is allowed; an administrator may everything."""
        return bool(self.permissions & (permission | Permission.ADMINISTRATOR))

    def outranks(self, other: Role) -> bool:
        """Whether somebody of this role may do something about somebody of the other."""
        return self.rank > other.rank


NOBODY = Role("user", -99, "", "", Permission(0), 0)
MODERATOR = Role(
    "moderator",
    1,
    "Moderator",
    "#047857",
    Permission.VIEW_AUDIT_LOG
    | Permission.VIEW_DASHBOARD
    | Permission.MANAGE_REPORTS
    | Permission.MANAGE_TAXONOMIES
    | Permission.MANAGE_APPEALS
    | Permission.MANAGE_USERS,
    10,
)
ADMIN = Role("admin", 2, "Admin", "#1d4ed8", Permission.ADMINISTRATOR, 100)
OWNER = Role("owner", 3, "Owner", "#6d28d9", Permission.ADMINISTRATOR, 1000)
ROLES = (OWNER, ADMIN, MODERATOR, NOBODY)
_BY_WORD = {role.word: role for role in ROLES}


def role_of(word: str | None) -> Role:
    """The role of what stands in `users.role`; that of everybody if it is none."""
    return _BY_WORD.get(word or "", NOBODY)
