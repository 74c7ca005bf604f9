"""Networks of people who come here."""

from __future__ import annotations

import pytest

from fediverse_node.domain.addresses import (
    AddressRule,
    Severity,
    is_everybody,
    pack,
    packed_range,
    parse_network,
    range_of,
    severity_for,
    unpack,
)


@pytest.mark.parametrize("address", ["192.0.2.7", "2001:db8::1", "::1"])
def test_an_address_is_stored_and_read_as_it_was(address: str) -> None:
    packed = pack(address)
    assert packed is not None
    assert len(packed) == 32
    assert unpack(packed) == address


def test_an_ipv4_address_is_the_same_in_its_ipv6_form() -> None:
    assert pack("::ffff:192.0.2.7") == pack("192.0.2.7")
    assert pack("fe80::1%eth0") == pack("fe80::1")


@pytest.mark.parametrize("text", ["", "somewhere", "1.2.3", "1.2.3.4/33"])
def test_what_is_no_network_is_none(text: str) -> None:
    assert parse_network(text) is None


def test_a_network_is_a_range_of_texts() -> None:
    network = parse_network("192.0.2.77/24")
    assert network is not None
    assert str(network) == "192.0.2.0/24"
    low, high = packed_range(network)
    assert low <= (pack("192.0.2.255") or "") <= high
    assert not low <= (pack("192.0.3.0") or "") <= high


def test_everybody_is_a_network_too() -> None:
    for text, expected in (("0.0.0.0/0", True), ("::/0", True), ("10.0.0.0/8", False)):
        network = parse_network(text)
        assert network is not None
        assert is_everybody(network) is expected


def test_the_hardest_rule_holds_until_it_ends() -> None:
    def rule(text: str, severity: Severity, expires_ms: int | None = None) -> AddressRule:
        network = parse_network(text)
        assert network is not None
        return AddressRule(*range_of(network), severity, expires_ms)

    rules = [
        rule("192.0.2.0/24", Severity.ASK),
        rule("192.0.2.0/28", Severity.NO_ACCESS, expires_ms=100),
        rule("2001:db8::/32", Severity.NO_SIGN_UP),
    ]
    assert severity_for("192.0.2.1", rules, 99) is Severity.NO_ACCESS
    assert severity_for("192.0.2.1", rules, 100) is Severity.ASK
    assert severity_for("2001:db8:1::5", rules, 0) is Severity.NO_SIGN_UP
    assert severity_for("198.51.100.1", rules, 0) is None
    assert severity_for("no address", rules, 0) is None
