"""Which addresses may be connected to."""

from __future__ import annotations

import pytest

from fediverse_node.transport.addresses import is_allowed_address

REFUSED = [
    "0.0.0.0",
    "0.1.2.3",
    "10.1.2.3",
    "100.64.0.1",
    "100.127.255.255",
    "169.254.169.254",
    "172.16.0.1",
    "172.31.255.255",
    "192.0.0.1",
    "192.0.0.9",
    "192.0.2.1",
    "192.88.99.1",
    "192.168.1.1",
    "198.18.0.1",
    "198.19.255.255",
    "198.51.100.1",
    "203.0.113.1",
    "224.0.0.1",
    "239.255.255.250",
    "240.0.0.1",
    "255.255.255.255",
    "::",
    "::127.0.0.1",
    "::8.8.8.8",
    "::ffff:127.0.0.1",
    "::ffff:10.0.0.1",
    "::ffff:0:127.0.0.1",
    "64:ff9b::7f00:1",
    "64:ff9b::a00:1",
    "64:ff9b:1::808:808",
    "100::1",
    "2001::4136:e378:8000:63bf:3fff:fdd2",
    "2001:2::1",
    "2001:10::1",
    "2001:db8::1",
    "2002:7f00:1::1",
    "2002:a00:1::1",
    "3fff::1",
    "5f00::1",
    "fc00::1",
    "fd12:3456::1",
    "fe80::1",
    "fe80::1%eth0",
    "fec0::1",
    "ff02::1",
    "ff0e::1",
    "2606:4700::1111%eth0",
]
ALLOWED = [
    "1.1.1.1",
    "9.255.255.255",
    "11.0.0.1",
    "100.63.255.255",
    "100.128.0.1",
    "172.15.255.255",
    "172.32.0.1",
    "198.17.255.255",
    "223.255.255.255",
    "2606:4700:4700::1111",
    "2a00:1450:4001::1",
    "::ffff:1.1.1.1",
    "64:ff9b::808:808",
    "2002:808:808::1",
]
LOOPBACK = ["127.0.0.1", "127.255.255.254", "::1"]
NOT_ADDRESSES = ["", "localhost", "0177.0.0.1", "2130706433", "0x7f000001", "127.1", "1.2.3.4.5", "[::1]", "1.1.1.1/32"]


@pytest.mark.parametrize("loopback_allowed", [False, True])
@pytest.mark.parametrize("address", REFUSED + NOT_ADDRESSES)
def test_what_is_not_on_the_public_internet_is_refused_in_every_mode(address: str, loopback_allowed: bool) -> None:
    assert not is_allowed_address(address, loopback_allowed=loopback_allowed)


@pytest.mark.parametrize("loopback_allowed", [False, True])
@pytest.mark.parametrize("address", ALLOWED)
def test_public_addresses_are_allowed(address: str, loopback_allowed: bool) -> None:
    assert is_allowed_address(address, loopback_allowed=loopback_allowed)


@pytest.mark.parametrize("address", LOOPBACK)
def test_loopback_is_open_in_development_alone(address: str) -> None:
    assert is_allowed_address(address, loopback_allowed=True)
    assert not is_allowed_address(address, loopback_allowed=False)
