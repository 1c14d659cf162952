"""Whom a unit serves: how long the manager's word holds, and what a certificate must say."""

import base64

import pytest

from wayside.errors import PermissionDeniedError
from wayside_agent.core.serving import (
    AWAY_YES_S,
    MAX_COUNT,
    NO_S,
    SERVER_USAGE_DER,
    YES_S,
    Standing,
    Vouchers,
    caller,
    is_server,
)

A = "a" * 64


def pem(der: bytes) -> bytes:
    return b"-----BEGIN CERTIFICATE-----\n" + base64.b64encode(der) + b"\n-----END CERTIFICATE-----\n"


def test_of_whom_nothing_was_said_the_manager_is_asked_and_without_it_the_answer_is_no() -> None:
    assert Vouchers().standing(A, 0.0) is Standing.ASK
    assert not Vouchers().is_known_good(A, 0.0)


def test_a_yes_holds_for_ten_minutes_and_for_a_day_without_the_manager() -> None:
    vouchers = Vouchers().with_answer(A, 100.0, is_yes=True)
    assert vouchers.standing(A, 100.0 + YES_S - 1) is Standing.YES
    assert vouchers.standing(A, 100.0 + YES_S) is Standing.ASK
    assert vouchers.is_known_good(A, 100.0 + AWAY_YES_S - 1)
    assert not vouchers.is_known_good(A, 100.0 + AWAY_YES_S)


def test_a_no_holds_for_a_minute_and_takes_the_yes_before_back() -> None:
    vouchers = Vouchers().with_answer(A, 0.0, is_yes=True).with_answer(A, 1.0, is_yes=False)
    assert vouchers.standing(A, 1.0 + NO_S - 1) is Standing.NO
    assert vouchers.standing(A, 1.0 + NO_S) is Standing.ASK
    assert not vouchers.is_known_good(A, 2.0)


def test_the_oldest_answers_are_forgotten() -> None:
    vouchers = Vouchers().with_answer(A, 0.0, is_yes=True)
    for number in range(MAX_COUNT):
        vouchers = vouchers.with_answer(f"{number:064d}", 1.0, is_yes=True)
    assert len(vouchers.answers) == MAX_COUNT
    assert vouchers.standing(A, 1.0) is Standing.ASK


@pytest.mark.parametrize(
    ("uris", "shown"),
    [
        ([], [pem(b"x")]),
        ([b"wayside://operators/admin"], [pem(b"x")]),
        ([b"wayside://nodes/rsu-1", b"wayside://nodes/rsu-2"], [pem(b"x")]),
        ([b"wayside://nodes/RSU"], [pem(b"x")]),
        ([b"wayside://nodes/\xff"], [pem(b"x")]),
        ([b"https://nodes/rsu-1"], [pem(b"x")]),
        ([b"wayside://nodes/rsu-1"], []),
        ([b"wayside://nodes/rsu-1"], [b"no certificate"]),
    ],
    ids=["nobody", "operator", "two", "no label", "no text", "scheme", "no certificate", "garbage"],
)
def test_who_is_no_node_is_refused(uris: list[bytes], shown: list[bytes]) -> None:
    with pytest.raises(PermissionDeniedError):
        caller(uris, shown)


def test_a_node_is_known_by_its_name_and_the_hash_of_its_certificate() -> None:
    name, sha256 = caller([b"wayside://nodes/rsu-1"], [pem(b"abc")])
    assert name == "nodes/rsu-1"
    assert sha256 == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"


def test_a_certificate_serves_only_if_it_says_so() -> None:
    assert is_server(pem(b"0" + SERVER_USAGE_DER + b"0"))
    assert not is_server(pem(b"00"))
    assert not is_server(b"no certificate")
