"""Pace, reports and space of a download."""

from wayside_agent.core.download import is_report_due, paced_until_s, space_problem


def test_a_chunk_takes_its_time_at_the_rate() -> None:
    assert paced_until_s(0.0, 100.0, 1_000_000, 500_000) == 102.0
    assert paced_until_s(102.0, 101.0, 1_000_000, 500_000) == 104.0


def test_no_rate_is_no_wait() -> None:
    assert paced_until_s(500.0, 100.0, 1_000_000, 0) == 100.0


def test_an_outage_saves_up_no_burst() -> None:
    assert paced_until_s(102.0, 900.0, 500_000, 500_000) == 901.0


def test_progress_is_reported_every_5_percent_and_at_most_once_a_second() -> None:
    assert is_report_due(50, 1000, reported_bytes=0, since_report_s=1.0)
    assert not is_report_due(49, 1000, reported_bytes=0, since_report_s=60.0)
    assert not is_report_due(900, 1000, reported_bytes=0, since_report_s=0.9)


def test_a_full_disk_is_a_sentence_with_figures() -> None:
    assert space_problem(missing_bytes=14_000_000, free_bytes=1_000_000_000) == ""
    assert "1 MB are free" in space_problem(missing_bytes=14_000_000, free_bytes=1_000_000)
