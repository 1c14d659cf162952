"""`make demo` does the main job on the recordings it ships, where there are no real ones."""

from pathlib import Path

from tests.e2e.demo_run import check_demo
from wayside_demo.recordings import SHIPPED
from wayside_demo.ship import ship


def test_shipped_recordings_are_what_the_simulators_make(tmp_path: Path) -> None:
    ship(tmp_path)
    made = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    assert made == {path.name: path.read_bytes() for path in SHIPPED.iterdir()}


def test_the_demo_shows_all_of_it_on_shipped_recordings(tmp_path: Path) -> None:
    check_demo(tmp_path, data="shipped")
