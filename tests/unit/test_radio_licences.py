"""What a radio does against what its licence says."""

from datetime import UTC, datetime, timedelta

import pytest

from wayside_manager.core.radio_licences import MismatchCause, RadioUnit, Running, mismatches
from wayside_manager.core.sites import RadioLicenceRecord

NOW = datetime(2026, 11, 22, 10, 0, tzinfo=UTC)
HZ, DBM = 5.915e9, 29.0


def licence(*, days: float = 400) -> RadioLicenceRecord:
    return RadioLicenceRecord(
        licence_id="l-1",
        number="HI-12",
        node_id="rsu-1",
        center_hz=HZ,
        bandwidth_hz=20e6,
        max_power_dbm=DBM,
        expire_time=NOW + timedelta(days=days),
        create_time=NOW,
        update_time=NOW,
    )


@pytest.mark.parametrize(
    ("running", "days", "expected"),
    [
        (Running(HZ, DBM), 400, []),
        (Running(HZ + 1_000, DBM), 400, []),
        (Running(HZ - 1_000, DBM), 400, []),
        (Running(HZ + 1_001, DBM), 400, ["frequency"]),
        (Running(HZ - 10e6, DBM), 400, ["frequency"]),
        (Running(HZ, DBM + 0.05), 400, []),
        (Running(HZ, DBM + 0.06), 400, ["power"]),
        (Running(HZ, DBM - 20), 400, []),
        (Running(HZ + 20e6, DBM + 3), 400, ["frequency", "power"]),
        (Running(None, DBM), 400, ["unknown"]),
        (Running(HZ, None), 400, ["unknown"]),
        (Running(HZ + 20e6, None), 400, ["frequency", "unknown"]),
        (Running(None, None), 400, ["unknown"]),
        (None, 400, ["unknown"]),
        (Running(HZ, DBM), 30.01, []),
        (Running(HZ, DBM), 30, ["expiring"]),
        (Running(HZ, DBM), 0.01, ["expiring"]),
        (Running(HZ, DBM), 0, ["expired"]),
        (Running(HZ, DBM), -400, ["expired"]),
        (Running(HZ + 20e6, DBM), -1, ["expired", "frequency"]),
        (Running(HZ + 20e6, DBM), 1, ["frequency", "expiring"]),
    ],
)
def test_everything_that_is_wrong_is_told_what_weighs_most_first(
    running: Running | None, days: float, expected: list[str]
) -> None:
    found = mismatches(RadioUnit("rsu-1", licence=licence(days=days)), running, now=NOW)
    assert [each.cause for each in found] == expected
    assert all(each.licence_id == "l-1" and each.node_id == "rsu-1" and "HI-12" in each.message for each in found)


def test_a_radio_without_a_licence_is_told_and_a_unit_without_a_radio_is_not() -> None:
    unit = RadioUnit("rsu-1")
    (found,) = mismatches(unit, Running(HZ, DBM), now=NOW)
    assert found.cause is MismatchCause.NO_LICENCE
    assert not found.licence_id
    assert "5915 MHz" in found.message
    assert [each.cause for each in mismatches(unit, Running(), now=NOW)] == [MismatchCause.NO_LICENCE]
    assert mismatches(unit, None, now=NOW) == ()


def test_sentences_name_both_values() -> None:
    wide, loud = mismatches(RadioUnit("rsu-1", licence=licence()), Running(5.9055e9, 31.5), now=NOW)
    assert wide.message == "it works at 5905.5 MHz, licence HI-12 is for 5915 MHz"
    assert loud.message == "it transmits with 31.5 dBm, licence HI-12 allows 29 dBm"
