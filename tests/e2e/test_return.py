"""Units that were away for longer than their certificate lives are back by themselves, with real processes."""

import signal
from collections.abc import Iterator

import pytest
from cryptography.hazmat.primitives import serialization

from tests.e2e.trust_stage import (
    DAY_S,
    FAST,
    MakeUnit,
    centre_with,
    certificate,
    entries,
    until_connected,
    until_over,
    until_reports,
)
from wayside_demo.centre import Centre
from wayside_demo.field import FieldUnit
from wayside_demo.stage import until

LIFE_S = 27.0
PATIENCE_S = 150.0
"""A unit that asked while nobody was there asks again after a minute or two."""


@pytest.fixture(scope="module")
def centre(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Centre]:
    """A manager whose certificates live for seconds."""
    with centre_with(tmp_path_factory.mktemp("centre"), node_certificate_days=LIFE_S / DAY_S) as made:
        yield made


def test_units_are_back_after_the_end_of_their_certificates_and_nothing_is_lost(unit: MakeUnit, centre: Centre) -> None:
    offline, away, gone = (unit(name) for name in ("rsu-offline", "rsu-away", "rsu-gone"))
    for each in (offline, away):
        each.configure(FAST)
        each.agent.start()
        until_connected(each)
        until_reports(each)
    away.agent.stop()
    centre.wayside("nodes", "revoke", gone.node_id, "--yes")
    centre.watch.stop()
    centre.manager.stop(signal.SIGKILL)
    before = {each.node_id: _key(each) for each in (offline, away, gone)}

    until("reports wait", lambda: _waiting(offline) >= 5, 30)
    for each in (offline, away, gone):
        until_over(certificate(each).not_valid_after_utc)

    centre.start_manager()
    away.agent.start()
    gone.agent.start()
    for each in (offline, away):
        _until_back(each, before[each.node_id])
    enrolled = [entry for entry in entries(centre, "--action", "Enroll") if entry["actor"] in {"", "anyone"}]
    assert enrolled
    until("the revoked one hears why", lambda: "revoked" in str(gone.status().get("certificate_return")), 60)
    assert _key(gone) == before[gone.node_id]


def _until_back(unit: FieldUnit, key: bytes) -> None:
    until_connected(unit, PATIENCE_S)
    until(f"{unit.node_id} has a new key", lambda: _key(unit) != key, LIFE_S)
    until("nothing is owed", lambda: _waiting(unit) <= 1, 30)
    until_reports(unit)
    assert int(unit.node()["lost_report_count"]) == 0
    assert unit.status()["certificate_return"] == ""


def _waiting(unit: FieldUnit) -> int:
    spools = unit.status().get("health", {}).get("spools", [])
    return sum(int(spool.get("record_count", 0)) for spool in spools if spool["name"] == "reports")


def _key(unit: FieldUnit) -> bytes:
    """The public key in the unit's certificate."""
    return (
        certificate(unit)
        .public_key()
        .public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
    )
