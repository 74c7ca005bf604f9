"""Mastodon.py, as moderators' scripts use it: what it reads is what it expects."""

from __future__ import annotations

import asyncio
import warnings
from datetime import UTC, datetime, timedelta

from tests.api.admin.conftest import Office

with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    from mastodon import Mastodon


async def test_a_script_moderates(office: Office) -> None:
    bob = await office.node.person("bob")
    status = await office.alice.say("rude #sea")
    await bob.post("/api/v1/reports", account_id=str(office.alice.actor_id), status_ids=[status["id"]])
    api = Mastodon(access_token=office.admin.token, api_base_url=office.node.base_url)
    await asyncio.to_thread(_moderate, api, str(office.alice.actor_id))
    await asyncio.to_thread(_rule, api)
    await asyncio.to_thread(_look, api)


def _moderate(api: Mastodon, alice_id: str) -> None:
    assert {person.username for person in api.admin_accounts_v2(origin="local")} == {"root", "mo", "alice", "bob"}
    assert len(api.admin_accounts_v1(status="active")) == 4
    [report] = api.admin_reports()
    assert report.target_account.id == alice_id
    assert report.statuses[0].content
    assert api.admin_report_assign(report).assigned_account.username == "root"
    assert api.admin_report_unassign(report).assigned_account is None
    api.admin_account_moderate(
        alice_id, action="silence", report_id=report, text="please", send_email_notification=True
    )
    assert api.admin_report(report).action_taken
    assert not api.admin_report_reopen(report).action_taken
    assert api.admin_report_resolve(report).action_taken
    assert not api.admin_account_unsilence(alice_id).silenced
    api.admin_account_moderate(alice_id, action="suspend")
    assert api.admin_account(alice_id).suspended
    assert not api.admin_account_unsuspend(alice_id).suspended


def _rule(api: Mastodon) -> None:
    block = api.admin_create_domain_block("far.example", severity="suspend", obfuscate=True)
    assert [found.domain for found in api.admin_domain_blocks()] == ["far.example"]
    assert api.admin_update_domain_block(block, severity="silence").severity == "silence"
    api.admin_delete_domain_block(block)
    allow = api.admin_create_domain_allow("near.example")
    assert api.admin_domain_allow(allow).domain == "near.example"
    api.admin_delete_domain_allow(allow)
    network = api.admin_create_ip_block("192.0.2.0/24", "sign_up_block", comment="no", expires_in=60)
    assert api.admin_update_ip_block(network, comment="yes").comment == "yes"
    api.admin_delete_ip_block(network)
    host = api.admin_create_email_domain_block("mail.example")
    assert len(api.admin_email_domain_block(host.id).history) == 7
    api.admin_delete_email_domain_block(host.id)
    mailbox = api.admin_create_canonical_email_block(email="a@mail.example")
    assert api.admin_test_canonical_email_block("A@mail.example")[0].id == mailbox.id
    api.admin_delete_canonical_email_block(mailbox.id)


def _look(api: Mastodon) -> None:
    end = datetime.now(UTC)
    start = end - timedelta(days=7)
    [measure] = api.admin_measures(start, end, new_users=True)
    assert (measure.total, len(measure.data)) == ("4", 8)
    [dimension] = api.admin_dimensions(start, end, servers=True)
    assert len(dimension.data) == 1
    assert len(api.admin_retention(start, end, frequency="day")) == 8
    [tag] = api.admin_trending_tags()
    assert tag.name == "sea"
    api.admin_approve_trending_tag(tag)
    assert api.admin_trending_links() == []
    assert api.admin_trending_statuses() == []
