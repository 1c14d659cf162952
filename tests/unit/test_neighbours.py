"""Stations heard lately."""

from wayside_agent.core.neighbours import MAX_STATIONS, WINDOW_S, Neighbours


def test_stations_count_as_long_as_they_were_heard_lately() -> None:
    around = Neighbours()
    around.heard(b"a", 0.0)
    around.heard(b"b", 5.0)
    around.heard(b"a", 6.0)
    assert [around.count(now_s) for now_s in (6.0, 5.0 + WINDOW_S, 5.1 + WINDOW_S, 6.1 + WINDOW_S)] == [2, 2, 1, 0]


def test_invented_ids_do_not_fill_the_memory() -> None:
    around = Neighbours()
    for number in range(MAX_STATIONS + 10):
        around.heard(number.to_bytes(8, "big"), 1.0)
    assert around.count(1.0) == MAX_STATIONS
