"""Which rule holds for a host, how lists are read, and what they would change."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fediverse_node.domain.domain_lists import Auto, Change, Kind, compare, dump_list, parse_list, permitted
from fediverse_node.domain.domains import DomainPolicy, DomainRule, Severity, obfuscated, parse_domain

NOTHING, LIMIT, SUSPEND = Severity.NOTHING, Severity.LIMIT, Severity.SUSPEND

POLICY = DomainPolicy.of(
    [
        DomainRule("bad.example"),
        DomainRule("good.bad.example", NOTHING),
        DomainRule("loud.example", LIMIT),
        DomainRule("worst.loud.example", SUSPEND),
        DomainRule("pictures.example", NOTHING, reject_media=True),
        DomainRule("tk", SUSPEND),
        DomainRule("203.0.113.7", SUSPEND),
        DomainRule("port.example:8443", SUSPEND),
    ],
    own="home.bad.example",
)


@pytest.mark.parametrize(
    "host, severity",
    [
        ("bad.example", SUSPEND),
        ("a.bad.example", SUSPEND),
        ("a.b.bad.example", SUSPEND),
        ("bad.example:8443", SUSPEND),
        ("notbad.example", NOTHING),
        ("bad.example.org", NOTHING),
        ("good.bad.example", NOTHING),
        ("very.good.bad.example", NOTHING),
        ("home.bad.example", NOTHING),
        ("loud.example", LIMIT),
        ("worst.loud.example", SUSPEND),
        ("quite.loud.example", LIMIT),
        ("some.thing.tk", SUSPEND),
        ("203.0.113.7", SUSPEND),
        ("203.0.113.7:444", SUSPEND),
        ("113.7", NOTHING),
        ("port.example:8443", SUSPEND),
        ("port.example", NOTHING),
        ("elsewhere.example", NOTHING),
        ("[2001:db8::1]:8443", NOTHING),
    ],
)
def test_the_nearest_rule_holds_for_a_host_and_all_below_it(host: str, severity: Severity) -> None:
    assert POLICY.severity_of(host) is severity
    assert POLICY.is_suspended(host) is (severity is SUSPEND)
    assert POLICY.is_limited(host) is (severity is LIMIT)


def test_media_and_reports_are_refused_without_more_where_only_that_is_said() -> None:
    assert POLICY.rejects_media("cdn.pictures.example")
    assert not POLICY.rejects_reports("pictures.example")
    assert not POLICY.is_suspended("pictures.example")


@pytest.mark.parametrize(
    "host, is_suspended",
    [
        ("friend.example", False),
        ("a.friend.example", True),
        ("bad.example", True),
        ("home.example", False),
        ("x.y", True),
    ],
)
def test_where_only_listed_hosts_take_part_names_hold_to_the_letter(host: str, is_suspended: bool) -> None:
    policy = DomainPolicy.of([DomainRule("bad.example")], allowed=["friend.example", "bad.example"], own="home.example")
    assert policy.is_suspended(host) is is_suspended
    assert policy.refuses(f"https://{host}/users/x") is is_suspended


@pytest.mark.parametrize(
    "text, domain",
    [
        ("Example.COM.", "example.com"),
        (" @example.com ", "example.com"),
        ("*.example.com", "example.com"),
        ("https://Example.com/about?x=1", "example.com"),
        ("bücher.example", "xn--bcher-kva.example"),
        ("127.0.0.1:8420", "127.0.0.1:8420"),
        ("alice@example.com", None),
        ("example.com/path", None),
        ("", None),
        ("exa mple.com", None),
    ],
)
def test_domains_are_read_as_people_write_them(text: str, domain: str | None) -> None:
    assert parse_domain(text) == domain


@pytest.mark.parametrize(
    "domain, shown", [("example.com", "exa****.*om"), ("a.b", "a.*"), ("social.bad.example", "socia*.***.***mple")]
)
def test_a_name_can_be_shown_without_spelling_it_out(domain: str, shown: str) -> None:
    found = obfuscated(domain)
    assert len(found) == len(domain)
    assert [i for i, letter in enumerate(found) if letter == "."] == [i for i, x in enumerate(domain) if x == "."]
    assert found == shown


MASTODON = """#domain,#severity,#reject_media,#reject_reports,#public_comment,#obfuscate
bad.example,suspend,False,False,"spam, and worse",True
loud.example,silence,True,True,,False
noted.example,noop,True,False,,False
"""
FEDIBLOCKHOLE = """domain,severity,public_comment
bad.example,suspend,
loud.example,silence,
"""
PLAIN = """# a list
bad.example
*.loud.example   # noisy

// nothing
https://third.example/
nonsense here
com
"""


def test_lists_are_read_in_the_forms_in_which_they_are_passed_on() -> None:
    rules = {rule.domain: rule for rule in parse_list(MASTODON).rules}
    assert rules["bad.example"] == DomainRule("bad.example", SUSPEND, obfuscate=True, public_comment="spam, and worse")
    assert rules["loud.example"].effect == (LIMIT, True, True)
    assert rules["noted.example"].effect == (NOTHING, True, False)
    assert [(r.domain, r.severity) for r in parse_list(FEDIBLOCKHOLE).rules] == [
        ("bad.example", SUSPEND),
        ("loud.example", LIMIT),
    ]
    plain = parse_list(PLAIN)
    assert [rule.domain for rule in plain.rules] == ["bad.example", "loud.example", "third.example"]
    assert all(rule.severity is SUSPEND for rule in plain.rules)
    assert [line.partition(":")[0] for line in plain.unreadable] == ["line 7", "line 8"]


def test_what_is_exported_is_read_back_as_it_was_and_no_spreadsheet_runs_it() -> None:
    rules = parse_list(MASTODON).rules
    assert parse_list(dump_list(rules)).rules == tuple(sorted(rules, key=lambda rule: rule.domain))
    evil = DomainRule("bad.example", public_comment="=HYPERLINK(1)")
    assert ",'=HYPERLINK(1)," in dump_list([evil])


def test_of_a_domain_that_stands_there_twice_the_harder_line_counts() -> None:
    text = "domain,severity\nbad.example,silence\nbad.example,suspend\nbad.example,noop\n"
    assert [rule.severity for rule in parse_list(text).rules] == [SUSPEND]


@given(st.text())
def test_no_text_breaks_the_reader_of_lists(text: str) -> None:
    for rule in parse_list(text).rules:
        assert "." in rule.domain


OURS = {
    "ours.example": DomainRule("ours.example", LIMIT),
    "same.example": DomainRule("same.example", SUSPEND),
    "was.example": DomainRule("was.example", SUSPEND, list_id=7),
    "softer.example": DomainRule("softer.example", SUSPEND, list_id=7),
    "harder.example": DomainRule("harder.example", LIMIT, list_id=7),
    "other.example": DomainRule("other.example", SUSPEND, list_id=8),
}
LISTED = [
    DomainRule("new.example"),
    DomainRule("ours.example", SUSPEND),
    DomainRule("same.example", SUSPEND),
    DomainRule("softer.example", LIMIT),
    DomainRule("harder.example", SUSPEND),
    DomainRule("home.example", SUSPEND),
]


def test_a_list_adds_and_changes_its_own_rules_and_leaves_ours_and_those_of_others() -> None:
    changes = compare(OURS, LISTED, 7, protected=frozenset({"home.example"}))
    assert [(change.kind, change.domain) for change in changes] == [
        (Kind.HARDER, "harder.example"),
        (Kind.NEW, "new.example"),
        (Kind.KEPT, "ours.example"),
        (Kind.SOFTER, "softer.example"),
        (Kind.GONE, "was.example"),
    ]
    assert {change.domain for change in changes if change.suspends} == {"harder.example", "new.example"}


def test_a_list_taken_in_once_takes_nothing_away_and_makes_nothing_softer() -> None:
    ours = {"hard.example": DomainRule("hard.example"), "soft.example": DomainRule("soft.example", LIMIT)}
    listed = [DomainRule("hard.example", LIMIT), DomainRule("soft.example", SUSPEND)]
    changes = compare(ours, listed, None, protected=frozenset())
    assert [(change.kind, change.domain) for change in changes] == [
        (Kind.KEPT, "hard.example"),
        (Kind.HARDER, "soft.example"),
    ]


def _by_themselves(auto: Auto) -> dict[str, str]:
    changes = compare(OURS, LISTED, 7, protected=frozenset({"home.example"}))
    return {c.domain: c.after.severity.value if c.after else "none" for c in permitted(changes, auto)}


def test_nothing_applies_by_itself_unless_told_so_and_limit_only_never_cuts_a_follow() -> None:
    assert _by_themselves(Auto.NOTHING) == {}
    assert _by_themselves(Auto.LIMIT_ONLY) == {
        "new.example": "silence",
        "softer.example": "silence",
        "was.example": "none",
    }
    assert _by_themselves(Auto.ALL) == {
        "new.example": "suspend",
        "harder.example": "suspend",
        "softer.example": "silence",
        "was.example": "none",
    }


def test_what_is_kept_cuts_nothing() -> None:
    assert not Change(Kind.KEPT, "x.example", None, DomainRule("x.example")).suspends
