"""Addresses at which units serve each other: what is one, whom others may be sent to, and what URLs say."""

import pytest

from wayside.errors import InvalidArgumentError
from wayside.neighbours import Neighbour, checked_address, is_nearby, neighbour, neighbour_url, server_name


@pytest.mark.parametrize("text", ["10.20.0.5:7445", "203.0.113.9:1024", "[fd00::5]:65535", "127.0.0.1:7445"])
def test_an_ip_address_with_a_port_is_one(text: str) -> None:
    assert checked_address(text, field="peer.advertise") == text


@pytest.mark.parametrize(
    "text",
    [
        "",
        "rsu.example:7445",
        "10.20.0.5",
        "10.20.0.5:22",
        "10.20.0.5:1023",
        "10.20.0.5:65536",
        "10.20.0.5:٧٤٤٥",
        "010.20.0.5:7445",
        "10.20.0:7445",
        "0.0.0.0:7445",
        "[::]:7445",
        "224.0.0.1:7445",
        "[ff02::1]:7445",
        "fd00::5:7445",
        "[fe80::1%eth0]:7445",
        "10.20.0.5:7445/",
        "10.20.0.5:7445\n",
        "user@10.20.0.5:7445",
        "9" * 10_000,
    ],
)
def test_anything_else_is_refused_in_one_short_sentence(text: str) -> None:
    with pytest.raises(InvalidArgumentError, match=r"peer\.advertise") as raised:
        checked_address(text, field="peer.advertise")
    assert len(str(raised.value)) < 250


@pytest.mark.parametrize(
    ("text", "source", "expected"),
    [
        ("10.20.0.5:7445", "203.0.113.9", True),
        ("172.31.255.1:7445", "203.0.113.9", True),
        ("192.168.1.1:7445", "", True),
        ("[fd00::5]:7445", "203.0.113.9", True),
        ("203.0.113.9:7445", "203.0.113.9", True),
        ("[2001:db8::9]:7445", "2001:db8:0::9", True),
        ("127.0.0.1:7445", "127.0.0.1", True),
        ("127.0.0.1:7445", "203.0.113.9", False),
        ("203.0.113.8:7445", "203.0.113.9", False),
        ("100.64.0.1:7445", "203.0.113.9", False),
        ("169.254.169.254:7445", "203.0.113.9", False),
        ("[::ffff:8.8.8.8]:7445", "203.0.113.9", False),
        ("172.32.0.1:7445", "203.0.113.9", False),
        ("8.8.8.8:7445", "no address", False),
    ],
)
def test_others_are_sent_to_private_addresses_and_to_the_units_own(text: str, source: str, expected: bool) -> None:
    assert is_nearby(text, source) is expected


def test_a_url_names_the_node_that_must_answer() -> None:
    url = neighbour_url("[fd00::5]:7445", "rsu-1")
    assert url == "wayside://[fd00::5]:7445/nodes/rsu-1"
    assert neighbour(url) == Neighbour("[fd00::5]:7445", "rsu-1")


def test_the_name_of_a_server_can_be_no_name_of_the_network() -> None:
    assert server_name("rsu-1") == "rsu-1.nodes.wayside.invalid"
    with pytest.raises(InvalidArgumentError):
        server_name("rsu-1.example")
