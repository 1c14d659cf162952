"""The hop table: what is not encrypted is said plainly, and what somebody should look at is found."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from wayside_manager.core.hop_facts import (
    BrokerFacts,
    CertificateFacts,
    HopFacts,
    NodesFacts,
    PlaceFacts,
    PortFacts,
    SecretFacts,
    TlsFacts,
)
from wayside_manager.core.hops import Hop, Protection, hops, warnings

NOW = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)
TLS = TlsFacts("TLSv1.3", "TLS_AES_256_GCM_SHA384", accepts_older=False)
SECURE = BrokerFacts("broker.example:8883", is_plaintext=False, node_ids=("rsu-1", "rsu-2"))
PLAIN = BrokerFacts("10.0.0.9:1883", is_plaintext=True, node_ids=("obu-7",))
FACTS = HopFacts(
    now=NOW,
    data_folder="manager",
    folder_mode=0o700,
    tls_minimum="1.3",
    device=PortFacts("manager.example:7443", TLS),
    operator=PortFacts("manager.example:7444", TLS),
    certificates=(
        CertificateFacts("authority.pem", "CN=x", True, "ECDSA secp256r1", "sha256", NOW, NOW + timedelta(days=3000)),
        CertificateFacts("server.pem", "CN=y", False, "ECDSA secp256r1", "sha256", NOW, NOW + timedelta(days=800)),
    ),
    secrets=(
        SecretFacts("authority.key", 0o600),
        SecretFacts("operator/token", 0o600),
        SecretFacts("server.key", 0o600),
    ),
    nodes=NodesFacts({"online": 3}, brokers=(SECURE,), expiries={"rsu-1": NOW + timedelta(days=29)}),
)


def hop(facts: HopFacts, start: str) -> Hop:
    return next(each for each in hops(facts) if each.name.startswith(start))


@pytest.mark.parametrize("start", ["vehicle bus", "V2X radio", "GNSS", "unit at rest", "manager at rest"])
def test_what_is_never_encrypted_is_called_plain_even_in_the_best_fleet(start: str) -> None:
    assert hop(FACTS, start).protection is Protection.PLAIN


@pytest.mark.parametrize("start", ["local sensors", "broker → integrators"])
def test_what_is_decided_elsewhere_is_not_called_encrypted(start: str) -> None:
    assert hop(FACTS, start).protection is Protection.UNKNOWN


def test_every_hop_says_what_crosses_who_reads_and_with_what() -> None:
    for each in hops(FACTS):
        assert each.crosses
        assert each.readers
        assert each.how


def test_the_manager_s_ports_say_what_was_measured_and_where_the_key_is() -> None:
    found = hop(FACTS, "unit → manager (device port)")
    assert found.protection is Protection.ENCRYPTED
    assert "TLSv1.3 at manager.example:7443, TLS_AES_256_GCM_SHA384, TLS 1.2 refused" in found.how
    assert "the manager, on its host: server.key, mode 0600" in found.keys


def test_a_port_that_does_not_answer_is_not_said_to_be_measured() -> None:
    silent = replace(FACTS, device=PortFacts("manager.example:7443"))
    assert "not measured" in hop(silent, "unit → manager (device port)").how


@pytest.mark.parametrize(
    ("brokers", "protection"),
    [
        ((), Protection.UNKNOWN),
        ((SECURE,), Protection.ENCRYPTED),
        ((PLAIN,), Protection.PLAIN),
        ((SECURE, PLAIN), Protection.PARTLY),
    ],
)
def test_telemetry_is_as_good_as_its_worst_broker(brokers: tuple[BrokerFacts, ...], protection: Protection) -> None:
    facts = replace(FACTS, nodes=NodesFacts({}, brokers=brokers))
    assert hop(facts, "unit → MQTT broker").protection is protection


def test_nodes_that_publish_in_the_clear_are_named() -> None:
    facts = replace(FACTS, nodes=NodesFacts({}, brokers=(SECURE, PLAIN)))
    assert "PLAIN MQTT to 10.0.0.9:1883: 1 node (obu-7)" in hop(facts, "unit → MQTT broker").how
    assert [warning for warning in warnings(facts) if "obu-7" in warning and "in the clear" in warning]


def test_of_many_nodes_the_first_are_named_and_the_rest_counted() -> None:
    crowd = replace(PLAIN, node_ids=tuple(f"n-{index}" for index in range(25)))
    facts = replace(FACTS, nodes=NodesFacts({}, brokers=(crowd,)))
    assert "n-19 and 5 more" in warnings(facts)[0]


def test_a_fleet_in_order_has_nothing_to_look_at() -> None:
    assert warnings(FACTS) == ()


@pytest.mark.parametrize(
    ("facts", "word"),
    [
        (replace(FACTS, folder_mode=0o755), "chmod 700"),
        (replace(FACTS, secrets=(SecretFacts("authority.key", 0o640),)), "authority.key has mode 0640"),
        (
            replace(FACTS, operator=PortFacts("m:1", replace(TLS, accepts_older=True))),
            "the operator port takes TLS 1.2",
        ),
        (replace(FACTS, tls_minimum="1.2"), "tls_minimum is 1.2"),
        (replace(FACTS, nodes=NodesFacts({}, expiries={"rsu-9": NOW})), "certificates have ended, of 1 node (rsu-9)"),
        (
            replace(FACTS, nodes=NodesFacts({}, expiries={"rsu-9": NOW + timedelta(days=8)})),
            "end within 9 days, of 1 node (rsu-9)",
        ),
        (replace(FACTS, now=NOW + timedelta(days=799)), "server.pem ends 2029-01-30"),
        (replace(FACTS, now=NOW + timedelta(days=801)), "server.pem has ended 2029-01-30"),
    ],
)
def test_what_is_out_of_order_is_found(facts: HopFacts, word: str) -> None:
    assert [warning for warning in warnings(facts) if word in warning]


def test_a_place_of_artifacts_says_who_may_fetch_there() -> None:
    places = (PlaceFacts("cdn.example", "hmac"), PlaceFacts("open.example", "none"))
    signed, unsigned = (hop(replace(FACTS, places=places), place.host) for place in places)
    assert "signed a URL for" in signed.readers
    assert signed.keys
    assert unsigned.readers == "whoever knows the address"
    assert not unsigned.keys
