"""Periodic messages do not drift."""

from wayside_agent.core.cadence import Cadence


def test_turns_stay_on_their_grid_however_late_they_come() -> None:
    cadence = Cadence(period_s=0.5, begin_s=10.0)
    now_s, due = 10.0, []
    for late_s in (0.0, 0.2, 0.4, 0.1):
        due.append(cadence.next_s(now_s))
        now_s = due[-1] + late_s
    assert due == [10.5, 11.0, 11.5, 12.0]
    assert cadence.missed_count == 0


def test_turns_that_are_over_are_not_made_up_for() -> None:
    cadence = Cadence(period_s=0.5, begin_s=10.0)
    assert cadence.next_s(10.0) == 10.5
    assert cadence.next_s(14.2) == 14.0
    assert cadence.missed_count == 6
    assert cadence.next_s(14.2) == 14.5
