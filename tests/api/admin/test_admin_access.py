"""Who gets to the admin API at all: every method of it asks for its scope and for a role that may."""

from __future__ import annotations

import re

from fediverse_node.mastodon_api.admin.resources import ADMIN_RESOURCES
from fediverse_node.mastodon_api.routing import Method
from tests.api.admin.conftest import SCOPES, Office
from tests.api.talking_node import Person

METHODS: list[Method] = [method for routes in ADMIN_RESOURCES for method in routes.methods]
# What a moderator may not, but an administrator may.
ADMINISTRATORS_ONLY = re.compile(
    r"/admin/(domain_blocks|domain_allows|email_domain_blocks|ip_blocks|canonical_email_blocks)|^DELETE .*/accounts/"
)


async def _status(office: Office, method: Method, person: Person | None) -> int:
    path = method.path.replace("{id}", "1")
    token = person.token if person is not None else ""
    return (await office.node.request(method.verb, path, token=token, json={})).status


async def test_nobody_gets_in_without_the_scope(office: Office) -> None:
    everything_else = await office.token(office.admin, "read write follow push profile")
    for method in METHODS:
        assert await _status(office, method, None) == 401, method.path
        assert await _status(office, method, everything_else) == 403, method.path


async def test_reading_scopes_do_not_write(office: Office) -> None:
    reader = await office.token(office.admin, "admin:read")
    writer = await office.token(office.admin, "admin:write")
    reads = [method for method in METHODS if any(scope.startswith("admin:read") for scope in method.scopes or ())]
    assert reads
    for method in METHODS:
        is_reading = method in reads
        assert (await _status(office, method, writer) == 403) is is_reading, method.path
        assert (await _status(office, method, reader) == 403) is not is_reading, method.path


async def test_a_scope_for_one_thing_is_none_for_another(office: Office) -> None:
    person = await office.token(office.admin, "admin:read:reports")
    await person.get("/api/v1/admin/reports")
    await person.get("/api/v1/admin/accounts", expect=403)
    await person.get("/api/v1/admin/ip_blocks", expect=403)


async def test_the_scope_alone_is_not_enough_without_a_role(office: Office) -> None:
    somebody = await office.token(office.alice, SCOPES)
    for method in METHODS:
        assert await _status(office, method, somebody) == 403, method.path


async def test_moderators_may_less_than_administrators(office: Office) -> None:
    for method in METHODS:
        is_refused = await _status(office, method, office.moderator) == 403
        may_not = ADMINISTRATORS_ONLY.search(f"{method.verb} {method.path}") is not None
        assert is_refused is may_not, method.path


async def test_what_people_may_stands_in_their_role(office: Office) -> None:
    shown = {}
    for person in (office.admin, office.moderator, office.alice):
        shown[person.username] = (await person.get("/api/v1/accounts/verify_credentials"))["role"]
    assert shown["root"]["permissions"] == "1"
    assert shown["alice"]["permissions"] == "0"
    assert int(shown["mo"]["permissions"]) & 16, "reports"
    assert not int(shown["mo"]["permissions"]) & 32, "federation"


async def test_ids_that_are_none_are_not_found(office: Office) -> None:
    for method in METHODS:
        if "{id}" in method.path:
            path = method.path.replace("{id}", "not-a-number")
            answer = await office.node.request(method.verb, path, token=office.admin.token, json={})
            assert answer.status == 404, method.path
            assert answer.body == {"error": "Record not found"}
