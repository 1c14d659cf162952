"""Serial numbers that can be told from what is kept, and when to renew."""

from datetime import UTC, datetime, timedelta

from wayside_manager.core.certificates import certificate_serial, renew_time

START = datetime(2026, 11, 22, 12, 0, 0, 123_456, tzinfo=UTC)


def test_a_serial_number_follows_from_key_and_time_and_from_nothing_else() -> None:
    serial = certificate_serial("ab" * 32, START)
    assert serial == certificate_serial("ab" * 32, START.astimezone(UTC))
    assert serial != certificate_serial("cd" * 32, START)
    assert serial != certificate_serial("ab" * 32, START + timedelta(microseconds=1))


def test_serial_numbers_are_positive_and_short_enough_for_rfc_5280() -> None:
    serials = {certificate_serial(f"{number:064x}", START) for number in range(1_000)}
    assert len(serials) == 1_000
    assert all(0 < serial < 1 << 128 for serial in serials)


def test_two_thirds_of_a_month_are_twenty_days() -> None:
    assert renew_time(START, START + timedelta(days=30)) == START + timedelta(days=20)
