"""Letters to people, from what they do to what is in their mail, with a node, a mail server and browsers."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from fediverse_node.base.outcome import Fail
from fediverse_node.outbox.mailing import post_office
from fediverse_node.storage.queries.mailing import WAITING, forget_unconfirmed
from fediverse_node.transport.mail import Letter
from tests.api.conftest import PASSWORD, ApiNode, Member, Reply
from tests.api.test_oauth import Browser, inputs
from tests.inprocess import running_node
from tests.mail_server import MailServer, html_of, link_of, mail_server, plain_of

_NEW = "another long password"


@dataclass
class Place:
    """A node that sends mail, and the mail server."""

    node: ApiNode
    mail: MailServer

    async def sign_up(self, name: str, **more: Any) -> tuple[Reply, dict[str, Any]]:
        """Through an app, with its own token; also the app."""
        app = await self.node.app("read write follow")
        reply = await self.node.call("POST", "/oauth/token", data=_credentials(app))
        body = {"username": name, "email": f"{name}@example.org", "password": PASSWORD, "agreement": True, **more}
        headers = {"Authorization": f"Bearer {reply.json['access_token']}"}
        return await self.node.call("POST", "/api/v1/accounts", json=body, headers=headers), app

    async def as_token(self, token: str, verb: str, path: str, **more: Any) -> Reply:
        return await self.node.call(verb, path, headers={"Authorization": f"Bearer {token}"}, **more)

    async def follow_link(self, letter: Any, **fields: str) -> Reply:
        """Open the link of a letter and press its button."""
        path = link_of(letter)
        async with Browser(self.node) as browser:
            page = await browser.get(path)
            assert page.status == 200, page
            assert page.headers["Referrer-Policy"] == "no-referrer"
            return await browser.post(path, inputs(page) | fields)

    async def ask_reset(self, email: str) -> Reply:
        async with Browser(self.node) as browser:
            page = await browser.get("/auth/password/forgotten")
            return await browser.post("/auth/password/forgotten", inputs(page) | {"email": email})

    async def letters(self, count: int) -> list[Any]:
        """All letters, of which there are exactly so many."""
        await self.mail.wait_for(count)
        await self.settled()
        assert len(self.mail.letters) == count, [letter["Subject"] for letter in self.mail.letters]
        return self.mail.letters

    async def settled(self) -> None:
        """Nothing waits."""
        async with asyncio.timeout(10):
            while True:
                row = await self.node.running.node.core.database.fetch_one(WAITING)
                if row is not None and not row["count"]:
                    return
                await asyncio.sleep(0.05)


def _credentials(app: dict[str, Any]) -> dict[str, str]:
    return {
        "grant_type": "client_credentials",
        "client_id": app["client_id"],
        "client_secret": app["client_secret"],
        "scope": "read write follow",
    }


@asynccontextmanager
async def _place(folder: Path, *, database_url: str | None = None, **settings: str) -> AsyncIterator[Place]:
    async with AsyncExitStack() as stack:
        mail = await stack.enter_async_context(mail_server())
        mailing: dict[str, Any] = {"MAIL__HOST": "127.0.0.1", "MAIL__PORT": str(mail.port), "MAIL__TLS": "none"}
        running = await stack.enter_async_context(
            running_node(folder, database_url=database_url, **{"REGISTRATION": "open", **mailing, **settings})
        )
        session = await stack.enter_async_context(aiohttp.ClientSession())
        yield Place(ApiNode(running, session), mail)


@pytest.fixture
async def place(tmp_path: Path) -> AsyncIterator[Place]:
    async with _place(tmp_path) as found:
        yield found


async def test_whoever_signs_up_confirms_their_address_and_then_may_write(tmp_path: Path, database_url: str) -> None:
    async with _place(tmp_path, database_url=database_url) as place:
        reply, _ = await place.sign_up("ann")
        assert reply.status == 200, reply
        token = reply.json["access_token"]
        early = await place.as_token(token, "POST", "/api/v1/statuses", json={"status": "hi"})
        assert (early.status, "confirmed" in early.json["error"]) == (403, True)
        assert (await place.as_token(token, "GET", "/api/v1/emails/check_confirmation")).json is False
        letter = (await place.letters(1))[0]
        assert letter["To"] == "ann@example.org"
        assert "@ann" in plain_of(letter)
        assert place.node.base_url + link_of(letter) in html_of(letter)
        done = await place.follow_link(letter)
        assert (done.status, b"Your address is confirmed" in done.body) == (200, True)
        assert (await place.as_token(token, "GET", "/api/v1/emails/check_confirmation")).json is True
        written = await place.as_token(token, "POST", "/api/v1/statuses", json={"status": "hi"})
        assert written.status == 200
        async with Browser(place.node) as browser:  # once is enough
            assert (await browser.get(link_of(letter))).status == 404


async def test_the_letter_is_sent_again_to_another_address_if_the_first_was_wrong(place: Place) -> None:
    reply, _ = await place.sign_up("ann")
    token = reply.json["access_token"]
    first = (await place.letters(1))[0]
    await place.node.add("bob")
    path = "/api/v1/emails/confirmations"
    taken = await place.as_token(token, "POST", path, json={"email": "BOB@example.org"})
    assert (taken.status, "used by another" in taken.json["error"]) == (422, True)
    assert (await place.as_token(token, "POST", path, json={"email": "nobody"})).status == 422
    again = await place.as_token(token, "POST", path, json={"email": "ann@right.example"})
    assert (again.status, again.json) == (200, {})
    second = (await place.letters(2))[1]
    assert second["To"] == "ann@right.example"
    async with Browser(place.node) as browser:
        assert (await browser.get(link_of(first))).status == 404  # it went to somebody else
    assert (await place.follow_link(second)).status == 200
    over = await place.as_token(token, "POST", path)
    assert (over.status, "awaiting confirmation" in over.json["error"]) == (403, True)


async def test_another_app_may_not_move_an_unconfirmed_account_to_another_address(place: Place) -> None:
    reply, _ = await place.sign_up("ann")
    assert reply.status == 200
    core = place.node.running.node.core
    row = await core.database.fetch_one(WAITING)
    assert row is not None
    user = await place.as_token(reply.json["access_token"], "GET", "/api/v1/emails/check_confirmation")
    assert user.json is False
    made = await core.registration.create("eve", "eve@example.org", confirmed=False)
    assert not isinstance(made, Fail)
    foreign = await core.registration.token(made.user_id, "read write")
    refused = await place.as_token(foreign, "POST", "/api/v1/emails/confirmations", json={"email": "x@example.org"})
    assert (refused.status, "originally signed-up" in refused.json["error"]) == (403, True)


async def test_moderators_hear_of_who_waits_and_people_of_what_was_decided(tmp_path: Path) -> None:
    async with _place(tmp_path, REGISTRATION="approval") as place:
        admin = await place.node.add("admina", role="admin", scopes="read write admin:read admin:write")
        ann, _ = await place.sign_up("ann", reason="I <b>love</b> trees")
        bob, _ = await place.sign_up("bob", reason="because")
        letters = await place.letters(2)
        by_person = {letter["To"]: letter for letter in letters}
        done = await place.follow_link(by_person["ann@example.org"])
        assert b"look at each new account" in done.body
        # Whoever set the server up, too.
        notice = next(letter for letter in (await place.letters(4))[2:] if letter["To"] == "admina@example.org")
        assert "I <b>love</b> trees" in plain_of(notice)
        assert "I &lt;b&gt;love&lt;/b&gt; trees" in html_of(notice)
        waiting = {a["username"]: a["id"] for a in await admin.get("/api/v2/admin/accounts", status="pending")}
        await admin.post(f"/api/v1/admin/accounts/{waiting['ann']}/approve")
        welcome = (await place.letters(5))[4]
        assert (welcome["To"], "Welcome" in welcome["Subject"]) == ("ann@example.org", True)
        token = ann.json["access_token"]
        assert (await place.as_token(token, "POST", "/api/v1/statuses", json={"status": "hi"})).status == 200
        # To an address that nobody confirmed no verdict is sent.
        await admin.post(f"/api/v1/admin/accounts/{waiting['bob']}/reject")
        await place.letters(5)
        assert bob.status == 200
        carol, _ = await place.sign_up("carol", reason="please")
        await place.follow_link((await place.letters(6))[5])
        await place.letters(8)
        waiting = {a["username"]: a["id"] for a in await admin.get("/api/v2/admin/accounts", status="pending")}
        await admin.post(f"/api/v1/admin/accounts/{waiting['carol']}/reject")
        last = (await place.letters(9))[8]
        assert (last["To"], "decided not to" in plain_of(last)) == ("carol@example.org", True)
        assert (await place.as_token(carol.json["access_token"], "GET", "/api/v1/preferences")).status == 401


async def test_a_forgotten_password_is_chosen_anew_and_everything_is_signed_out(place: Place) -> None:
    ann = await place.node.add("ann", password=PASSWORD)
    async with Browser(place.node) as browser:
        assert (await browser.sign_in("ann", PASSWORD)).status == 303
        assert (await browser.get("/auth/welcome")).status == 200
        asked = await place.ask_reset("Ann@Example.org")
        letter = (await place.letters(1))[0]
        assert (asked.status, letter["To"]) == (200, "ann@example.org")
        path = link_of(letter)
        short = await place.follow_link(letter, password="short", repeated="short")
        assert (short.status, b"characters" in short.body) == (422, True)
        unlike = await place.follow_link(letter, password=_NEW, repeated=_NEW + "!")
        assert (unlike.status, b"not the same" in unlike.body) == (422, True)
        assert (await ann.call("GET", "/api/v1/preferences")).status == 200
        done = await place.follow_link(letter, password=_NEW, repeated=_NEW)
        assert (done.status, b"Your password is changed" in done.body) == (200, True)
        assert "Set-Cookie" not in done.headers or "session" not in done.headers["Set-Cookie"]
        assert (await browser.get("/auth/welcome")).status == 303
        assert (await browser.get(path)).status == 404
    assert (await ann.call("GET", "/api/v1/preferences")).status == 401
    async with Browser(place.node) as browser:
        assert (await browser.sign_in("ann", PASSWORD)).status == 422
        assert (await browser.sign_in("ann", _NEW)).status == 303
    told = (await place.letters(2))[1]
    assert (told["To"], "was changed" in told["Subject"]) == ("ann@example.org", True)


async def test_nobody_learns_whether_an_address_has_an_account(place: Place) -> None:
    await place.node.add("ann", password=PASSWORD)
    known, unknown = await place.ask_reset("ann@example.org"), await place.ask_reset("bea@example.org")
    assert (known.status, known.body) == (unknown.status, unknown.body)
    assert set(known.headers) == set(unknown.headers)
    assert [letter["To"] for letter in await place.letters(1)] == ["ann@example.org"]


async def test_letters_are_asked_for_a_few_times_and_then_not_for_a_while(place: Place) -> None:
    statuses = [(await place.ask_reset("ann@example.org")).status for _ in range(6)]
    assert statuses == [200] * 5 + [429]
    assert (await place.ask_reset("bea@example.org")).status == 200


async def test_a_form_of_another_site_asks_for_nothing(place: Place) -> None:
    await place.node.add("ann", password=PASSWORD)
    data = {"email": "ann@example.org"}
    assert (await place.node.call("POST", "/auth/password/forgotten", data=data)).status == 403
    await place.ask_reset("ann@example.org")
    path = link_of((await place.letters(1))[0])
    data = {"password": _NEW, "repeated": _NEW}
    assert (await place.node.call("POST", path, data=data)).status == 403
    async with Browser(place.node) as browser:
        assert (await browser.get(path)).status == 200  # it was not spent


@pytest.mark.parametrize("path", ["/auth/confirm/", "/auth/password/new/", "/auth/email/confirm/"])
@pytest.mark.parametrize("token", ["x", "%00", "%FF%FE", "a" * 3000])
async def test_links_that_nobody_sent_lead_nowhere(place: Place, path: str, token: str) -> None:
    async with Browser(place.node) as browser:
        assert (await browser.get(path + token)).status == 404
        page = await browser.get("/auth/password/forgotten")
        sent = await browser.post(path + token, inputs(page) | {"password": _NEW, "repeated": _NEW})
        assert (sent.status, b"does not work any more" in sent.body) == (404, True)


async def test_a_link_of_one_kind_does_nothing_of_another(place: Place) -> None:
    await place.node.add("ann", password=PASSWORD)
    await place.ask_reset("ann@example.org")
    token = link_of((await place.letters(1))[0]).rpartition("/")[2]
    async with Browser(place.node) as browser:
        page = await browser.get("/auth/password/forgotten")
        for path in ("/auth/confirm/", "/auth/email/confirm/"):
            assert (await browser.get(path + token)).status == 404
            assert (await browser.post(path + token, inputs(page))).status == 404
        assert (await browser.get(f"/auth/password/new/{token}")).status == 200


async def test_another_address_is_confirmed_there_and_the_old_one_hears_of_it(place: Place) -> None:
    await place.node.add("ann", password=PASSWORD)
    await place.node.add("bob", password=PASSWORD)
    async with Browser(place.node) as browser:
        assert (await browser.get("/auth/email")).status == 303
        await browser.sign_in("ann", PASSWORD)
        fields = inputs(await browser.get("/auth/email"))
        wrong = await browser.post("/auth/email", fields | {"email": "ann@new.example", "password": "wrong"})
        assert (wrong.status, b"not right" in wrong.body) == (422, True)
        taken = await browser.post("/auth/email", fields | {"email": "Bob@example.org", "password": PASSWORD})
        assert (taken.status, b"used by another" in taken.body) == (422, True)
        asked = await browser.post("/auth/email", fields | {"email": "ann@new.example", "password": PASSWORD})
        assert asked.status == 200
        letters = {letter["To"]: letter for letter in await place.letters(2)}
        assert "is to be changed" in letters["ann@example.org"]["Subject"]
        assert b"ann@example.org" in (await browser.get("/auth/email")).body
        done = await place.follow_link(letters["ann@new.example"])
        assert (done.status, b"Your address is changed" in done.body) == (200, True)
        assert b"ann@new.example" in (await browser.get("/auth/email")).body
    last = (await place.letters(3))[2]
    assert (last["To"], "was changed" in last["Subject"]) == ("ann@example.org", True)


async def test_a_reset_link_to_an_address_that_was_changed_does_nothing(place: Place) -> None:
    ann = await place.node.add("ann", password=PASSWORD)
    await place.ask_reset("ann@example.org")
    reset = (await place.letters(1))[0]
    async with Browser(place.node) as browser:
        await browser.sign_in("ann", PASSWORD)
        fields = inputs(await browser.get("/auth/email"))
        await browser.post("/auth/email", fields | {"email": "ann@new.example", "password": PASSWORD})
        letters = {letter["To"]: letter for letter in (await place.letters(3))[1:]}
        await place.follow_link(letters["ann@new.example"])
        assert (await browser.get(link_of(reset))).status == 404
    assert (await ann.call("GET", "/api/v1/preferences")).status == 200


class _Deaf:
    """Loses the first cancellation, as the SMTP library does when an answer comes at the same moment."""

    def __init__(self) -> None:
        self.begun = asyncio.Event()

    async def carry(self, letter: Letter) -> None:
        self.begun.set()
        try:
            await asyncio.sleep(60)
        except asyncio.CancelledError:
            return


async def test_a_server_stops_although_a_letter_is_on_its_way(tmp_path: Path) -> None:
    async with AsyncExitStack() as stack:
        place = await stack.enter_async_context(_place(tmp_path))
        office = place.node.running.node.post_office
        office._carrier = deaf = _Deaf()
        await place.node.add("ann", password=PASSWORD)
        await place.ask_reset("ann@example.org")
        async with asyncio.timeout(10):
            await deaf.begun.wait()
            await office.stop()


async def test_a_letter_that_waits_when_the_server_stops_leaves_after_the_next_start(tmp_path: Path) -> None:
    async with mail_server() as mail:
        mailing: dict[str, Any] = {"MAIL__HOST": "127.0.0.1", "MAIL__PORT": str(mail.port), "MAIL__TLS": "none"}
        async with running_node(tmp_path, **mailing) as running, aiohttp.ClientSession() as session:
            await running.node.post_office.stop()
            place = Place(ApiNode(running, session), mail)
            await place.node.add("ann", password=PASSWORD)
            await place.ask_reset("ann@example.org")
        assert mail.letters == []
        async with running_node(tmp_path, **mailing):
            assert (await mail.wait_for(1))[0]["To"] == "ann@example.org"


async def test_a_mail_server_that_is_busy_is_asked_again_and_a_mailbox_that_is_none_is_not(
    place: Place, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(post_office, "_PAUSES_MIN", (0.001,))
    await place.node.add("ann", password=PASSWORD)
    place.mail.refusals = {"RCPT": ["450 later", "450 later"]}
    await place.ask_reset("ann@example.org")
    await place.letters(1)
    assert len({letter["Message-ID"] for letter in place.mail.letters}) == 1
    place.mail.refusals = {"RCPT": ["550 nobody"]}
    await place.ask_reset("ann@example.org")
    await place.settled()
    assert len(place.mail.letters) == 1
    assert "mail.given_up reason=BAD_ADDRESS" in caplog.text
    assert "ann@" not in "\n".join(r.getMessage() for r in caplog.records if r.name.endswith("post_office"))


async def test_without_a_mail_server_a_new_account_works_at_once_and_links_are_in_the_log(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    async with running_node(tmp_path, REGISTRATION="open") as running, aiohttp.ClientSession() as session:
        place = Place(ApiNode(running, session), MailServer())
        reply, _ = await place.sign_up("ann")
        token = reply.json["access_token"]
        assert (await place.as_token(token, "POST", "/api/v1/statuses", json={"status": "hi"})).status == 200
        assert (await place.as_token(token, "GET", "/api/v1/emails/check_confirmation")).json is True
        asked = await place.ask_reset("ann@example.org")
        assert b"sends no mail" in asked.body
        await place.settled()
        line = next(r.getMessage() for r in caplog.records if "/auth/password/new/" in r.getMessage())
        async with Browser(place.node) as browser:
            assert (await browser.get("/auth/" + line.partition("/auth/")[2])).status == 200


async def test_an_account_that_nobody_confirms_is_gone_after_a_week_and_others_stay(
    tmp_path: Path, database_url: str
) -> None:
    async with _place(tmp_path, database_url=database_url) as place:
        for name in ("ann", "bea"):
            assert (await place.sign_up(name))[0].status == 200
        await place.node.add("carol")
        letters = {letter["To"]: letter for letter in await place.letters(2)}
        await place.follow_link(letters["bea@example.org"])
        node = place.node.running.node
        week_ms = 7 * 86_400_000
        await node.housekeeping.round(hourly=True)
        assert (await place.sign_up("ann"))[0].status == 422  # still theirs
        now_ms = node.core.world.clock.now_ms() + week_ms
        await node.core.writer.run(lambda: forget_unconfirmed(now_ms - week_ms + 1, now_ms))
        for name, status in (("ann", 404), ("bea", 200), ("carol", 200)):
            found = await place.node.call("GET", f"/api/v1/accounts/lookup?acct={name}")
            assert found.status == status, name
        assert (await place.sign_up("ann"))[0].status == 200


async def test_a_person_that_is_disabled_gets_no_letter(place: Place) -> None:
    ann: Member = await place.node.add("ann", password=PASSWORD)
    admin = await place.node.add("admina", role="admin", scopes="read write admin:read admin:write")
    await admin.post(f"/api/v1/admin/accounts/{ann.actor_id}/action", type="disable")
    asked = await place.ask_reset("ann@example.org")
    assert asked.status == 200
    await place.letters(0)
