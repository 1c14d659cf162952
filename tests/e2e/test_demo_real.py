"""`make demo` does the main job on real recordings."""

from pathlib import Path

from tests.e2e.demo_run import check_demo


def test_the_demo_shows_all_of_it_on_real_recordings(shared_data: Path) -> None:
    check_demo(shared_data, data="real")
