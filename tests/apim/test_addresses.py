"""Which addresses may be called: what looks public and is not, names that change their mind, and odd ways to write an address."""

from __future__ import annotations

import socket
from ipaddress import ip_address
from typing import Any

import pytest

from apim import addresses

NAMED = addresses.outside("127.0.0.0/8, fd00::/64", "APIM_SOME_NETWORKS")
NONE_NAMED = addresses.outside("", "APIM_SOME_NETWORKS")


def answers(monkeypatch: pytest.MonkeyPatch, *rounds: tuple[str, ...]) -> list[str]:
    """The name server answers with these addresses, one tuple a question; the names asked for."""
    asked: list[str] = []
    waiting = list(rounds)

    def getaddrinfo(host: str, port: int, **_: Any) -> list[Any]:
        asked.append(host)
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (one, port)) for one in waiting.pop(0)]

    monkeypatch.setattr(socket, "getaddrinfo", getaddrinfo)
    return asked


@pytest.mark.parametrize("address", ["9.9.9.9", "2620:fe::fe", "::ffff:9.9.9.9", "64:ff9b::909:909", "2002:909:909::1"])
def test_public_addresses(address: str) -> None:
    assert addresses.public(addresses.reached(address))
    assert NONE_NAMED.allows(addresses.reached(address))


@pytest.mark.parametrize(
    "address",
    [
        "127.0.0.1", "10.1.2.3", "172.16.0.1", "192.168.1.1", "100.64.0.1", "169.254.169.254", "192.0.0.192", "198.18.0.1",
        "0.0.0.0", "0.1.2.3", "224.0.0.1", "239.1.2.3", "240.0.0.1", "255.255.255.255",
        "::", "::1", "fe80::1%eth0", "fd12::1", "fec0::1", "ff02::1", "::127.0.0.1",
        "::ffff:10.0.0.1", "::ffff:169.254.169.254", "64:ff9b::7f00:1", "64:ff9b::a9fe:a9fe", "64:ff9b:1::a00:1",
        "2002:7f00:1::", "2002:a00:1::1", "2001:0:7f00:1::1",
    ],
)  # fmt: skip
def test_inner_addresses_in_all_their_clothes(address: str) -> None:
    assert not addresses.public(addresses.reached(address))
    assert not NONE_NAMED.allows(addresses.reached(address))


@pytest.mark.parametrize("address", ["127.0.0.1", "::ffff:127.0.0.1", "64:ff9b::7f00:1", "fd00::1"])
def test_networks_that_are_named_are_asked(address: str) -> None:
    assert NAMED.allows(addresses.reached(address))


@pytest.mark.parametrize("address", ["::1", "10.0.0.1", "fd00:0:0:1::1"])
def test_others_are_not(address: str) -> None:
    assert not NAMED.allows(addresses.reached(address))


@pytest.mark.parametrize(
    ("address", "fine"),
    [
        ("10.0.0.1", True), ("127.0.0.1", True), ("::1", True), ("fd12::1", True), ("9.9.9.9", True), ("100.64.0.1", True),
        ("169.254.169.254", False), ("::ffff:169.254.169.254", False), ("64:ff9b::a9fe:a9fe", False), ("fe80::1", False),
        ("224.0.0.1", False), ("ff02::1", False), ("0.0.0.0", False), ("::", False), ("::ffff:0.0.0.0", False),
        ("fd00:ec2::254", False), ("100.100.100.200", False), ("192.0.0.192", False), ("fd20:ce::254", False),
    ],
)  # fmt: skip
def test_backends_live_in_inner_networks_but_not_where_clouds_keep_credentials(address: str, fine: bool) -> None:
    assert addresses.BACKENDS.allows(addresses.reached(address)) is fine


def test_a_name_is_looked_up_once_and_its_first_address_is_the_one(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = answers(monkeypatch, ("9.9.9.9", "8.8.8.8"), ("127.0.0.1",))
    assert addresses.resolved("flips.example", 443, NONE_NAMED) == "9.9.9.9"
    assert asked == ["flips.example"]


@pytest.mark.parametrize("found", [("9.9.9.9", "10.0.0.1"), ("10.0.0.1", "9.9.9.9"), ("9.9.9.9", "::ffff:10.0.0.1")])
def test_one_inner_answer_among_public_ones_is_enough_to_refuse(
    monkeypatch: pytest.MonkeyPatch, found: tuple[str, ...]
) -> None:
    answers(monkeypatch, found)
    with pytest.raises(addresses.Forbidden, match=r"two\.example is at .*10\.0\.0\.1, an address of an inner network"):
        addresses.resolved("two.example", 443, NONE_NAMED)


def test_the_refusal_names_the_setting() -> None:
    with pytest.raises(addresses.Forbidden, match=r"such are asked when APIM_SOME_NETWORKS names them\.$"):
        addresses.resolved("10.0.0.1", 80, NONE_NAMED)


@pytest.mark.parametrize("host", ["2130706433", "0x7f000001", "0177.0.0.1", "127.1", "0"])
def test_other_ways_to_write_an_address_lead_to_the_same_one(host: str) -> None:
    with pytest.raises(addresses.NotCalled):
        addresses.resolved(host, 80, NONE_NAMED)


@pytest.mark.parametrize("host", ["no-such-host.invalid", "a" * 300, "\ud800", "a..b"])
def test_names_that_nobody_has(host: str) -> None:
    with pytest.raises(addresses.UnknownHost, match="is not known"):
        addresses.resolved(host, 80, NONE_NAMED)


@pytest.mark.parametrize(
    ("url", "host", "port"),
    [
        ("https://a.example/x?y=1", "a.example", 443),
        ("http://a.example", "a.example", 80),
        ("http://[::1]:8080/", "::1", 8080),
        ("HTTPS://A.example:1/", "a.example", 1),
    ],
)
def test_addresses_that_can_be_called(url: str, host: str, port: int) -> None:
    parts = addresses.parsed(url)
    assert (parts.hostname, addresses.port_of(parts)) == (host, port)


@pytest.mark.parametrize(
    "url",
    [
        "", "nothing", "//a.example", "file:///etc/passwd", "gopher://x/", "https://", "https://:443/", "http://[", "http://[::1",
        "http://a.example:0/", "http://a.example:65536/", "http://a.example:x/", "http://a.example/ b", "http://a\texample/",
        "http://a.example/\r\nx: y", "http://exämple.com/", "http://good.example\\@127.0.0.1/", "https://a.example/" + "x" * 2000,
    ],
)  # fmt: skip
def test_texts_that_are_no_address(url: str) -> None:
    with pytest.raises(addresses.BadAddress):
        addresses.parsed(url)


@pytest.mark.parametrize(
    "url",
    [
        "http://user:secret@a.example/", "http://a.example@127.0.0.1/", "http://@a.example/", "http://a.example#@b.example/",
        "http://a.example:80#secret",
    ],
)  # fmt: skip
def test_user_names_and_fragments_are_refused_without_being_repeated(url: str) -> None:
    with pytest.raises(addresses.BadAddress) as told:
        addresses.parsed(url)
    assert str(told.value) == "An address must hold no user name and no fragment."


def test_what_an_address_carries() -> None:
    assert addresses.reached("::ffff:10.0.0.1") == ip_address("10.0.0.1")
    assert addresses.reached("fe80::1%eth0") == ip_address("fe80::1")
    assert addresses.reached("::1") == ip_address("::1")
