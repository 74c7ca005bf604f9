"""What the people who run a server may do."""

from __future__ import annotations

from fediverse_node.domain.roles import ADMIN, MODERATOR, NOBODY, OWNER, Permission, role_of


def test_who_may_what() -> None:
    for permission in Permission:
        assert OWNER.may(permission)
        assert ADMIN.may(permission)
        assert not NOBODY.may(permission)
    assert MODERATOR.may(Permission.MANAGE_REPORTS)
    assert MODERATOR.may(Permission.MANAGE_USERS)
    assert not MODERATOR.may(Permission.MANAGE_FEDERATION)
    assert not MODERATOR.may(Permission.DELETE_USER_DATA)
    assert not MODERATOR.may(Permission.ADMINISTRATOR)


def test_who_is_above_whom() -> None:
    roles = [OWNER, ADMIN, MODERATOR, NOBODY]
    for place, role in enumerate(roles):
        assert all(role.outranks(other) for other in roles[place + 1 :])
        assert not any(role.outranks(other) for other in roles[: place + 1])


def test_an_unknown_word_is_nobodys_role() -> None:
    assert role_of(None) is NOBODY
    assert role_of("king") is NOBODY
    assert role_of("admin") is ADMIN
